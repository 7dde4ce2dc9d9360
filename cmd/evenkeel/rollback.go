package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/hand"
)

func (a *app) rollbackCmd() *cobra.Command {
	f := handFlags{request: hand.Request{Verb: hand.Rollback}}
	to := ""
	cmd := &cobra.Command{
		Use:   "rollback [--to REV]",
		Short: "Put an earlier revision of the branch in force, and pin it",
		Long: `Put an earlier revision in force, through the Plan: what differs is mended by the
steps that follow, in their order. Without --to it is the last one that had
proved itself on this host before the one in force. It is pinned: whatever the
branch says, it stays until

  evenkeel resume host

and status shows PINNED, and what waits. Revisions are known by their first four
characters or more.

Exit code 0: it is in force, and the host is as it declares. 1: it is not.`,
		Example: "  evenkeel rollback --reason 'checkout is slow since noon'\n  evenkeel rollback --to 1f0c9ab",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&to, "to", "", "the revision (default: the one before)")
	cmd.Flags().StringVar(&f.request.Why, "reason", "", "why, in your own words; it is recorded")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 5*time.Minute, "give up waiting after this")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if to != "" {
			f.request.Names = []string{to}
		}
		answer, err := a.ask(cmd.Context(), f.request)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
		defer cancel()
		if err := a.await(ctx, hand.Rollback, answer.Asks, f.timeout); err != nil {
			return err
		}
		return a.awaitRevision(ctx)
	}
	return cmd
}

// awaitRevision waits until the host is as the pinned revision declares.
func (a *app) awaitRevision(ctx context.Context) error {
	c := api.NewClient(a.socket)
	left := "the controller does not answer"
	for {
		if v, err := c.View(ctx); err == nil {
			if v.Past.Pinned == nil {
				return &exit{exitDiffers, fmt.Errorf("nothing is pinned any more: somebody else has resumed the host")}
			}
			left = v.Unsettled(v.Past.Pinned.Name)
			if left == "" {
				fmt.Fprintf(a.stdout, "in force  %s\n", v.Past.Pinned.Name)
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return &exit{exitDiffers, fmt.Errorf("it is in force, and the host is not yet as it declares: %s", left)}
		case <-time.After(200 * time.Millisecond):
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/desired/read/verify"
)

func (a *app) validateCmd() *cobra.Command {
	var effective bool
	cmd := &cobra.Command{
		Use:     "validate PATH...",
		Short:   "Check desired state, offline: every error at once",
		Example: "  evenkeel validate examples/pakashop\n  evenkeel validate --effective --environment staging deploy/",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.validate(cmd.Context(), args, effective)
		},
	}
	cmd.Flags().BoolVar(&effective, "effective", false, "print every object with its effective values and where each comes from")
	return cmd
}

func (a *app) validate(ctx context.Context, paths []string, effective bool) error {
	set, problems, err := a.load(paths, effective)
	if err != nil {
		return err
	}
	if set != nil {
		more, err := verify.Units(ctx, set)
		if err != nil && !errors.Is(err, verify.ErrNoTool) {
			a.say("warning: systemd was not asked about the unit files: %v", err)
		}
		problems = append(problems, more...)
	}
	for _, p := range problems {
		a.say("%s", p)
	}
	var t *read.Trouble
	switch err := problems.Err(); {
	case errors.As(err, &t):
		return &exit{code: exitTrouble}
	case err != nil:
		return &exit{code: exitDiffers}
	}
	if effective {
		b, err := read.Effective(set.Objects)
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(b)
		return err
	}
	fmt.Fprintf(a.stdout, "valid: %d objects, %d services on this host, revision %s\n", len(set.Objects), len(set.Services), set.Revision)
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/report"
)

// handFlags are what the verbs by hand have in common.
type handFlags struct {
	request hand.Request
	timeout time.Duration
}

func (a *app) handFlags(cmd *cobra.Command, f *handFlags) {
	cmd.Flags().StringVar(&f.request.Why, "reason", "", "why, in your own words; it is recorded")
	selectorFlag(cmd, &f.request.Select)
	cmd.Flags().BoolVar(&f.request.All, "all", false, "every service")
	cmd.ValidArgsFunction = a.completeServices
}

func (a *app) startCmd() *cobra.Command {
	return a.byHand(&cobra.Command{
		Use:   "start SERVICE...",
		Short: "Start services by hand, in the order of their dependencies",
		Long: `Start services by hand, through the Plan: in the order of their dependencies,
recorded with who asked, and not charged to the limits of repairs. It ends what
a stop by hand had placed. A service that is declared stopped is left running
for an hour.

Exit code 0: they run. 1: one does not.`,
		Example: "  evenkeel start pakashop-backend --reason 'the disk is back'",
	}, hand.Start)
}

func (a *app) stopCmd() *cobra.Command {
	return a.byHand(&cobra.Command{
		Use:   "stop SERVICE...",
		Short: "Stop services by hand, and leave them stopped for a while",
		Long: `Stop services by hand, through the Plan: what depends on them and is stopped,
too, goes first. They are suspended with it, for an hour or as long as --for
says; then evenkeel starts them again if they are declared running. Ctrl-C
withdraws what has not begun, and its suspension with it.

Exit code 0: they are stopped. 1: one is not.`,
		Example: "  evenkeel stop pakashop-search --for 2h --reason 'reindexing by hand'",
	}, hand.Stop)
}

func (a *app) restartCmd() *cobra.Command {
	return a.byHand(&cobra.Command{
		Use:   "restart SERVICE...",
		Short: "Restart services by hand, one after the other",
		Long: `Restart services by hand, through the Plan: along their dependencies, as many at
a time as policy allows, recorded with who asked, and not charged to the limits
of repairs. --pending chooses those whose restart waits (PendingRestart).

Exit code 0: they were restarted and run. 1: one does not.`,
		Example: "  evenkeel restart pakashop-backend\n  evenkeel restart --pending --reason 'new libssl'",
	}, hand.Restart)
}

func (a *app) reloadCmd() *cobra.Command {
	return a.byHand(&cobra.Command{
		Use:     "reload SERVICE...",
		Short:   "Have services read their configuration again, by hand",
		Long:    "Run the ExecReload= of services by hand, through the Plan.\n\nExit code 0: they were reloaded. 1: one was not.",
		Example: "  evenkeel reload nginx",
	}, hand.Reload)
}

// byHand completes a verb that ends in Steps.
func (a *app) byHand(cmd *cobra.Command, verb string) *cobra.Command {
	f := handFlags{request: hand.Request{Verb: verb}}
	a.handFlags(cmd, &f)
	cmd.Flags().DurationVar(&f.timeout, "timeout", 3*time.Minute, "give up waiting after this; what has not begun by then is withdrawn")
	if verb == hand.Stop {
		durationFlag(cmd, &f.request.For, "for", "leave them stopped this long (default 1h, at most 30d)")
	}
	if verb == hand.Restart {
		cmd.Flags().BoolVar(&f.request.Pending, "pending", false, "those whose restart waits")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.request.Objects = objectNames(args)
		answer, err := a.ask(cmd.Context(), f.request)
		if err != nil {
			return err
		}
		return a.await(cmd.Context(), verb, answer.Asks, f.timeout)
	}
	return cmd
}

// objectNames completes what people type; the host is called host.
func objectNames(args []string) []string {
	out := make([]string, len(args))
	for i, s := range args {
		out[i] = s
		if s != hand.Host {
			out[i] = objectName(s)
		}
	}
	return out
}

// ask sends a request and says on stderr what came of it at once.
func (a *app) ask(ctx context.Context, r hand.Request) (hand.Answer, error) {
	answer, err := api.NewClient(a.socket).Hand(ctx, r)
	var e *api.Error
	switch {
	case errors.As(err, &e) && e.Code == http.StatusNotFound:
		return answer, &exit{exitUnknown, err}
	case errors.As(err, &e) && e.Code == http.StatusConflict:
		return answer, &exit{exitDiffers, err}
	case errors.Is(err, api.ErrNone):
		return answer, trouble(fmt.Errorf("%w; by hand without one: systemctl", hint(err)))
	case err != nil:
		return answer, trouble(hint(err))
	}
	for _, line := range answer.Done {
		a.say("%s", report.Escape(line)) // it may name what a stranger has named
	}
	return answer, nil
}

// await waits until everything that was asked for is done, and says what of it
// waits for what. Whoever does not wait to the end takes back what has not begun.
func (a *app) await(ctx context.Context, verb string, asks []hand.Asked, timeout time.Duration) error {
	c := api.NewClient(a.socket)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	open := make(map[string]string) // by ID: the object
	var ids []string
	for _, k := range asks {
		open[k.ID], ids = k.Object, append(ids, k.ID)
	}
	said := make(map[string]string)
	failed, away := false, false
	for pause := 20 * time.Millisecond; len(ids) > 0; pause = min(2*pause, 500*time.Millisecond) {
		select {
		case <-ctx.Done():
			return a.giveUp(ctx, c, verb, ids, open, said)
		case <-time.After(pause):
		}
		progress, err := c.Progress(ctx, ids)
		if err != nil && ctx.Err() == nil && !away {
			a.say("evenkeel: %v; what was asked for is recorded, and done when it is back", err)
		}
		away = err != nil
		for _, p := range progress {
			switch {
			case p.Done && p.Failed == "":
				fmt.Fprintf(a.stdout, "done    %s  %s\n", open[p.ID], verb)
			case p.Done:
				failed = true
				fmt.Fprintf(a.stdout, "failed  %s  %s: %s\n", open[p.ID], verb, p.Failed)
			case p.Detail != said[p.ID]:
				a.say("%s: %s", open[p.ID], p.Detail)
				said[p.ID] = p.Detail
			}
			if p.Done {
				ids = slices.DeleteFunc(ids, func(id string) bool { return id == p.ID })
			}
		}
	}
	if failed {
		return &exit{code: exitDiffers}
	}
	return nil
}

// giveUp withdraws what is open.
func (a *app) giveUp(ctx context.Context, c *api.Client, verb string, ids []string, open, said map[string]string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var what []string
	for _, id := range ids {
		what = append(what, strings.TrimSuffix(open[id]+" ("+said[id]+")", " ()"))
	}
	answer, err := c.Hand(ctx, hand.Request{Verb: hand.Withdraw, Names: ids})
	for _, line := range answer.Done {
		a.say("%s", line)
	}
	if err != nil {
		err = fmt.Errorf("; and it could not be withdrawn: %w", err)
		return &exit{exitDiffers, fmt.Errorf("%s is not done: %s%w", verb, strings.Join(what, ", "), err)}
	}
	return &exit{exitDiffers, fmt.Errorf("%s is not done, and what has not begun is withdrawn: %s", verb, strings.Join(what, ", "))}
}

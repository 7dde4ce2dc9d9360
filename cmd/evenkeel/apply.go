package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
)

func (a *app) applyCmd() *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply -f PATH",
		Short: "Bring this host to its declared state, once",
		Long: `Make passes until the host is as declared, or until nothing more will change by
itself, and print each step as it ends. It refuses beside a running controller.

Exit code 0: converged. 1: not converged. 2: trouble, or a controller runs.`,
		Example: "  evenkeel apply -f examples/minimal\n  evenkeel apply -f deploy/ --dry-run",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.dryRun {
				return a.diff(cmd.Context(), diffOptions{form: o.form})
			}
			return a.apply(cmd.Context(), o)
		},
	}
	a.fileFlag(cmd)
	cmd.Flags().DurationVar(&o.timeout, "timeout", 5*time.Minute, "give up after this long")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only show what would be done: evenkeel diff")
	output(cmd, &o.form, "text", "json")
	return cmd
}

type applyOptions struct {
	form    string
	timeout time.Duration
	dryRun  bool
}

// applied is what `apply -o json` prints.
type applied struct {
	Converged bool        `json:"converged"`
	Done      []doneStep  `json:"done"`
	Left      report.Diff `json:"left"`
}

type doneStep struct {
	ID       string       `json:"id"`
	Object   string       `json:"object"`
	Actuator string       `json:"actuator"`
	Verb     string       `json:"verb"`
	Target   string       `json:"target"`
	Reason   state.Reason `json:"reason"`
	Outcome  state.Status `json:"outcome"`
	Detail   string       `json:"detail"`
	MS       int64        `json:"ms"`
}

func (a *app) apply(ctx context.Context, o applyOptions) error {
	if _, err := a.loadOrSay(a.defaultPaths(), false); err != nil {
		return err
	}
	lock, err := controller.Lock(defaultRuntime, a.stateDir)
	if err != nil {
		return trouble(hint(fmt.Errorf("apply: %w", err)))
	}
	defer lock.Close()
	log := logger(a.stderr)
	d, err := a.daemon(ctx, quietly(log), webhookFlags{})
	if err != nil {
		return err
	}
	defer d.Close()
	out := applied{Done: []doneStep{}}
	d.options.Done = func(s state.Step, r state.Outcome) {
		step := doneStep{s.ID, s.Object, s.Action.Actuator, s.Action.Verb, s.Action.Target, s.Reason, r.Status, r.Detail, r.Took.Milliseconds()}
		out.Done = append(out.Done, step)
		if o.form == "text" {
			fmt.Fprintln(a.stdout, step)
		}
	}
	c, err := controller.New(d.options)
	if err != nil {
		return err
	}
	actx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	res, err := c.Apply(actx)
	if err != nil {
		return trouble(err)
	}
	v := res.View
	out.Converged, out.Left = res.Converged, v.Diff()
	if o.form == "json" {
		err = a.print("json", out)
	} else {
		a.sayApplied(out, errors.Is(actx.Err(), context.DeadlineExceeded), o.timeout)
	}
	if err == nil && !out.Converged {
		return &exit{code: exitDiffers}
	}
	return err
}

func (s doneStep) String() string {
	line := fmt.Sprintf("%-11s %s  %s.%s %s  %s", s.Outcome, s.Object, s.Actuator, s.Verb, s.Target, s.Reason)
	if s.Outcome != state.Done && s.Detail != "" {
		line += ": " + s.Detail
	}
	return report.Escape(line)
}

func (a *app) sayApplied(out applied, late bool, timeout time.Duration) {
	switch {
	case out.Converged:
		fmt.Fprintf(a.stdout, "converged: %d steps\n", len(out.Done))
		return
	case late:
		fmt.Fprintf(a.stdout, "not converged after %s; what is left:\n", timeout)
	default:
		fmt.Fprintln(a.stdout, "not converged; what is left:")
	}
	fmt.Fprint(a.stdout, out.Left.Text(a.style()))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/record"
)

func (a *app) historyCmd() *cobra.Command {
	var since, form string
	var failed bool
	var n int
	cmd := &cobra.Command{
		Use:   "history [OBJECT]",
		Short: "Show what was done, and why",
		Long:  "Show the steps that were done, the newest last, each with its reason and its outcome.",
		Example: `  evenkeel history --since 1h
  evenkeel history pakashop-backend --failed
  evenkeel history -o json | jq 'select(.verb == "restart")'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f := api.HistoryFilter{Failed: failed, Limit: n}
			if len(args) == 1 {
				f.Object = objectName(args[0])
			}
			var err error
			if f.Since, err = sinceTime(since, time.Now()); err != nil {
				return trouble(err)
			}
			return a.showHistory(cmd.Context(), f, form)
		},
		ValidArgsFunction: a.completeServices,
	}
	a.fileFlag(cmd) // every verb that works without a controller takes it; the record says all here
	cmd.Flags().StringVar(&since, "since", "", "only what began since: 1h, 30d, or a time like 2026-11-23T02:00:00Z")
	cmd.Flags().BoolVar(&failed, "failed", false, "only what did not end well")
	cmd.Flags().IntVarP(&n, "lines", "n", api.DefaultLimit, "at most so many steps")
	output(cmd, &form, "text", "json")
	return cmd
}

// sinceTime reads a duration before now, or a time.
func sinceTime(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := desired.ParseDuration(s); err == nil {
		return now.Add(-d.Std()), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %s: write a duration like 1h or 30d, or a time like 2026-11-23T02:00:00Z", s)
}

func (a *app) showHistory(ctx context.Context, f api.HistoryFilter, form string) error {
	lines, err := a.history(ctx, f)
	if errors.Is(err, record.ErrNone) {
		err = nil // nothing was ever done
	}
	if err != nil {
		return trouble(hint(err))
	}
	slices.Reverse(lines) // the newest last, where the eye is
	if form == "json" {
		return printLines(a, api.Lines(lines))
	}
	_, err = fmt.Fprint(a.stdout, report.HistoryText(api.Lines(lines), a.style()))
	return err
}

// printLines prints JSON, a line each.
func printLines[T any](a *app, all []T) error {
	for _, l := range all {
		b, err := report.JSONLine(l)
		if err != nil {
			return err
		}
		if _, err := a.stdout.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// history asks the running controller, and reads the record where none runs.
func (a *app) history(ctx context.Context, f api.HistoryFilter) ([]state.Line, error) {
	lines, err := api.NewClient(a.socket).History(ctx, f)
	if err == nil || !errors.Is(err, api.ErrNone) {
		return lines, err
	}
	s, err := record.OpenReadOnly(a.stateDir)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return historyOf(s, f)
}

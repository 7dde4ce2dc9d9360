package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/record"
)

func (a *app) reportCmd() *cobra.Command {
	var since, form string
	cmd := &cobra.Command{
		Use:   "report --since D",
		Short: "Show what was done over a time, or would have been in mode observe",
		Long: `Show what was done since a time: by service, action and reason, how often, how
long it took, what went wrong, what was kept of what lay there, and who asked for
it; and what fell sick, which remedies were tried, and whether it healed. Where
policy or a service says observe, it shows what would have been done:
how often there was a reason for it, for how long, and whether there still is.`,
		Example: "  evenkeel report --since 7d\n  evenkeel report --since 24h -o markdown | mail -s 'what evenkeel did' team@example.org",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := sinceTime(since, time.Now())
			if err != nil {
				return trouble(err)
			}
			act, err := a.activity(cmd.Context(), from)
			if err != nil {
				return trouble(hint(err))
			}
			switch form {
			case "json", "yaml":
				return a.print(form, act)
			case "markdown":
				_, err = fmt.Fprint(a.stdout, act.Markdown())
			default:
				_, err = fmt.Fprint(a.stdout, act.Text(a.style()))
			}
			return err
		},
	}
	a.fileFlag(cmd) // every verb that works without a controller takes it; the record says all here
	cmd.Flags().StringVar(&since, "since", "24h", "since when: 1h, 30d, or a time like 2026-11-23T02:00:00Z")
	output(cmd, &form, "text", "json", "yaml", "markdown")
	return cmd
}

// activity asks the running controller, and reads the record where none runs.
func (a *app) activity(ctx context.Context, since time.Time) (report.Activity, error) {
	act, err := api.NewClient(a.socket).Activity(ctx, since)
	if err == nil || !errors.Is(err, api.ErrNone) {
		return act, err
	}
	name, err := os.Hostname()
	if err != nil {
		return act, err
	}
	p, _ := read.Policy(a.policy) // for the name alone: one that cannot be read hides nothing that was done
	host, now := cmp.Or(p.Host.Name, name), time.Now()
	s, err := record.OpenReadOnly(a.stateDir)
	if errors.Is(err, record.ErrNone) {
		return report.NewActivity(host, since, now, nil, nil, nil), nil // nothing was ever done
	}
	if err != nil {
		return act, err
	}
	defer s.Close()
	history := func(f api.HistoryFilter) ([]state.Line, error) { return historyOf(s, f) }
	notes := func(since time.Time) ([]state.Entry, error) { return notesOf(s, since) }
	return api.Activity(history, s.Wishes, notes, host, since, now)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/backtest"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/record"
)

func (a *app) rulesBacktestCmd() *cobra.Command {
	var since, alert, form string
	cmd := &cobra.Command{
		Use:   "backtest FILE...",
		Short: "Run recorded alerts through a changed runbook: what would it have done?",
		Long: `Live once more through the alerts that are on record, in no time, with the runbooks of
FILE: of each what was done then, what would be done now, and where the two part. A
file lies over what is declared (-f), its objects taking the place of those of the
same name; a folder is taken instead of it. Nothing is touched.

The record tells how things went because of what was done. Where something else would
be done, or something is asked that nobody asked then, what comes of it is unknown, and
the walk ends there.

A running controller is asked for its record (root and the group evenkeel-op); where
none runs, the one in --state-dir is read.

Exit code 0: what was done would be done. 1: something else would, or nobody can tell.
2: trouble.`,
		Example: `  evenkeel rules backtest redis-memory.yaml
  evenkeel rules backtest --since 7d --alert RedisMemoryHigh -o json redis-memory.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := sinceTime(since, time.Now())
			if err != nil {
				return trouble(err)
			}
			return a.backtest(cmd.Context(), args, from, alert, form)
		},
	}
	a.fileFlag(cmd)
	cmd.Flags().StringVar(&since, "since", "", "only alerts that began since: 7d, or a time like 2026-11-23T02:00:00Z")
	cmd.Flags().StringVar(&alert, "alert", "", "only alerts of this name")
	output(cmd, &form, "text", "json", "yaml")
	return cmd
}

func (a *app) backtest(ctx context.Context, files []string, since time.Time, alert, form string) error {
	want, changed, err := a.laidOver(files)
	if err != nil {
		return err
	}
	past, err := a.recorded(ctx)
	if err != nil && !errors.Is(err, record.ErrNone) {
		return trouble(hint(err))
	}
	results := backtest.Show(backtest.Run(want, past, backtest.Options{Wants: func(c state.Case, now string) bool {
		mine := changed == nil || slices.Contains(changed, c.Runbook) || slices.Contains(changed, now)
		return mine && !c.Opened.Wall.Before(since) && (alert == "" || c.Labels["alertname"] == alert)
	}}))
	if form == "text" {
		_, err = fmt.Fprint(a.stdout, results.Text(a.style()))
	} else {
		err = a.print(form, results)
	}
	if err == nil && results.Same < len(results.Incidents) {
		err = &exit{code: exitDiffers}
	}
	return err
}

// laidOver reads what is declared with changed files over it, and names the Runbooks
// that are in those; nil: all of them are.
func (a *app) laidOver(files []string) (*desired.Set, []string, error) {
	base, whole := a.defaultPaths(), false
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return nil, nil, trouble(err)
		}
		whole = whole || info.IsDir()
	}
	if whole || len(a.paths) == 0 && !exists(defaultDesired) {
		base, files = files, nil
	}
	set, problems, err := a.loadWith(base, read.Options{Over: files})
	if err != nil {
		return nil, nil, err
	}
	for _, one := range problems {
		a.say("%s", one)
	}
	if err := problems.Err(); err != nil {
		return nil, nil, trouble(fmt.Errorf("%s cannot be used; nothing was run", many(len(problems.Errors()), "the desired state", slices.Concat(base, files))))
	}
	if whole {
		return set, nil, nil
	}
	changed := []string{}
	for _, o := range set.Objects {
		if o.Kind == "Runbook" && (len(files) == 0 || slices.Contains(files, o.Pos.File)) {
			changed = append(changed, o.Metadata.Name)
		}
	}
	if len(changed) == 0 {
		return nil, nil, trouble(errors.New("no file holds a Runbook"))
	}
	return set, changed, nil
}

// recorded asks the running controller, and reads the record where none runs.
func (a *app) recorded(ctx context.Context) (backtest.Record, error) {
	r, err := api.NewClient(a.socket).Record(ctx)
	if err == nil || !errors.Is(err, api.ErrNone) {
		return r, err
	}
	s, err := record.OpenReadOnly(a.stateDir)
	if err != nil {
		return r, err
	}
	defer s.Close()
	return recordOf(s)
}

func recordOf(s *record.Store) (backtest.Record, error) {
	past := s.Past()
	if past.Distrust != "" {
		return backtest.Record{}, errors.New("the record cannot be believed: " + past.Distrust)
	}
	entries, err := s.Select(backtest.Needed)
	return backtest.Record{Entries: entries, Tally: past.Tally}, err
}

// recorder reads the record that a daemon has open.
func (d *daemon) recorder() (backtest.Record, error) { return recordOf(d.store) }

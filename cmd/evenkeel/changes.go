package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/actuators/gather"
	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/changes"
	"github.com/pakashop/evenkeel/state/record"
)

func (a *app) changesCmd() *cobra.Command {
	var since, form string
	var n int
	cmd := &cobra.Command{
		Use:   "changes",
		Short: "Show everything that changed on the host, by whomever",
		Long: `Show one time line of what changed on the host, the newest last: steps of evenkeel's
and revisions put in force, packages, unit and configuration files, certificates
among the declared files, logins and sudo, systemctl by hand, reboots.

What cannot be read is named on stderr, and the rest is shown all the same. A file
tells of its last change alone, and root sees more than others.`,
		Example: `  sudo evenkeel changes --since 1h
  sudo evenkeel changes --since 7d -n 1000 -o json | jq 'select(.source == "package")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := sinceTime(since, time.Now())
			if err != nil {
				return trouble(err)
			}
			if n <= 0 {
				return trouble(fmt.Errorf("-n %d: at least 1", n))
			}
			return a.changes(cmd.Context(), changes.Window{Since: from, Limit: n}, form)
		},
	}
	a.fileFlag(cmd)
	cmd.Flags().StringVar(&since, "since", "24h", "only what changed since: 1h, 30d, or a time like 2026-11-23T02:00:00Z")
	cmd.Flags().IntVarP(&n, "lines", "n", api.DefaultLimit, "at most so many changes, the newest")
	output(cmd, &form, "text", "json")
	return cmd
}

func (a *app) changes(ctx context.Context, w changes.Window, form string) error {
	all, err := a.everyChange(ctx, w, ownPast{a.history, a.notes})
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			a.say("not read: %s", report.Escape(strings.TrimRight(line, "\n")))
		}
	}
	if ctx.Err() != nil {
		return trouble(ctx.Err())
	}
	if form == "json" {
		return printLines(a, all)
	}
	_, err = fmt.Fprint(a.stdout, report.ChangesText(all, a.style()))
	return err
}

// ownPast is where evenkeel's own steps and notes are read.
type ownPast struct {
	steps func(context.Context, api.HistoryFilter) ([]state.Line, error)
	notes func(context.Context, time.Time) ([]state.Entry, error)
}

// everyChange is the time line. Its error names what could not be read; the rest is
// there all the same.
func (a *app) everyChange(ctx context.Context, w changes.Window, p ownPast) ([]report.ChangeLine, error) {
	own, acts, ownErr := p.changes(ctx, w)
	paths := a.declaredPaths(ctx)
	rows, err := changes.Collect(ctx, []changes.Source{
		changes.Dpkg(), changes.Rpm(), changes.Files(paths), changes.Certificates(paths), changes.Logins(), changes.Jobs(), changes.Boots(),
	}, w)
	all := own
	for _, c := range changes.Explain(rows, acts) {
		all = append(all, report.ChangeLine{Time: report.At(c.Time), Source: c.Source, Object: c.Object, What: c.What, Actor: c.Actor})
	}
	slices.SortStableFunc(all, func(x, y report.ChangeLine) int { return x.Time.Compare(y.Time.Time) })
	return all[max(0, len(all)-w.Limit):], errors.Join(ownErr, err)
}

// changes are evenkeel's steps and notes, and the steps once more as what
// explains other rows.
func (p ownPast) changes(ctx context.Context, w changes.Window) (lines []report.ChangeLine, acts []changes.Act, err error) {
	steps, err := p.steps(ctx, api.HistoryFilter{Since: w.Since, Limit: w.Limit})
	if errors.Is(err, record.ErrNone) {
		return nil, nil, nil // nothing was ever done
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", report.OwnSource, err)
	}
	for i, l := range api.Lines(steps) {
		if l.Actuator == gather.Name {
			continue // evidence: it changed nothing
		}
		lines = append(lines, report.ChangeOfStep(l))
		began := steps[i].Time
		acts = append(acts, changes.Act{Verb: l.Verb, Target: l.Target, From: began, To: began.Add(time.Duration(l.MS) * time.Millisecond)})
	}
	notes, err := p.notes(ctx, w.Since)
	for _, e := range notes {
		if l, ok := report.ChangeOfNote(e); ok {
			lines = append(lines, l)
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", report.OwnSource, err)
	}
	return lines, acts, err
}

// notes asks the running controller, and reads the record where none runs.
func (a *app) notes(ctx context.Context, since time.Time) ([]state.Entry, error) {
	entries, err := api.NewClient(a.socket).Notes(ctx, since)
	if err == nil || !errors.Is(err, api.ErrNone) {
		return entries, err
	}
	s, err := record.OpenReadOnly(a.stateDir)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return notesOf(s, since)
}

// maxNotes bounds one answer about what was remembered.
const maxNotes = 10000

func notesOf(s *record.Store, since time.Time) ([]state.Entry, error) {
	return s.Notes(record.NoteFilter{Kinds: report.ChangedBy, Since: since, Limit: maxNotes})
}

// noter reads notes from the record that a daemon has open.
func (d *daemon) noter(since time.Time) ([]state.Entry, error) { return notesOf(d.store, since) }

// declaredPaths are the files that desired state names, where it can be read.
// Without it the time line has the rest.
func (a *app) declaredPaths(ctx context.Context) []string {
	paths := a.paths
	if len(paths) == 0 && exists(defaultDesired) {
		paths = []string{defaultDesired}
	}
	if len(paths) == 0 || ctx.Err() != nil {
		return nil
	}
	set, _, err := a.load(paths, false)
	if err != nil || set == nil {
		return nil
	}
	var all []string
	for _, s := range set.Services {
		for _, f := range s.Files {
			all = append(all, f.Path)
		}
		all = append(all, s.Spec.Watch...)
		if s.Link != nil {
			all = append(all, s.Link.Path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

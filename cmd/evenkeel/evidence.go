package main

import (
	"context"
	"time"

	"github.com/pakashop/evenkeel/actuators/gather"
	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/changes"
	"github.com/pakashop/evenkeel/state/observe/journal"
	"github.com/pakashop/evenkeel/state/observe/metrics"
	"github.com/pakashop/evenkeel/state/record"
)

// recentChanges bounds the time line that goes with a case.
const recentChanges = 60

// evidence is what collectors cannot read without the rights, the record and the metrics
// of this process.
func (a *app) evidence(store *record.Store, rules *metrics.Evaluator) gather.Sources {
	own := ownPast{
		steps: func(_ context.Context, f api.HistoryFilter) ([]state.Line, error) { return historyOf(store, f) },
		notes: func(_ context.Context, since time.Time) ([]state.Entry, error) { return notesOf(store, since) },
	}
	return gather.Sources{
		Query: func(ctx context.Context, expr string) (string, error) {
			return rules.Query(ctx, expr, time.Time{}, false)
		},
		Exemplars: func(ctx context.Context, expr string) (string, error) {
			return rules.Query(ctx, expr, time.Time{}, true)
		},
		Logs: func(ctx context.Context, units []string, since time.Duration) ([]byte, error) {
			return journal.Entries(ctx, units, time.Now().Add(-since))
		},
		Changes: func(ctx context.Context, since time.Duration) (string, error) {
			now := time.Now()
			lines, err := a.everyChange(ctx, changes.Window{Since: now.Add(-since), Limit: recentChanges}, own)
			if len(lines) == 0 {
				return "", err
			}
			out := report.ChangesText(lines, report.Style{Now: now})
			if err != nil {
				out += "\nnot all was read: " + err.Error()
			}
			return out, nil
		},
	}
}

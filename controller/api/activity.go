package api

import (
	"time"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
)

// Wisher reads what only observing held back since a time, the oldest first.
type Wisher func(since time.Time) ([]state.Wished, error)

// Activity reports what was done on a host over a time, and what would have
// been. It counts at most so many steps as one answer about the past may have.
func Activity(history Historian, wishes Wisher, notes Noter, host string, since, until time.Time) (report.Activity, error) {
	lines, err := history(HistoryFilter{Since: since, Limit: maxLimit})
	if err != nil {
		return report.Activity{}, err
	}
	wished, err := wishes(since)
	if err != nil {
		return report.Activity{}, err
	}
	noted, err := notes(since)
	if err != nil {
		return report.Activity{}, err
	}
	a := report.NewActivity(host, since, until, Lines(lines), wished, noted)
	a.Partial = len(lines) == maxLimit
	return a, nil
}

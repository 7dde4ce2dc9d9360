package changes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Change is one thing that changed on the host.
type Change struct {
	Time   time.Time
	Source string // the name of the source that knows it
	Object string // what was changed: a package, a path, a unit, a user
	What   string // what happened to it
	Actor  string // who did it; empty: not known
}

// Window says what is asked for.
type Window struct {
	Since time.Time
	Limit int // rows a source, the newest; 0: DefaultLimit
}

// DefaultLimit is how many rows a source gives where nobody says otherwise.
const DefaultLimit = 1000

func (w Window) has(t time.Time) bool { return !t.Before(w.Since) }

func (w Window) limit() int {
	if w.Limit <= 0 {
		return DefaultLimit
	}
	return w.Limit
}

// Source is one place that knows of changes. Read returns what it could read
// together with what went wrong; a host that has no such place has no changes
// there, and that is no error. The order of rows does not matter.
type Source struct {
	Name string
	Read func(context.Context, Window) ([]Change, error)
}

// Collect asks all sources, one after the other, and puts their rows in one
// order, the oldest first. The error joins one for each source that could not
// be read, or not wholly.
func Collect(ctx context.Context, sources []Source, w Window) ([]Change, error) {
	var all []Change
	var errs []error
	for _, s := range sources {
		rows, err := s.Read(ctx, w)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name, err))
		}
		for i := range rows {
			rows[i].Source = s.Name
		}
		all = append(all, newest(rows, w)...)
	}
	Sort(all)
	return all, errors.Join(errs...)
}

// newest keeps the newest rows within the window.
func newest(rows []Change, w Window) []Change {
	rows = slices.DeleteFunc(rows, func(c Change) bool { return !w.has(c.Time) })
	Sort(rows)
	return rows[max(0, len(rows)-w.limit()):]
}

// Sort puts rows in the order of their times; of the same moment, as they came.
func Sort(rows []Change) {
	slices.SortStableFunc(rows, func(a, b Change) int { return a.Time.Compare(b.Time) })
}

// longest bounds what a row says, in bytes: a command line may be a novel.
const longest = 300

func shorten(s string) string {
	if len(s) <= longest {
		return s
	}
	return s[:longest] + "…"
}

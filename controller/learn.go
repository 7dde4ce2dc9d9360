package controller

import (
	"slices"

	"github.com/pakashop/evenkeel/state"
)

// learn merges new readings and reports whether a pass is due: something is
// different, or a reading has come that the Plan had waited for, even if it
// shows what the last one showed.
func (l *loop) learn(f state.Facts) bool {
	due := l.merge(f)
	return due || slices.ContainsFunc(l.plan.Gaps, func(g state.Gap) bool {
		// An expression is asked again and again: the Plan says when it looks at the answer.
		return g.Source.Kind != state.RefQuery && brings(f, g.Source)
	})
}

// brings tells whether readings have one of a fact.
func brings(f state.Facts, r state.Ref) (ok bool) {
	switch r.Kind {
	case state.RefHost:
		ok = f.Host != nil
	case state.RefUnit:
		_, ok = f.Units[r.Name]
	case state.RefFile:
		_, ok = f.Files[r.Name]
	case state.RefDir:
		_, ok = f.Dirs[r.Name]
	case state.RefProbe:
		_, ok = f.Probes[r.Name]
	case state.RefAlerts:
		_, ok = f.Alerts[r.Name]
	case state.RefQuery:
		_, ok = f.Queries[r.Name]
	}
	return ok
}

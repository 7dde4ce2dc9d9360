package controller

import (
	"slices"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// lookAgain asks for the facts that were missing. One that could not be read is
// tried again after a pause, one that was merely too old at once.
func (l *loop) lookAgain() {
	blind := false
	for _, g := range l.plan.Gaps {
		switch err, known := l.reading(g.Source); {
		case (g.Source.Kind == state.RefProbe || g.Source.Kind == state.RefAlerts) && (g.Source.Name == "" || err != ""):
			// Nobody probes, or evaluates; or it is asked again in its turn.
		case g.Source.Kind == state.RefQuery:
			l.c.eyes.outdated(g.Source, g.After) // the Plan says when it is asked again
		case known && err != "":
			blind = true
		case known && g.After.IsZero() && !l.older(g.Source):
			// Read, and no reading will make it better.
		default:
			l.c.eyes.outdated(g.Source, append(l.ends(g.Source), g.After)...)
		}
	}
	if !blind {
		l.blind = 0
		return
	}
	if l.blind == 0 {
		l.blind = time.Second
		l.retry.Reset(l.blind)
	}
}

// reading finds the error of a fact, and whether it was read at all.
func (l *loop) reading(r state.Ref) (err string, known bool) {
	switch r.Kind {
	case state.RefHost:
		return l.have.Host.Err, !l.have.Host.At.IsZero()
	case state.RefUnit:
		f, ok := l.have.Units[r.Name]
		return f.Err, ok
	case state.RefFile:
		f, ok := l.have.Files[r.Name]
		return f.Err, ok
	case state.RefProbe:
		f, ok := l.have.Probes[r.Name]
		return f.Err, ok
	case state.RefAlerts:
		f, ok := l.have.Alerts[r.Name]
		return f.Err, ok
	case state.RefQuery:
		f, ok := l.have.Queries[r.Name]
		return f.Err, ok
	}
	f, ok := l.have.Dirs[r.Name]
	return f.Err, ok
}

// older tells a fact that was read before our own last Step on it had ended.
func (l *loop) older(r state.Ref) bool {
	var at state.Time
	switch r.Kind {
	case state.RefHost:
		at = l.have.Host.At
	case state.RefUnit:
		at = l.have.Units[r.Name].At
	case state.RefFile:
		at = l.have.Files[r.Name].At
	case state.RefDir:
		at = l.have.Dirs[r.Name].At
	case state.RefProbe:
		at = l.have.Probes[r.Name].At
	case state.RefAlerts:
		at = l.have.Alerts[r.Name].At
	case state.RefQuery:
		at = l.have.Queries[r.Name].At
	}
	return slices.ContainsFunc(l.ends(r), at.Outdated)
}

// ends are the instants after which a reading must begin to be of use.
func (l *loop) ends(r state.Ref) []state.Time {
	if r.Kind == state.RefUnit {
		return []state.Time{l.past.Ended[r.String()], l.past.Reloaded}
	}
	return []state.Time{l.past.Ended[r.String()]}
}

// tryAgain is for what the world denied: readings and writes.
func (l *loop) tryAgain() bool {
	pass := false
	if len(l.unsaved) > 0 || l.past.Distrust == unwritable {
		pass = l.save()
	}
	if l.blind > 0 {
		l.blind = min(2*l.blind, 30*time.Second)
		l.retry.Reset(l.blind)
		l.c.eyes.dirty(nil)
	}
	return pass
}

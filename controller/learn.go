package controller

import (
	"slices"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/state"
)

// newRuns lists what the units read that new readings show in another
// invocation than before. What such a process was started with can only be told
// from readings that are younger than itself.
func (l *loop) newRuns(f state.Facts) []state.Ref {
	var out []state.Ref
	if len(f.Units) == 0 {
		return nil
	}
	for i := range l.want.Services {
		s := &l.want.Services[i]
		if !slices.ContainsFunc(s.Units, func(u string) bool {
			now, seen := f.Units[u]
			return seen && now.Known() && now.Value.Up() && now.Value.Invocation != l.have.Units[u].Value.Invocation
		}) {
			continue
		}
		out = append(out, plan.Reads(s, &l.have)...)
	}
	return out
}

// learn merges new readings, has read again what a new process reads, and
// reports whether a pass is due: something is different, or a reading has come
// that the Plan had waited for, even if it shows what the last one showed.
func (l *loop) learn(f state.Facts) bool {
	again := l.newRuns(f)
	due := l.merge(f)
	if len(again) > 0 {
		l.c.eyes.dirty(again)
	}
	return due || slices.ContainsFunc(l.plan.Gaps, func(g state.Gap) bool { return brings(f, g.Source) })
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
	}
	return ok
}

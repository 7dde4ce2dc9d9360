package controller

import (
	"context"
	"slices"

	"github.com/pakashop/evenkeel/controller/act"
	"github.com/pakashop/evenkeel/controller/failpoint"
	"github.com/pakashop/evenkeel/state"
)

// maxActs bounds the Steps under way at once. systemd works on one thing at a
// time: a thousand starts together only make it slow to answer what came of
// each.
const maxActs = 64

// guard has the facts read again that ready Steps rest on.
func (l *loop) guard(steps []state.Step) {
	if len(steps) == 0 {
		return
	}
	var ids []string
	var refs []state.Ref
	seen := make(map[state.Ref]bool)
	for _, s := range steps {
		ids = append(ids, s.ID)
		l.guarding[s.ID] = true
		for _, r := range slices.Concat(s.Rests, s.Heeds) {
			if !seen[r] {
				seen[r] = true
				refs = append(refs, r)
			}
		}
	}
	failpoint.Hit("guard.before")
	let := l.shutEyes(refs)
	idle := l.idle(refs)
	l.acts.spawn(func(ctx context.Context) {
		loaded := l.keepLoaded(ctx, idle)
		facts := l.c.o.Observer.Observe(ctx, refs)
		l.c.inbox <- guarded{ids, facts, let, loaded}
	})
}

// idle picks the units that systemd forgets as soon as it has told of them.
func (l *loop) idle(refs []state.Ref) []state.Ref {
	var out []state.Ref
	for _, r := range refs {
		if f, ok := l.have.Units[r.Name]; r.Kind == state.RefUnit && ok && f.Value.Active == "inactive" {
			out = append(out, r)
		}
	}
	return out
}

// keepLoaded keeps units loaded until no Step is under way: each is read before
// its start, by the actuator, and after it.
func (l *loop) keepLoaded(ctx context.Context, units []state.Ref) (let func()) {
	if len(units) == 0 {
		return nil
	}
	return l.c.o.Observer.KeepLoaded(ctx, units)
}

// letGoLater takes what keepLoaded returned.
func (l *loop) letGoLater(let func()) {
	if let != nil {
		l.loaded = append(l.loaded, let)
	}
}

// letGo lets systemd forget units again when nothing is under way. Apply leaves
// it to the end of its connection.
func (l *loop) letGo() {
	if l.finished != nil || len(l.loaded) == 0 || l.acts.running > 0 || len(l.guarding) > 0 {
		return
	}
	loaded := l.loaded
	l.loaded = nil
	l.acts.spawn(func(context.Context) {
		for _, let := range loaded {
			let()
		}
	})
}

// release begins Steps: the intents of all of them are on disk before the first
// effect.
func (l *loop) release(steps []state.Step, before state.Facts) {
	if len(steps) == 0 || l.past.Distrust != "" {
		return
	}
	now := l.c.o.Observer.Now()
	pass := l.past.Pass + 1
	entries := make([]state.Entry, len(steps))
	for i, s := range steps {
		entries[i] = state.Entry{At: now, Pass: pass, Intent: &state.Intent{Step: s, Revision: l.want.Revision, Trace: newTrace()}}
	}
	if !l.write(entries, "intent") {
		return
	}
	for i, s := range steps {
		_, approved := l.past.Approved[s.ID]
		o := act.Order{Step: s, Before: before, Policy: l.want.Policy, Let: approved || s.Ask != ""}
		o.Content, o.Resolve = l.content(s), l.resolve(s)
		l.c.o.Log.Info("step begins", "id", s.ID, "object", s.Object, "action", s.Action.String(), "reason", s.Reason, "detail", s.Detail, "traceId", entries[i].Intent.Trace)
		l.acts.running++
		let, next := l.shutEyesFor(s), l.next(s)
		l.acts.spawn(func(ctx context.Context) {
			report := l.c.actor.Do(ctx, o)
			l.c.inbox <- stepEnded{report, let, l.keepLoaded(ctx, next)}
		})
	}
}

// next lists the units whose Steps wait for this one, a daemon-reload: systemd
// reads their files now, and not at each question about them.
func (l *loop) next(done state.Step) []state.Ref {
	if !isReload(done) {
		return nil
	}
	var out []state.Ref
	for _, s := range l.plan.Steps {
		if s.Action.Actuator == "systemd" && s.Action.Target != "" && slices.Contains(s.Needs, done.ID) {
			out = append(out, state.Ref{Kind: state.RefUnit, Name: s.Action.Target})
		}
	}
	return out
}

func isReload(s state.Step) bool {
	return s.Action.Actuator == "systemd" && s.Action.Verb == "daemon-reload"
}

package controller

import (
	"context"

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
		for _, r := range s.Rests {
			if !seen[r] {
				seen[r] = true
				refs = append(refs, r)
			}
		}
	}
	failpoint.Hit("guard.before")
	let := l.c.eyes.hold(refs, patientFor)
	l.acts.spawn(func(ctx context.Context) {
		facts := l.c.o.Observer.Observe(ctx, refs)
		l.c.inbox <- guarded{ids, facts, let}
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
		o := act.Order{Step: s, Before: before, Policy: l.want.Policy, Content: l.content(s)}
		l.c.o.Log.Info("step begins", "id", s.ID, "object", s.Object, "action", s.Action.String(), "reason", s.Reason, "detail", s.Detail, "traceId", entries[i].Intent.Trace)
		l.acts.running++
		let := l.holdEyes(s)
		l.acts.spawn(func(ctx context.Context) { l.c.inbox <- stepEnded{l.c.actor.Do(ctx, o), let} })
	}
}

// content finds what a write writes, by the path and the digest in its Step.
func (l *loop) content(s state.Step) []byte {
	if s.Action.Actuator != "file" || s.Action.Verb != "write" {
		return nil
	}
	a, _, ok := l.want.Artifact(s.Action.Target)
	if ok && a.Host {
		return []byte{} // only mode and owner: the content is the host's
	}
	if !ok || a.Digest != s.Action.Args["digest"] {
		return nil
	}
	return a.Content
}

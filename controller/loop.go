package controller

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/controller/act"
	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/failpoint"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// loop is what the one goroutine owns.
type loop struct {
	c        *Controller
	want     *desired.Set
	have     state.World
	past     *state.Past
	plan     state.Plan
	finished func(*loop) bool // Apply's end; nil: run until told to stop

	guarding map[string]bool // Steps whose facts are being read again before they begin
	acts     acts            // Steps under way
	ended    []stepEnded     // Steps whose end is not written down yet
	draining bool            // no new Step begins
	ready    bool            // the first complete Plan was made
	invalid  string          // why the newest desired state is not in force
	warnings []string        // of the desired state in force
	unsaved  []state.Entry   // what happened and could not be written down
	blind    time.Duration   // the pause before a fact that cannot be read is tried again

	again  *time.Timer // time alone changes the Plan
	resync *time.Timer
	retry  *time.Timer // a fact could not be read, or an entry not written
}

func newLoop(c *Controller, want *desired.Set, warnings []string, finished func(*loop) bool) *loop {
	l := &loop{
		c: c, want: want, warnings: warnings, finished: finished,
		past: c.o.Store.Past(), guarding: make(map[string]bool),
		again: stoppedTimer(), resync: stoppedTimer(), retry: stoppedTimer(),
	}
	l.interest()
	return l
}

func stoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

func (l *loop) refs() []state.Ref { return l.c.eyes.interest() }

// interest works out anew which facts matter.
func (l *loop) interest() {
	refs := plan.Refs(l.want, &l.have, l.past)
	l.c.eyes.refs.Store(&refs)
}

// begin ends what an earlier process left open, and looks at everything.
func (l *loop) begin() {
	var entries []state.Entry
	now := l.c.o.Observer.Now()
	for id := range l.past.Flight {
		entries = append(entries, state.Entry{At: now, Outcome: &state.Outcome{
			ID: id, Status: state.Cut, Detail: "evenkeel ended before the step did",
		}})
	}
	if len(entries) > 0 {
		l.c.o.Log.Info("steps were cut short by the end of an earlier run", "steps", len(entries))
		l.write(entries, "outcome")
	}
	l.c.eyes.dirty(nil)
	l.resync.Reset(l.jitter())
}

// jitter spreads resyncs, so that a fleet does not look at itself in step.
func (l *loop) jitter() time.Duration {
	return time.Duration(float64(l.c.o.Resync) * (0.8 + 0.4*rand.Float64()))
}

// serve runs until ctx ends or the loop has finished, then lets what is under
// way come to its end.
func (l *loop) serve(ctx context.Context) {
	for ctx.Err() == nil {
		if !l.turn(ctx.Done()) {
			continue
		}
		l.pass()
		if l.finished != nil && l.finished(l) {
			break
		}
	}
	l.drain()
}

// turn takes one message, and whatever else is already waiting, and reports
// whether a pass is due.
func (l *loop) turn(done <-chan struct{}) (due bool) {
	select {
	case <-done:
		return false
	case m := <-l.c.inbox:
		due = l.hear(m)
	case <-l.again.C:
		due = true
	case <-l.resync.C:
		l.resync.Reset(l.jitter())
		l.c.eyes.dirty(nil)
		due = l.heal()
	case <-l.retry.C:
		due = l.tryAgain()
	}
	for {
		select {
		case m := <-l.c.inbox:
			due = l.hear(m) || due
		default:
			l.endSteps()
			return due || l.finished != nil
		}
	}
}

// drain waits for the Steps under way, so that their outcomes are written down;
// after the grace they are told to end.
func (l *loop) drain() {
	l.draining = true
	grace := time.AfterFunc(l.c.o.Grace, l.acts.cancel)
	defer grace.Stop()
	for l.acts.running > 0 || len(l.guarding) > 0 {
		l.hear(<-l.c.inbox)
		l.endSteps()
	}
	l.acts.cancel()
	l.acts.wg.Wait()
}

// merge takes new readings into the World.
func (l *loop) merge(f state.Facts) bool {
	var changed bool
	l.have, changed = l.have.Merge(f)
	l.c.eyes.answered(f)
	if changed && len(f.Dirs) > 0 {
		l.interest()
	}
	return changed || !l.ready
}

// pass makes the Plan and begins what is ready in it.
func (l *loop) pass() {
	l.decide()
	l.lookAgain()
	if !l.ready && len(l.have.Units)+len(l.have.Files) > 0 {
		l.ready = true
		l.c.o.Ready()
	}
	if l.draining {
		return
	}
	room := maxActs - l.acts.running - len(l.guarding)
	var steps []state.Step
	for _, s := range plan.Ready(l.plan, l.past) {
		if len(steps) < room && !l.guarding[s.ID] {
			steps = append(steps, s)
		}
	}
	l.guard(steps)
}

// maxActs bounds the Steps under way at once. systemd works on one thing at a
// time: a thousand starts together only make it slow to answer what came of
// each.
const maxActs = 64

// decide makes the Plan and writes down its Notes.
func (l *loop) decide() {
	now := l.c.o.Observer.Now()
	l.plan = plan.Make(l.want, &l.have, l.past, now)
	if len(l.plan.Notes) > 0 && l.past.Distrust == "" {
		entries := make([]state.Entry, len(l.plan.Notes))
		for i := range l.plan.Notes {
			entries[i] = state.Entry{At: now, Pass: l.past.Pass, Note: &l.plan.Notes[i]}
		}
		l.write(entries, "notes")
		if slices.ContainsFunc(l.plan.Notes, func(n state.Note) bool { return n.Kind == state.NoteManaged || n.Kind == state.NoteForgot }) {
			l.interest()
		}
	}
	l.again.Stop()
	if l.plan.Again != nil {
		l.again.Reset(max(time.Millisecond, l.plan.Again.Up-now.Up))
	}
}

// lookAgain asks for the facts that were missing. One that could not be read is
// tried again after a pause, one that was merely too old at once.
func (l *loop) lookAgain() {
	blind := false
	for _, g := range l.plan.Gaps {
		switch err, known := l.reading(g.Source); {
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

// unwritable is why a Past that was fine at the start is no longer acted on.
const unwritable = "the record cannot be written"

// write puts entries on disk and folds them. What cannot be written stops all
// further acts; but what has happened has happened, and is folded and kept.
func (l *loop) write(entries []state.Entry, point string) bool {
	failpoint.Hit(point + ".before")
	saved, err := l.c.o.Store.Append(entries)
	if err == nil {
		failpoint.Hit(point + ".after")
		for _, e := range saved {
			l.past.Fold(e)
		}
		return true
	}
	if l.past.Distrust == "" {
		l.past.Distrust = unwritable
		l.c.o.Log.Error("the record cannot be written; evenkeel observes and does not act", "error", err)
	}
	for _, e := range entries {
		if e.Outcome != nil {
			l.past.Fold(e)
			l.unsaved = append(l.unsaved, e)
		}
	}
	l.retry.Reset(10 * time.Second)
	return false
}

// save tries again to write down what happened.
func (l *loop) save() bool {
	saved, err := l.c.o.Store.Append(l.unsaved)
	if err != nil {
		l.retry.Reset(10 * time.Second)
		return false
	}
	for _, e := range saved {
		l.past.Seq = max(l.past.Seq, e.Seq) // they were folded when they happened
	}
	l.unsaved, l.past.Distrust = nil, ""
	l.c.o.Log.Info("the record can be written again")
	return true
}

// heal asks a record that was not to be believed from the start whether what
// was wrong is gone: a disk that was full, a lock that was held.
func (l *loop) heal() bool {
	if l.past.Distrust == "" || l.past.Distrust == unwritable || l.c.o.Store.Heal() != nil {
		return false
	}
	past := l.c.o.Store.Past()
	if past.Distrust != "" {
		return false // it waits for a human
	}
	l.past = past
	l.c.o.Log.Info("the record can be believed again")
	return true
}

func (l *loop) view() api.View {
	have := l.have
	return api.View{
		Want: l.want, Have: have, Past: l.past.Clone(), Plan: l.plan, Now: l.c.o.Observer.Now(),
		Invalid: l.invalid, Warnings: l.warnings,
	}
}

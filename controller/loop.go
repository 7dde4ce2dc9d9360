package controller

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// loop is what the one goroutine owns.
type loop struct {
	c        *Controller
	want     *desired.Set // in force
	offered  offer        // what the source brought last
	bringing string       // a revision that is being read; empty: none is
	missed   state.Time   // when one could not be read
	began    state.Time
	have     state.World
	past     *state.Past
	plan     state.Plan
	finished func(*loop) bool // Apply's end; nil: run until told to stop

	guarding map[string]bool // Steps whose facts are being read again before they begin
	acts     acts            // Steps under way
	loaded   []func()        // let systemd forget what is kept loaded for Steps under way
	lets     []func()        // open the eyes for what ended Steps rested on
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

	waiting *time.Timer // a revision that is not taken up yet, or could not be read
}

func newLoop(c *Controller, finished func(*loop) bool) *loop {
	return &loop{
		c: c, finished: finished, began: c.o.Observer.Now(),
		past: c.o.Store.Past(), guarding: make(map[string]bool),
		again: stoppedTimer(), resync: stoppedTimer(), retry: stoppedTimer(), waiting: stoppedTimer(),
	}
}

// start says what is in force to begin with; missing is why that is not what it
// should be.
func (l *loop) start(in offer, missing string) {
	l.want, l.warnings = in.set, in.warnings
	l.c.o.InForce(l.want)
	if f, ok := l.c.o.Source.(Follower); ok {
		l.have.Source = f.Standing()
		l.have.Source.Missing = missing
		l.keep()
		l.waiting.Reset(settleFor) // a new revision is taken up by then
	}
	l.interest()
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
	if v := l.c.o.Version; v != "" && v != l.past.Version && l.past.Distrust == "" {
		l.write([]state.Entry{{At: now, Note: &state.Note{Kind: state.NoteVersion, Name: v}}}, "notes")
	}
	l.c.o.Observer.Probe(l.want.Probings())
	l.evaluate()
	l.declare()
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
	case <-l.waiting.C:
		due = true
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
		l.openEyes()
	}
	l.acts.cancel()
	l.acts.wg.Wait()
}

// merge takes new readings into the World.
func (l *loop) merge(f state.Facts) bool {
	var changed bool
	l.have, changed = l.have.Merge(f)
	if h := l.have.Host; h.Err == "" {
		l.have.Blind = state.Time{}
	} else if l.have.Blind.IsZero() {
		l.have.Blind = h.At
	}
	l.c.eyes.answered(f)
	if changed && len(f.Dirs) > 0 {
		l.interest()
	}
	return changed || !l.ready
}

// pass makes the Plan and begins what is ready in it.
func (l *loop) pass() {
	l.decide()
	l.evaluate()
	if !l.ready && len(l.have.Units)+len(l.have.Files) > 0 {
		l.ready = true
		l.c.o.Ready()
	}
	l.dispatch()
}

// dispatch asks for the facts that the Plan misses, and begins what is ready.
func (l *loop) dispatch() {
	defer l.openEyes()
	l.lookAgain()
	l.letGo()
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

// decide makes the Plan and writes down its Notes.
func (l *loop) decide() {
	now := l.c.o.Observer.Now()
	l.enforce(now)
	l.plan = plan.Make(l.want, &l.have, l.past, now)
	scaled := len(l.past.Scales)
	if len(l.plan.Notes) > 0 && l.past.Distrust == "" {
		entries := make([]state.Entry, len(l.plan.Notes))
		for i := range l.plan.Notes {
			entries[i] = state.Entry{At: now, Pass: l.past.Pass, Note: &l.plan.Notes[i]}
		}
		if l.write(entries, "notes") {
			l.tell(now, l.plan.Notes)
		}
		if slices.ContainsFunc(l.plan.Notes, func(n state.Note) bool { return n.Kind == state.NoteManaged || n.Kind == state.NoteForgot }) {
			l.interest()
		}
	}
	l.again.Stop()
	if l.plan.Again != nil {
		l.again.Reset(max(time.Millisecond, l.plan.Again.Up-now.Up))
	}
	if len(l.past.Scales) < scaled {
		// A Case closed, and there are more instances than there should be now.
		l.interest()
		l.again.Reset(time.Millisecond)
	}
}

// evaluate says what is evaluated, and what is read for it: what runs by a scale or a
// failover, too.
func (l *loop) evaluate() { l.c.o.Observer.Evaluate(l.want.Rules, plan.Targets(l.want, l.past)) }

func (l *loop) view() api.View {
	have := l.have
	return api.View{
		Want: plan.Turned(l.want, l.past), Have: have, Past: l.past.Clone(), Plan: l.plan, Now: l.c.o.Observer.Now(),
		Distrust: l.past.Distrust, Invalid: l.invalid, Warnings: l.warnings,
	}
}

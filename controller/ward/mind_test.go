package ward_test

import (
	"reflect"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/state"
)

// mind is evenkeel itself, without its loop: what it knows, what it remembers,
// and what it has under way. It dies and comes back; only the entries stay.
type mind struct {
	alive bool
	life  int // counts its own lives
	due   bool

	have     state.World
	origin   *state.Past // what was known before the first entry
	past     *state.Past
	entries  []state.Entry
	plan     state.Plan
	again    int      // counts times at which the Plan is to be made again: the last one holds
	guarding []string // IDs of Steps whose facts are being read again
	guards   []guard
	flights  []flight
	retrying bool
	auditor  *audit.Auditor
	passes   int
}

type guard struct {
	ids  []string
	refs []state.Ref
}

func (w *ward) now() state.Time {
	return state.Time{Wall: w.wall.Add(w.up), Up: w.up, Boot: w.boot}
}

// pass makes the Plan, looks at what it misses, and begins what is ready.
func (w *ward) pass() {
	for round := 0; ; round++ {
		w.due = false
		w.decide()
		if w.err != nil || !w.look() {
			break
		}
		if round > 10 {
			w.breach("the same facts are asked for again and again: %+v", w.plan.Gaps)
			return
		}
	}
	w.dispatch()
}

// decide makes the Plan and remembers its Notes.
func (w *ward) decide() {
	now := w.now()
	w.passes++
	w.plan = plan.Make(w.set, &w.have, w.past, now)
	w.fixpoint(now)
	for i := range w.plan.Notes {
		n := &w.plan.Notes[i]
		w.append(state.Entry{At: now, Note: n})
		if w.say != nil {
			w.tell("note %s %s %s %s", n.Kind, n.Object, n.Name, n.Detail)
		}
	}
	w.again++
	if a := w.plan.Again; a != nil {
		if a.Up <= w.up {
			w.breach("the plan is to be made again at once")
		}
		w.queue.push(event{at: max(a.Up, w.up+time.Millisecond), kind: evAgain, gen: int32(w.again)})
	}
	for i := range w.plan.Held {
		if h := &w.plan.Held[i]; h.Reason == state.Internal {
			w.breach("%s: %s", h.Object, h.Detail)
		}
	}
}

// append writes an entry down.
func (w *ward) append(e state.Entry) {
	e.Seq = w.past.Seq + 1
	w.entries = append(w.entries, e)
	if err := w.auditor.Add(e); err != nil {
		w.breach("%v", err)
	}
	w.past.Fold(e)
}

// look reads again what the Plan misses and a reading would mend, as the loop
// does, and tells whether there was anything.
func (w *ward) look() (looked bool) {
	blind := false
	for _, g := range w.plan.Gaps {
		at, err, known := w.reading(g.Source)
		switch {
		case g.Source.Kind == state.RefQuery:
			if at.IsZero() || at.Outdated(g.After) || err != "" {
				looked = w.asked(g.Source.Name) || looked
			}
		case (g.Source.Kind == state.RefProbe || g.Source.Kind == state.RefAlerts) && (g.Source.Name == "" || err != ""):
		case known && err != "":
			blind = true
		case known && g.After.IsZero() && !at.Outdated(w.past.Ended[g.Source.String()]) && !(g.Source.Kind == state.RefUnit && at.Outdated(w.past.Reloaded)):
		default:
			w.read(g.Source, false)
			looked = true
		}
	}
	if blind && !w.retrying {
		w.retrying = true
		w.after(30*time.Second, evRetry, 0, w.life)
	}
	return looked
}

func (w *ward) reading(r state.Ref) (at state.Time, err string, known bool) {
	switch r.Kind {
	case state.RefHost:
		return w.have.Host.At, w.have.Host.Err, !w.have.Host.At.IsZero()
	case state.RefUnit:
		f, ok := w.have.Units[r.Name]
		return f.At, f.Err, ok
	case state.RefProbe:
		f, ok := w.have.Probes[r.Name]
		return f.At, f.Err, ok
	case state.RefFile:
		f, ok := w.have.Files[r.Name]
		return f.At, f.Err, ok
	case state.RefAlerts:
		f, ok := w.have.Alerts[r.Name]
		return f.At, f.Err, ok
	case state.RefQuery:
		f, ok := w.have.Queries[r.Name]
		return f.At, f.Err, ok
	}
	f, ok := w.have.Dirs[r.Name]
	return f.At, f.Err, ok
}

// read reads a fact now. Before a Step probes are asked once more.
func (w *ward) read(r state.Ref, ask bool) {
	switch r.Kind {
	case state.RefHost:
		w.readHost()
	case state.RefUnit:
		w.readUnit(w.bed(r.Name))
	case state.RefFile:
		f := w.have.Files[r.Name]
		f.At, f.Value = w.now(), w.seen.Files[r.Name].Value
		w.have.Files[r.Name] = f
	case state.RefDir:
		w.have.Dirs[r.Name] = state.Fact[state.Dir]{At: w.now()}
	case state.RefAlerts:
		w.hear(w.ring(r.Name))
	case state.RefQuery:
		w.asked(r.Name)
	case state.RefProbe:
		p := &w.probes[w.probeAt[r.Name]]
		if ask && (p.bed == nil || p.fact.Invocation != "" && w.up >= p.entered+time.Duration(p.spec.InitialDelaySeconds)*time.Second) {
			w.sample(p, false)
		}
		w.have.Probes[r.Name] = state.Fact[state.Probe]{At: w.now(), Value: p.fact, Err: p.err}
	}
}

func (w *ward) readHost() {
	f := state.Fact[state.Host]{At: w.now(), Value: w.host}
	if w.blindHost {
		f = state.Fact[state.Host]{At: w.now(), Err: "no answer"}
	}
	w.due = w.due || f.Value != w.have.Host.Value || f.Err != w.have.Host.Err
	w.have.Host = f
}

func (w *ward) readUnit(b *bed) {
	f := state.Fact[state.Unit]{At: w.now(), Value: b.u}
	if b.blind != "" {
		f = state.Fact[state.Unit]{At: w.now(), Err: b.blind}
	}
	w.have.Units[b.unit] = f
	w.due = true
	for _, p := range b.probes {
		if p != nil && f.Err == "" {
			w.reset(p, b)
		}
	}
}

// dispatch has what ready Steps rest on read again.
func (w *ward) dispatch() {
	if w.err != nil || !w.alive || len(w.plan.Steps) == 0 {
		return
	}
	var g guard
	for _, s := range plan.Ready(w.plan, w.past) {
		if !slices.Contains(w.guarding, s.ID) {
			g.ids = append(g.ids, s.ID)
			g.refs = append(append(g.refs, s.Rests...), s.Heeds...)
		}
	}
	if len(g.ids) == 0 {
		return
	}
	w.guarding = append(w.guarding, g.ids...)
	if chance(w.dice, 80) {
		w.guarded(g)
		return
	}
	w.guards = append(w.guards, g)
	w.after(time.Duration(w.dice.IntN(3000))*time.Millisecond, evGuard, len(w.guards)-1, w.life)
}

// guarded takes the reading before Steps: those that are still ready begin.
func (w *ward) guarded(g guard) {
	for _, r := range g.refs {
		w.read(r, true)
	}
	w.guarding = slices.DeleteFunc(w.guarding, func(id string) bool { return slices.Contains(g.ids, id) })
	w.due = false
	w.decide()
	if w.err != nil {
		return
	}
	var still []state.Step
	for _, s := range plan.Ready(w.plan, w.past) {
		if slices.Contains(g.ids, s.ID) && g.covers(s) {
			still = append(still, s)
		}
	}
	w.release(still)
	if w.look() {
		w.due = true
	}
	w.dispatch()
}

// covers tells that what a Step rests on was read for it.
func (g guard) covers(s state.Step) bool {
	return !slices.ContainsFunc(s.Rests, func(r state.Ref) bool { return !slices.Contains(g.refs, r) })
}

// release begins Steps: the intents of all of them are written before the first
// has its effect.
func (w *ward) release(steps []state.Step) {
	for i := range steps {
		w.judge(&steps[i])
	}
	now := w.now()
	for i := range steps {
		w.append(state.Entry{At: now, Intent: &state.Intent{Step: steps[i], Revision: w.set.Revision}})
		if w.say != nil {
			w.tell("begins %s %s (%s) rung %d", steps[i].ID, steps[i].Action, steps[i].Reason, steps[i].Rung)
		}
	}
	for _, s := range steps {
		f := flight{step: s}
		if !w.peace && chance(w.dice, 10) {
			f.fault = 1 + w.dice.IntN(unread)
		}
		if s.Action.Actuator == "systemd" && s.Action.Target != "" {
			f.was = w.bed(s.Action.Target).u.Invocation
		}
		at := len(w.flights)
		w.flights = append(w.flights, f)
		took := time.Duration(1+w.dice.IntN(2000)) * time.Millisecond
		if chance(w.dice, 50) {
			w.effect(&w.flights[at])
		} else {
			w.after(took/2, evEffect, at, w.life)
		}
		w.after(took, evEnd, at, w.life)
	}
}

// dies ends evenkeel at this moment. Of what it has begun some still happens, and
// nobody will know.
func (w *ward) dies(down time.Duration) {
	if !w.alive {
		return
	}
	w.tell("evenkeel dies")
	for i := range w.flights {
		if f := &w.flights[i]; f.step.ID != "" && chance(w.dice, 50) {
			w.effect(f)
		}
	}
	w.alive = false
	w.life++
	w.flights, w.guards, w.guarding, w.retrying, w.due = w.flights[:0], w.guards[:0], w.guarding[:0], false, false
	w.have.Host = state.Fact[state.Host]{}
	clear(w.have.Units)
	clear(w.have.Probes)
	clear(w.have.Files)
	clear(w.have.Dirs)
	clear(w.have.Alerts)
	clear(w.have.Queries)
	for i := range w.probes {
		p := &w.probes[i]
		p.gen++
		p.asked, p.scheduled, p.streak, p.fact, p.err = false, false, 0, state.Probe{}, ""
	}
	w.after(down, evReborn, 0, w.life)
}

// reborn starts evenkeel again: of what was before it knows the entries alone.
func (w *ward) reborn() {
	w.tell("evenkeel starts")
	w.alive = true
	before := w.past
	w.past = w.origin.Clone()
	for _, e := range w.entries {
		w.past.Fold(e)
	}
	if chance(w.dice, 2) && !reflect.DeepEqual(before, w.past) {
		w.breach("what the entries come to is not what was known")
	}
	var open []string
	for id := range w.past.Flight {
		open = append(open, id)
	}
	slices.Sort(open)
	for _, id := range open {
		w.append(state.Entry{At: w.now(), Outcome: &state.Outcome{ID: id, Status: state.Cut, Detail: "evenkeel ended before the step did"}})
	}
	for _, r := range plan.Refs(w.set, &w.have, w.past) {
		if r.Kind != state.RefUnit || !chance(w.dice, 5) {
			w.read(r, false)
		}
	}
	for i := range w.probes {
		if p := &w.probes[i]; p.bed == nil {
			p.asked = true
			w.tellProbe(p)
			w.schedule(p, w.grid(p))
		}
	}
	for i := range w.rings {
		w.after(time.Duration(w.dice.IntN(20000))*time.Millisecond, evHear, i, w.life)
	}
	w.due = true
}

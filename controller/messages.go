package controller

import (
	"fmt"
	"slices"

	"github.com/pakashop/evenkeel/controller/act"
	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/failpoint"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/state"
)

// message is anything that the rest of the program tells the loop. It runs on
// the loop's goroutine and says whether a pass is due.
type message interface{ tell(l *loop) (pass bool) }

// factsRead brings new readings.
type factsRead struct{ facts state.Facts }

func (m factsRead) tell(l *loop) bool {
	l.c.eyes.merged()
	return l.learn(m.facts)
}

// factsCame brings readings for which nobody had asked.
type factsCame struct{ facts state.Facts }

func (m factsCame) tell(l *loop) bool { return l.learn(m.facts) }

// wanted brings a new desired state, or says why there is none.
type wanted struct {
	offer
	err error
}

func (m wanted) tell(l *loop) bool {
	if m.err != nil {
		l.c.o.Log.Error("desired state is invalid; the last good one stays in force", "error", m.err, "revision", l.want.Revision)
		l.invalid = m.err.Error()
		return false
	}
	l.invalid, l.offered = "", m.offer
	if f, ok := l.c.o.Source.(Follower); ok {
		missing := l.have.Source.Missing
		l.have.Source = f.Standing()
		l.have.Source.Missing = missing
		return true // the plan says which of its revisions is in force
	}
	if sameBounds(m.set, l.want) && sameSecrets(m.set, l.want) && m.set.Revision == l.want.Revision && m.set.Environment == l.want.Environment {
		l.warnings = m.warnings
		return false
	}
	l.put(m.offer)
	return true
}

// guarded brings the reading before an act: of the Steps that were ready, those
// that still are begin now.
type guarded struct {
	ids    []string
	facts  state.Facts
	let    func() // the eyes look at what was read
	loaded func() // lets systemd forget units that were kept loaded for the Steps; nil: none were
}

func (m guarded) tell(l *loop) bool {
	failpoint.Hit("guard.after")
	l.lets = append(l.lets, m.let)
	l.letGoLater(m.loaded)
	for _, id := range m.ids {
		delete(l.guarding, id)
	}
	l.learn(m.facts)
	l.decide()
	if l.draining {
		l.openEyes()
		return false
	}
	asked := make(map[string]bool, len(m.ids))
	for _, id := range m.ids {
		asked[id] = true
	}
	var still []state.Step
	for _, s := range plan.Ready(l.plan, l.past) {
		if asked[s.ID] && m.covers(s) {
			still = append(still, s)
		}
	}
	l.release(still, m.facts)
	l.dispatch()
	return false
}

// covers tells whether what a Step rests on was read. By the new Plan it may rest
// on something else: the same remedy is due for another unit of its service.
func (m guarded) covers(s state.Step) bool {
	return !slices.ContainsFunc(s.Rests, func(r state.Ref) bool { return r.Kind != state.RefProbe && !brings(m.facts, r) })
}

// stepEnded brings the outcome of a Step and the reading after it, together.
type stepEnded struct {
	report act.Report
	let    func() // the eyes look at what it rests on
	loaded func() // the same for the Steps that waited for it
}

func (m stepEnded) tell(l *loop) bool {
	l.ended = append(l.ended, m)
	return true
}

// viewed asks how things stand.
type viewed struct{ reply chan api.View }

func (m viewed) tell(l *loop) bool {
	m.reply <- l.view()
	return false
}

// asked brings what a human wants.
type asked struct {
	request hand.Request
	reply   chan<- answered
}

// answered is what came of it.
type answered struct {
	answer hand.Answer
	err    error
}

func (m asked) tell(l *loop) bool {
	scene := hand.Scene{
		Want: l.want, Have: l.have, Past: l.past, Plan: l.plan, Now: l.c.o.Observer.Now(), NewID: newTrace,
		Kept: func(id string) (state.Kept, error) { k, _, err := l.c.o.Kept(id); return k, err },
	}
	answer, notes, err := hand.Decide(m.request, scene)
	if err == nil && len(notes) > 0 {
		entries := make([]state.Entry, len(notes))
		for i := range notes {
			entries[i] = state.Entry{At: scene.Now, Pass: l.past.Pass, Note: &notes[i]}
		}
		if !l.write(entries, "notes") {
			err = fmt.Errorf("%w: the record cannot be written", hand.ErrRefused)
		}
	}
	r := m.request
	l.c.o.Log.Info("a human asks", "verb", r.Verb, "objects", r.Objects, "actor", r.Actor, "why", r.Why, "error", err)
	m.reply <- answered{answer, err}
	if err == nil {
		l.interest() // what was released or taken back
	}
	return err == nil
}

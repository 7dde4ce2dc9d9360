package controller

import (
	"slices"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// hear takes a message. Steps that end at about the same time are written down
// together, in one commit, before anything else is heard.
func (l *loop) hear(m message) bool {
	if _, ok := m.(stepEnded); !ok {
		l.endSteps()
	}
	return m.tell(l)
}

// endSteps writes down how Steps ended, and takes in the readings after them.
func (l *loop) endSteps() {
	ended := l.ended
	l.ended = nil
	var entries []state.Entry
	var intents []*state.Intent // of the entries
	for i := range ended {
		l.acts.running--
		r := &ended[i].report
		if f, ok := l.past.Flight[r.Outcome.ID]; ok {
			entries = append(entries, state.Entry{At: r.Ended, Pass: l.past.Pass, Outcome: &r.Outcome})
			intents = append(intents, &f.Intent)
		}
	}
	if len(entries) > 0 {
		l.write(entries, "outcome")
	}
	for i, e := range entries {
		l.sayEnded(*intents[i], *e.Outcome)
	}
	for _, e := range ended {
		l.merge(e.report.Facts)
		l.letGoLater(e.loaded)
		l.lets = append(l.lets, e.let)
	}
}

func (l *loop) sayEnded(i state.Intent, o state.Outcome) {
	log := l.c.o.Log.Info
	if o.Status != state.Done {
		log = l.c.o.Log.Warn
	}
	step := i.Step
	log("step ended", "id", step.ID, "object", step.Object, "action", step.Action.String(), "reason", step.Reason,
		"outcome", o.Status, "detail", o.Detail, "ms", o.Took.Milliseconds(), "traceId", i.Trace)
	l.c.o.Done(step, o)
}

// openEyes lets the eyes look at what Steps rested on that have ended.
func (l *loop) openEyes() {
	if l.reloads() && !l.draining {
		return // soon enough: see shutEyes
	}
	lets := l.lets
	l.lets = nil
	for _, let := range lets {
		let()
	}
}

// shutEyes keeps the eyes from what a Step rests on. While a daemon-reload is to
// come they stay away from all units for a moment, but for those that were never
// seen: afterwards every unit is to be looked at anyway.
func (l *loop) shutEyes(refs []state.Ref) (let func()) {
	if l.reloads() {
		refs = slices.Clone(refs)
		for name, f := range l.have.Units {
			if f.Known() {
				refs = append(refs, state.Ref{Kind: state.RefUnit, Name: name})
			}
		}
	}
	return l.c.eyes.shut(refs, patientFor)
}

// reloads tells that a daemon-reload is planned or under way.
func (l *loop) reloads() bool { return slices.ContainsFunc(l.plan.Steps, isReload) }

// shutEyesFor is shutEyes for the time of an act.
func (l *loop) shutEyesFor(s state.Step) (let func()) {
	if isReload(s) {
		return l.c.eyes.shut(l.refs(), time.Minute)
	}
	return l.shutEyes(s.Rests)
}

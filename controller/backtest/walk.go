package backtest

import (
	"fmt"
	"slices"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/state"
)

// walk goes from moment to moment: those of the record, and those at which time alone
// changes the Plan.
func (w *walk) walk() {
	for range manyPasses {
		var doing *tried // what was begun at this moment
		own := false
		for len(w.rest) > 0 && !w.now.Before(w.rest[0].At) {
			own = own || w.mine(w.rest[0])
			if doing = w.take(w.rest[0]); doing != nil {
				break // it is decided on before more is taken in
			}
		}
		var again *state.Time
		if own || !w.soon() {
			again = w.decide(doing)
		}
		switch {
		case w.out.Unknown != nil || len(w.rest) == 0:
			return
		case w.rest[0].At.Boot != w.now.Boot:
			w.unknown("the host was booted again")
			return
		case again != nil && again.After(w.now) && again.Before(w.rest[0].At):
			w.now = *again
		case w.now.Before(w.rest[0].At):
			w.now = w.rest[0].At
		}
	}
	w.unknown("it goes on for too long")
}

// mine tells an entry that is about this Case.
func (w *walk) mine(e state.Entry) bool {
	switch {
	case e.Intent != nil:
		return e.Intent.Step.Case == w.opened.ID
	case e.Outcome != nil:
		return w.ids[e.Outcome.ID] != ""
	}
	return e.Note.Name == w.opened.Unit
}

// soon tells that there is something on record about this Case a moment from now: what
// time alone decides now was decided with that.
func (w *walk) soon() bool {
	for _, e := range w.rest {
		if e.At.Since(w.now) > tolerance {
			break
		}
		if w.mine(e) {
			return true
		}
	}
	return false
}

// take takes in an entry, and returns what was begun with it for this Case.
func (w *walk) take(e state.Entry) *tried {
	w.rest = w.rest[1:]
	w.then.Fold(e)
	switch {
	case e.Intent != nil && e.Intent.Step.Case == w.opened.ID:
		for _, t := range w.tried {
			if t.begun.Intent == e.Intent {
				return t
			}
		}
	case e.Outcome != nil && w.ids[e.Outcome.ID] != "":
		o := *e.Outcome
		o.ID = w.ids[o.ID]
		delete(w.ids, e.Outcome.ID)
		w.past.Fold(state.Entry{At: e.At, Outcome: &o})
		w.ends(o, e.At)
	case e.Note != nil && e.Note.Kind == state.NoteSeen:
	case e.Note != nil && e.Note.Case != nil && e.Note.Case.ID == w.opened.ID:
		w.worse(*e.Note.Case, e.At)
	case e.Note != nil && e.Note.Kind == state.NoteCase:
		n := *e.Note
		c := rests(*n.Case, e.At)
		n.Case = &c
		e.Note = &n
		w.past.Fold(e)
	default:
		w.past.Fold(e)
	}
	return nil
}

// worse takes over that a step was found to have made things worse: what was done until
// then would have been done now, so it would have been found now.
func (w *walk) worse(found state.Case, at state.Time) {
	c, open := w.past.Cases[w.opened.Key()]
	if !open || found.Ended != state.RemedyWorse || c.Ended != "" {
		return
	}
	c.Ended, c.Why, c.At, c.Well = found.Ended, found.Why, found.At, state.Time{}
	w.past.Fold(state.Entry{At: at, Note: &state.Note{Kind: state.NoteCase, Object: c.Object, Name: c.Unit, Case: &c}})
}

// ends takes in how a step ended.
func (w *walk) ends(o state.Outcome, at state.Time) {
	if n := len(w.out.Now.Steps); n > 0 {
		s := &w.out.Now.Steps[n-1]
		s.Ended, s.Status = at, o.Status
	}
}

// decide makes the Plan of this moment, and again, until nothing more begins.
func (w *walk) decide(doing *tried) (again *state.Time) {
	for range 50 {
		p := plan.Make(w.host.want, w.host.at(w.now, w.then, w.past, w.opened), w.past, w.now)
		w.remember(p.Notes)
		again = p.Again
		s, ready := w.next(p)
		if !ready || s.ID != w.ready.id {
			w.ready.id = ""
		}
		switch {
		case ready && doing != nil && same(s, doing.step()):
			w.begin(s, doing)
			doing = nil
		case ready && s.Effect == actuators.None && !w.meets(s):
			if left := tolerance - w.now.Since(w.readySince(s)); left > 0 && doing == nil {
				return earlier(again, w.now.Add(left)) // it takes a while; but what was done then does not wait for it
			}
			w.passes(s)
		case doing != nil && !doing.matters():
			doing = nil // evidence alone is not gathered
		case doing != nil:
			w.parts(w.instead(p, doing))
			w.unknown(doing.step().Action.String() + " was done, and what would have come without it is not on record")
			return nil
		case ready && !w.meets(s) && w.held(s):
			w.ready.id = ""
			return again
		case ready && !w.meets(s):
			if left := tolerance - w.now.Since(w.readySince(s)); left > 0 {
				return earlier(again, w.now.Add(left))
			}
			w.ventures(s)
			return nil
		default:
			w.asks(p)
			return again
		}
	}
	return again
}

// held tells that a step was held then by what the host was like. Where it was another
// one, nobody knows whether this one would have been.
func (w *walk) held(s state.Step) bool {
	seen := w.then.Cases[w.opened.Key()].Seen
	if len(seen.Held) == 0 || seen.Step == "" {
		return false
	}
	if seen.Step != state.ExprID(s.Action.String()) {
		w.unknown(fmt.Sprintf("another step was held then (%s), and whether %s would have been is not on record", seen.Held[0], s.Action))
	}
	return true
}

// readySince is since when a step is ready without a pause.
func (w *walk) readySince(s state.Step) state.Time {
	if w.ready.id != s.ID {
		w.ready.id, w.ready.since = s.ID, w.now
	}
	return w.ready.since
}

func earlier(a *state.Time, b state.Time) *state.Time {
	if a != nil && a.Before(b) {
		return a
	}
	return &b
}

// matters tells that a step may have changed what was seen later.
func (t *tried) matters() bool {
	return t.step().Effect != actuators.None && t.status != state.StepRefused
}

func same(a, b state.Step) bool {
	return a.Action.String() == b.Action.String() && a.Object == b.Object && fmt.Sprint(a.Action.Args) == fmt.Sprint(b.Action.Args)
}

// remember folds what this Plan notes of this Case, and of what runs.
func (w *walk) remember(notes []state.Note) {
	for i := range notes {
		n := &notes[i]
		switch n.Kind {
		case state.NoteCase, state.NoteHealed:
			if n.Case.Key() != w.opened.Key() {
				continue
			}
		case state.NoteRan, state.NoteManaged, state.NoteOwned:
		default:
			continue
		}
		w.past.Fold(state.Entry{At: w.now, Note: n})
	}
	if c, open := w.past.Cases[w.opened.Key()]; open {
		w.own = c
	}
}

// next is the step for this Case that can be begun now.
func (w *walk) next(p state.Plan) (state.Step, bool) {
	for _, s := range p.Steps {
		_, flying := w.past.Flight[s.ID]
		waits := slices.ContainsFunc(s.Needs, func(id string) bool { _, f := w.past.Flight[id]; return f })
		if s.Case == w.own.ID && !flying && !waits {
			return s, true
		}
	}
	return state.Step{}, false
}

// begin does a step that was done then.
func (w *walk) begin(s state.Step, t *tried) {
	t.taken = true
	w.ids[t.step().ID] = s.ID
	w.past.Fold(state.Entry{At: w.now, Intent: &state.Intent{Step: s}})
	w.out.Now.Steps = append(w.out.Now.Steps, Step{Rung: s.Rung, Action: s.Action.String(), Began: w.now})
}

// meets tells that what is ready now was begun a moment later then: it is left to that
// moment. Of evidence that was gathered before it, and is not any more, the time is added.
func (w *walk) meets(s state.Step) bool {
	slack := tolerance
	for _, t := range w.tried {
		switch {
		case t.taken:
		case same(s, t.step()):
			return t.begun.At.Since(w.now) <= slack && !t.begun.At.Before(w.now)
		case !t.matters() && !t.ended.IsZero():
			slack += t.ended.Since(t.begun.At) + tolerance
		}
	}
	return false
}

// passes does what was not done then and changes nothing: evidence is gathered, a question
// is answered.
func (w *walk) passes(s state.Step) {
	w.out.Now.Steps = append(w.out.Now.Steps, Step{Rung: s.Rung, Action: s.Action.String(), Began: w.now})
	w.past.Fold(state.Entry{At: w.now, Intent: &state.Intent{Step: s}})
	w.past.Fold(state.Entry{At: w.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Done}})
}

// ventures ends the walk with what would be done, and was not.
func (w *walk) ventures(s state.Step) {
	if w.away() {
		w.unknown(s.Action.String() + " would be done, and nobody was there then who could have")
		return
	}
	at := w.readySince(s)
	w.out.Now.Steps = append(w.out.Now.Steps, Step{Rung: s.Rung, Action: s.Action.String(), Began: at})
	why := s.Action.String() + " was not done then"
	for _, t := range w.tried {
		if !t.taken && same(s, t.step()) {
			why = fmt.Sprintf("%s comes %s earlier than then", s.Action, lasting(t.begun.At.Since(at)))
			break
		}
	}
	w.parts(why)
	w.out.Parts.At = at
	w.unknown("what would have come of " + s.Action.String() + " is not on record")
	w.out.Unknown.At = at
}

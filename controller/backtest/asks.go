package backtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// instead says what happens here at a moment at which something was done.
func (w *walk) instead(p state.Plan, t *tried) string {
	var held []string
	for _, h := range p.Held {
		if h.Object == "Alert/"+w.opened.Unit {
			held = append(held, fmt.Sprintf("%s: %s", h.Reason, h.Detail))
		}
	}
	now := strings.Join(held, "; ")
	if s, ready := w.next(p); ready {
		now = s.Action.String()
	} else if w.own.Ended != "" {
		now = w.calls()
	}
	return fmt.Sprintf("%s was done; now: %s", t.step().Action, cmp.Or(now, "nothing"))
}

// away tells that the next that is on record of this Case is that its alert could not be
// asked for: so it is when evenkeel begins, and since when it had been away is not told.
func (w *walk) away() bool {
	for _, e := range w.rest {
		if w.mine(e) {
			return e.Note != nil && e.Note.Seen != nil && e.Note.Seen.Is == state.SeenUnknown
		}
	}
	return false
}

// calls says why the ladder has ended.
func (w *walk) calls() string {
	return fmt.Sprintf("a human is called (%s): %s", w.own.Ended, w.own.Why)
}

// asks ends the walk where it waits for what nobody knows: what an expression says that
// was not read then, what a human would say whom nobody asked.
func (w *walk) asks(p state.Plan) {
	seen := w.then.Cases[w.opened.Key()].Seen
	for _, g := range p.Gaps {
		if g.Source.Kind != state.RefQuery || seen.Exprs[state.ExprID(g.Source.Name)] != "" || w.readSoon(g.Source.Name) {
			continue
		}
		w.unknown("what " + g.Source.Name + " said was not read then")
		return
	}
	for _, h := range p.Held {
		if h.Object != "Alert/"+w.opened.Unit || h.Reason != state.AwaitingApproval || seen.Held != nil {
			continue // or it was held for another reason
		}
		for _, id := range h.Steps {
			switch {
			case w.asked(id):
			case w.away():
				w.unknown("it waits for a human, and nobody was there then who could have asked: " + h.Detail)
				return
			default:
				w.parts("it waits for a human who was not asked then: " + h.Detail)
				w.unknown("what a human would have said is not on record")
				return
			}
		}
	}
	if w.own.Ended == "" || w.last.Ended != "" {
		return
	}
	switch {
	case w.away():
		w.unknown(w.calls() + ", and nobody was there then who could have")
	case w.own.Ended == state.RemedyWorse:
		w.unknown("whether " + w.own.Why + " is not on record in full")
	default:
		w.parts(w.calls())
	}
}

// readSoon tells that an expression was read a moment later then.
func (w *walk) readSoon(expr string) bool {
	for _, e := range w.rest {
		if e.At.Since(w.now) > readWithin {
			break
		}
		if e.Note != nil && e.Note.Seen != nil && e.Note.Name == w.opened.Unit && e.Note.Seen.Exprs[state.ExprID(expr)] != "" {
			return true
		}
	}
	return false
}

// asked tells that a human was asked the same then, or had said it: then his answer, or
// that there was none, is on record.
func (w *walk) asked(id string) bool {
	return slices.ContainsFunc(w.entries, func(e state.Entry) bool {
		switch n := e.Note; {
		case n == nil:
			return e.Intent != nil && e.Intent.Step.ID == id
		case n.Kind == state.NoteApproved:
			return n.Name == id
		default:
			return n.Seen != nil && n.Name == w.opened.Unit && n.Seen.Waits == id
		}
	})
}

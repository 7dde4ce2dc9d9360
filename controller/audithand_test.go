package controller_test

import (
	"fmt"

	"github.com/pakashop/evenkeel/state"
)

// turn is a moment at which the kill switch was set or taken away.
type turn struct {
	at  state.Time
	set bool
}

// auditHand checks a record against what evenkeel promises humans: each ask is
// answered; what a human holds, evenkeel does not touch by itself; and nothing
// is done while the kill switch is set.
func auditHand(entries []state.Entry, switched []turn, end state.Time) error {
	p := state.NewPast()
	begun := map[string]state.Time{}
	for _, e := range entries {
		switch {
		case e.Intent != nil:
			if err := mayBegin(p, e.Intent.Step, e.At); err != nil {
				return fmt.Errorf("entry %d: %w", e.Seq, err)
			}
			begun[e.Intent.Step.ID] = e.At
		case e.Outcome != nil && e.Outcome.Status == state.Done && switchedOff(switched, begun[e.Outcome.ID], e.At):
			return fmt.Errorf("entry %d: step %s was done while the kill switch was set", e.Seq, e.Outcome.ID)
		}
		p.Fold(e)
	}
	for id, a := range p.Asks {
		if a.Ended(end) {
			return fmt.Errorf("%s of %s, asked for as %s, was never answered", a.Verb, a.Object, id)
		}
	}
	return nil
}

// mayBegin: a Step by hand has an ask that is open and not too old, and is not
// charged; any other is on something that no human holds.
func mayBegin(p *state.Past, s state.Step, at state.Time) error {
	if s.Ask != "" {
		a, ok := p.Asks[s.Ask]
		switch {
		case !ok:
			return fmt.Errorf("%s is done for an ask that is settled", s.Action)
		case a.Ended(at):
			return fmt.Errorf("%s is done %s after it was asked for", s.Action, at.Since(a.At))
		case s.Remedial:
			return fmt.Errorf("%s by hand is charged", s.Action)
		}
		return nil
	}
	if _, released := p.Released[s.Object]; released {
		return fmt.Errorf("%s, and %s was released", s.Action, s.Object)
	}
	for _, h := range p.Holds {
		switch {
		case h.Object != s.Object || h.Ended(at):
		case h.Reason == state.Suspended:
			return fmt.Errorf("%s, and %s is suspended", s.Action, s.Object)
		case h.Unit == s.Action.Target && (s.Action.Verb == "start" || s.Action.Verb == "restart"):
			return fmt.Errorf("%s, and a human has stopped it", s.Action)
		}
	}
	return nil
}

// switchedOff tells that the kill switch was set before a Step began and was
// still there when it had ended.
func switchedOff(turns []turn, began, ended state.Time) bool {
	set := false
	for _, t := range turns {
		if t.at.Up >= ended.Up {
			break
		}
		if t.at.Up >= began.Up && !(t.set && set) {
			return false // it came or went meanwhile
		}
		set = t.set
	}
	return set
}

package audit

import (
	"github.com/pakashop/evenkeel/state"
)

// heldByNobody: a Step by hand has an ask that is open and not too old, and is
// not charged; any other is on something that no human holds.
func (a *Auditor) heldByNobody(s state.Step, at state.Time) error {
	if s.Ask != "" {
		return a.asked(s, at)
	}
	if _, released := a.past.Released[s.Object]; released {
		return breach("human", "%s, and %s was released", s.Action, s.Object)
	}
	for _, h := range a.past.Holds {
		host := len(h.Object) > 5 && h.Object[:5] == "Host/"
		switch {
		case !host && h.Object != s.Object || h.Ended(at):
		case h.Reason == state.Suspended && s.Action.Verb != "daemon-reload":
			return breach("human", "%s, and %s is suspended", s.Action, h.Object)
		case h.Unit == s.Action.Target && isStart(s):
			return breach("human", "%s, and a human has stopped it", s.Action)
		}
	}
	if then, stopped := a.stopped[s.Action.Target]; stopped && then.Boot == at.Boot && isStart(s) {
		return breach("human", "%s, and somebody stopped it at %s, which was never noted", s.Action, then.Up)
	}
	if a.masked[s.Action.Target] && isStart(s) {
		return breach("human", "%s, and somebody masked it", s.Action)
	}
	return nil
}

// givenBack forgets the stops of an object's units.
func (a *Auditor) givenBack(object string) {
	for _, unit := range a.past.Managed[object].Units {
		delete(a.stopped, unit)
	}
}

func (a *Auditor) asked(s state.Step, at state.Time) error {
	ask, ok := a.past.Asks[s.Ask]
	switch {
	case !ok:
		return breach("asks", "%s is done for an ask that is settled", s.Action)
	case ask.Ended(at):
		return breach("asks", "%s is done %s after it was asked for", s.Action, at.Since(ask.At))
	case s.Remedial:
		return breach("asks", "%s by hand is charged", s.Action)
	}
	return nil
}

// Saw audits what a witness saw. What evenkeel does has its intent before it, and
// happens once an intent.
func (a *Auditor) Saw(d Deed) error {
	if d.Step != "" {
		i, ok := a.flight[d.Step]
		if !ok {
			return breach("intent first", "%s of %s for step %s, which is not under way", d.Verb, d.Unit, d.Step)
		}
		if target := i.Intent.Step.Action.Target; target != d.Unit {
			return breach("intent first", "%s of %s for step %s, which is about %s", d.Verb, d.Unit, d.Step, target)
		}
		if a.effects[d.Step]++; a.effects[d.Step] > 1 {
			return breach("once", "%s of %s happened twice for step %s", d.Verb, d.Unit, d.Step)
		}
		return nil
	}
	switch d.Verb {
	case "stop":
		// What evenkeel never saw running it does not know to have been stopped, and
		// what has begun on the unit may come after a stop that nobody could foresee.
		if a.past.Ran[d.Unit].Invocation != "" && a.past.Seen[d.Unit] == d.At.Boot && !a.busyWith(d.Unit) {
			a.stopped[d.Unit] = d.At
		}
	case "start", "restart":
		delete(a.stopped, d.Unit)
	case "mask":
		a.masked[d.Unit] = true
	case "unmask":
		delete(a.masked, d.Unit)
	}
	return nil
}

// busyWith tells whether a Step on a unit is under way.
func (a *Auditor) busyWith(unit string) bool {
	for _, i := range a.flight {
		if i.Intent.Step.Action.Target == unit {
			return true
		}
	}
	return false
}

// switchedOff tells that the kill switch was set before a Step began and was
// still there when it had ended. It lies in /run and ends with the boot.
func switchedOff(turns []Turn, began, ended state.Time) bool {
	set := false
	for _, t := range turns {
		if t.At.Boot != began.Boot {
			continue
		}
		if t.At.Up >= ended.Up {
			break
		}
		if t.At.Up >= began.Up && !(t.Set && set) {
			return false // it came or went meanwhile
		}
		set = t.Set
	}
	return set
}

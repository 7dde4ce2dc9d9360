package plan

import (
	"fmt"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// runbookHolds are the reasons to wait that come with an alert, beside those that
// hold any change.
func (d *draft) runbookHolds(a firing, c state.Case, sv *service, w wish, suppressed hold) []hold {
	var holds []hold
	if suppressed.detail != "" {
		holds = append(holds, suppressed)
	}
	if w.effect == actuators.None {
		return holds
	}
	if suppressed.detail == "" && len(sv.Units) > 0 {
		holds = append(holds, d.notTheCause(sv)...)
	}
	if h, ok := d.byItsUnit(sv, w); ok {
		holds = append(holds, h)
	}
	if d.tooMuch != "" && w.effect == actuators.Disruptive {
		holds = append(holds, hold{state.TooManySick, d.tooMuch, nil})
	}
	if l := a.book.Spec.Limits; l != nil && l.Runs > 0 && !c.Ran {
		runs := d.past.Runs[a.book.Name]
		if n := state.Recent(runs, d.now, l.Per.Std()); n >= l.Runs {
			holds = append(holds, hold{state.BudgetSpent, fmt.Sprintf("runbook %s ran %d of %d times within %s", a.book.Name, n, l.Runs, l.Per), d.at(l.Per.Std() - d.now.Since(runs[len(runs)-n]))})
		}
	}
	return append(holds, d.another(c, w)...)
}

// byItsUnit holds what a runbook does to a unit by what that unit is like.
func (d *draft) byItsUnit(sv *service, w wish) (hold, bool) {
	if w.unit == "" {
		return hold{}, false
	}
	switch u, ok := d.unit(sv.object, w.unit); {
	case !ok:
		return hold{state.Unobserved, "how " + w.unit + " is must be looked at first", nil}, true
	case u.Masked():
		return hold{state.Masked, w.unit + " is masked; a mask stands until it is lifted", nil}, true
	case u.Active == "inactive" && !d.isRunning(sv) && w.action.Verb != "stop":
		// Nobody noted who stopped what is not declared to run.
		return hold{state.ManualStop, w.unit + " does not run, and is not declared to; start it by hand", nil}, true
	}
	return hold{}, false
}

// another holds a step while another Case does the same, or something to the same
// unit, or has done so a moment ago: what that has come to shows first.
func (d *draft) another(c state.Case, w wish) []hold {
	for i := range d.steps {
		if s := &d.steps[i]; w.unit != "" && s.Action.Target == w.unit && s.Case != c.ID {
			return []hold{{state.InProgress, actuators.Words(s.Action.String()) + " comes first", nil}}
		}
	}
	for _, key := range sortedKeys(d.past.Cases) {
		other := d.past.Cases[key]
		last, tried := other.Last()
		if other.ID == c.ID || !tried || last.Action != w.action.String() && (w.unit == "" || !strings.HasSuffix(last.Action, " "+w.unit)) {
			continue
		}
		if last.Status == "" {
			return []hold{{state.InProgress, actuators.Words(last.Action) + " is under way for another reason", nil}}
		}
		if left := showsAfter - d.now.Since(last.Ended); left > 0 {
			return []hold{{state.Verifying, actuators.Words(last.Action) + " has ended a moment ago, for another reason", d.at(left)}}
		}
	}
	return nil
}

package audit

import (
	"slices"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// begins audits an intent.
func (a *Auditor) begins(e state.Entry) error {
	s := e.Intent.Step
	if _, twice := a.flight[s.ID]; twice {
		return breach("in flight", "step %s begins while it is under way", s.ID)
	}
	if e.At.Boot == a.begun.Boot && e.At.Up < a.begun.Up {
		return breach("order", "step %s begins before the one that was written before it", s.ID)
	}
	a.begun = e.At
	a.want = nil
	if a.o.Want != nil {
		a.want = a.o.Want(e.Intent.Revision)
	}
	a.flight[s.ID] = e
	for _, check := range []func(state.Step, state.Time) error{a.alone, a.allowed, a.heldByNobody, a.remedial, a.within, a.climbs, a.rootFirst, a.returns} {
		if err := check(s, e.At); err != nil {
			return err
		}
	}
	return nil
}

// ends audits an outcome.
func (a *Auditor) ends(e state.Entry) error {
	o := *e.Outcome
	i, ok := a.flight[o.ID]
	if !ok {
		return breach("intent first", "step %s ends and never began", o.ID)
	}
	delete(a.flight, o.ID)
	delete(a.effects, o.ID)
	if o.Status == state.Done && switchedOff(a.o.Switch, i.At, e.At) {
		return breach("kill switch", "%s was done while it was set", i.Intent.Step.Action)
	}
	if s := i.Intent.Step; s.Ask != "" && o.Status == state.Done && isStart(s) {
		delete(a.stopped, s.Action.Target) // a human wants it to run again
	}
	if s := i.Intent.Step; s.Remedial && o.Status != state.Done {
		a.spent.inVain[s.Action.Target] = append(a.spent.inVain[s.Action.Target], i.At)
	}
	a.climbed(i.Intent.Step, o, e.At)
	a.gone(i.Intent.Step, o)
	return nil
}

// alone: of disruptive Steps as many are under way as policy says, which is one
// unless it says otherwise; of Steps that change whether a unit runs, one a unit.
func (a *Auditor) alone(state.Step, state.Time) error {
	lanes, disruptive := 1, 0
	if a.want != nil {
		lanes = max(1, a.want.Policy.Budgets.InFlight)
	}
	targets := make(map[string]bool, len(a.flight))
	for _, i := range a.flight {
		s := i.Intent.Step
		if s.Effect == actuators.Disruptive {
			disruptive++
		}
		switch s.Action.Verb {
		case "start", "stop", "restart", "reload":
			if targets[s.Action.Target] {
				return breach("one a unit", "two steps on %s at once", s.Action.Target)
			}
			targets[s.Action.Target] = true
		}
	}
	if disruptive > lanes {
		return breach("one at a time", "%d disruptive steps at once", disruptive)
	}
	return nil
}

// allowed: nothing is done to the protected set, and nothing at all where policy
// or the service says observe. What disturbs a service is called disruptive.
func (a *Auditor) allowed(s state.Step, _ state.Time) error {
	if s.Action.Actuator != "systemd" {
		return nil
	}
	policy := desired.BuiltInPolicy
	if a.want != nil {
		policy = func() desired.Policy { return a.want.Policy }
	}
	p := policy()
	switch {
	case s.Action.Target != "" && p.Protected(s.Action.Target):
		return breach("protected", "%s", s.Action)
	case p.Mode == desired.Observe:
		return breach("observe", "%s, and policy is in mode observe", s.Action)
	case slices.Contains([]string{"stop", "restart", "reload"}, s.Action.Verb) && s.Effect != actuators.Disruptive:
		return breach("effect", "%s is not called disruptive", s.Action)
	}
	if sv := a.service(s.Object); sv != nil && sv.Spec.Management == desired.Observe {
		return breach("observe", "%s, and %s is only observed", s.Action, s.Object)
	}
	return nil
}

// remedial: what repairs is charged.
func (a *Auditor) remedial(s state.Step, at state.Time) error {
	if s.Remedial || s.Ask != "" || s.Effect == actuators.None || slices.Contains([]string{"revision", "scale", "state"}, s.Action.Actuator) {
		return nil // what moves what is wanted is bounded by happening once, a revision or a Case
	}
	unit := s.Action.Target
	ran := a.past.Ran[unit].Invocation != "" && a.past.Seen[unit] == at.Boot
	switch {
	case s.Reason == state.LivenessFailed || s.Reason == state.StuckActivating || s.Reason == state.Alert:
		return breach("charged", "%s for %s is not charged", s.Action, s.Reason)
	case s.Rung > 0:
		return breach("charged", "%s is a remedy and is not charged", s.Action)
	case isStart(s) && (s.Reason == state.Failed || s.Reason == state.NotRunning) && ran:
		return breach("charged", "%s had run and is started without a charge", unit)
	}
	return nil
}

// rootFirst: what a service requires comes first. Where the record says that it
// is sick, the service is not disturbed because it seems sick, too.
func (a *Auditor) rootFirst(s state.Step, _ state.Time) error {
	sv := a.service(s.Object)
	if sv == nil || !s.Remedial || s.Effect != actuators.Disruptive || s.Ask != "" {
		return nil
	}
	for _, name := range sv.Requires {
		dep, ok := a.want.Service(name)
		if !ok {
			continue
		}
		for _, unit := range dep.Units {
			c, open := a.past.Cases[state.CaseKey(dep.Object(), unit)]
			if open && c.Well.IsZero() && c.Reason != state.Flapping && !a.busy(dep.Object()) {
				return breach("root first", "%s, and %s, which it requires, is sick (%s)", s.Action, unit, c.Reason)
			}
		}
	}
	return nil
}

// busy tells whether a Step on an object is under way.
func (a *Auditor) busy(object string) bool {
	for _, i := range a.flight {
		if i.Intent.Step.Object == object {
			return true
		}
	}
	return false
}

// service finds what was declared of an object; nil: it is not known.
func (a *Auditor) service(object string) *desired.Service {
	const kind = "Service/"
	if a.want == nil || len(object) <= len(kind) || object[:len(kind)] != kind {
		return nil
	}
	sv, ok := a.want.Service(object[len(kind):])
	if !ok {
		return nil
	}
	return sv
}

func isStart(s state.Step) bool {
	return s.Action.Actuator == "systemd" && (s.Action.Verb == "start" || s.Action.Verb == "restart")
}

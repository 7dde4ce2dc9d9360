package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// The types of the conditions that come from probes.
const (
	Ready   = "Ready"   // every unit takes work: by its startup and readiness probes, else because it runs; of an Endpoint: it answers as declared
	Healthy = "Healthy" // no unit is sick while it runs; only where a liveness or startup probe is declared, or a unit goes up and down
	Started = "Started" // every unit has started up; only where a startup probe is declared
)

// Reasons of these conditions, besides those of the Plan.
const (
	probeSucceeded = "ProbeSucceeded"
	pending        = "Pending"   // the probes have not decided yet
	unasked        = "NotProbed" // no controller runs
)

// stand is a condition of one unit.
type stand struct {
	status, reason, message string
	since                   time.Time
}

// wellness are the conditions that come from the probes of a service.
func (v View) wellness(s *desired.Service) []Condition {
	out := []Condition{v.every(s, Ready, v.unitReady)}
	flaps := v.told(s.Object(), state.Flapping) != ""
	if s.Spec.LivenessProbe != nil || s.Spec.StartupProbe != nil || flaps {
		out = append(out, v.every(s, Healthy, v.unitHealthy))
	}
	if s.Spec.StartupProbe != nil {
		out = append(out, v.every(s, Started, v.unitStarted))
	}
	return out
}

// every is True if it is of every unit, False naming the first of which it is
// not, Unknown if one is not known; since when it is so of all, or not of one.
func (v View) every(s *desired.Service, kind string, ask func(*desired.Service, string) stand) Condition {
	c := Condition{Type: kind, Status: True, Reason: "NoUnits"}
	var since time.Time
	for i, unit := range s.Units {
		is := ask(s, unit)
		switch {
		case is.status == False && c.Status == False:
			since = earliest(since, is.since)
			continue
		case is.status == True && c.Status == True:
			since = latest(since, is.since)
			if i > 0 {
				continue
			}
		case is.status == True, is.status == Unknown && c.Status != True:
			continue
		default:
			since = is.since
		}
		c.Status, c.Reason, c.Message = is.status, is.reason, is.message
	}
	c.LastTransitionTime = At(since)
	return c
}

// unitReady tells whether others may rest on a unit.
func (v View) unitReady(s *desired.Service, unit string) stand {
	u, is := v.running(unit)
	if is.status != "" {
		return is
	}
	out := stand{True, "Active", "", orTime(wall(u, u.Entered), u.ChangedAt)}
	for _, kind := range []string{desired.StartupProbe, desired.ReadinessProbe} {
		q, ok := s.Probing(kind, unit)
		if !ok {
			continue
		}
		is := v.verdict(q)
		if is.status != True {
			return is.after(out.since)
		}
		out.reason, out.since = is.reason, latest(out.since, is.since)
	}
	return out
}

// after is a stand whose time is not known from its probe: it is what it was
// when the process started.
func (s stand) after(started time.Time) stand {
	if s.status == False {
		s.since = orTime(s.since, started)
	}
	return s
}

// unitHealthy tells whether a unit that runs is sick, as the Plan sees it.
func (v View) unitHealthy(s *desired.Service, unit string) stand {
	u, is := v.running(unit)
	if is.status != "" {
		is.status = Unknown // nobody asks what does not run how it is
		return is
	}
	for _, h := range v.looked().picture.Of(s.Name) {
		if h.Unit == unit && h.Reason != "" {
			return stand{False, string(h.Reason), h.Detail, v.clock(h.Onset)}
		}
	}
	for _, h := range v.Plan.Held {
		if h.Object == s.Object() && h.Reason == state.Flapping && about(h, s, unit) {
			return stand{False, string(h.Reason), h.Detail, wall(u, u.Entered)}
		}
	}
	out := stand{True, "Active", "", wall(u, u.Entered)}
	for _, kind := range []string{desired.StartupProbe, desired.LivenessProbe} {
		q, ok := s.Probing(kind, unit)
		if !ok {
			continue
		}
		is := v.verdict(q)
		if is.status != True {
			is.status = Unknown // what fails for good is the Plan's to say
			is.since = time.Time{}
			return is
		}
		out.reason, out.since = is.reason, latest(out.since, is.since)
	}
	return out
}

func (v View) unitStarted(s *desired.Service, unit string) stand {
	u, is := v.running(unit)
	if is.status != "" {
		return is
	}
	q, ok := s.Probing(desired.StartupProbe, unit)
	if !ok {
		return stand{True, "Active", "", wall(u, u.Entered)}
	}
	return v.verdict(q).after(wall(u, u.Entered))
}

// running fetches a unit that runs, or says that it does not.
func (v View) running(unit string) (state.Unit, stand) {
	f := v.Have.Units[unit]
	switch u := f.Value; {
	case !f.Known():
		return u, stand{Unknown, string(state.Unobserved), unit + ": " + cmp.Or(f.Err, "not looked at yet"), time.Time{}}
	case !u.Up():
		return u, stand{False, string(state.NotRunning), unit + " is " + u.Active, orTime(wall(u, max(u.Exited, u.Rested)), u.ChangedAt)}
	}
	return f.Value, stand{}
}

// verdict is what a probe says of its unit.
func (v View) verdict(q *desired.Probing) stand {
	p, why := v.probe(q)
	what := cmp.Or(q.Unit, q.Object)
	switch {
	case why == notProbed:
		return stand{Unknown, unasked, what + " is " + why, time.Time{}}
	case why != "":
		return stand{Unknown, string(state.Unobserved), q.Kind + " probe of " + what + ": " + why, time.Time{}}
	case p.Verdict == state.ProbeSuccess:
		return stand{True, probeSucceeded, "", v.clock(p.Since)}
	case p.Verdict == state.ProbeFailure:
		message := what + " fails its " + q.Kind + " probe"
		if p.Detail != "" {
			message += ": " + p.Detail
		}
		return stand{False, failureOf(q.Kind, p), message, v.clock(p.Since)}
	}
	return stand{False, pending, "the " + q.Kind + " probe of " + what + " has not decided yet", time.Time{}}
}

// failureOf is the reason that a failed probe is.
func failureOf(kind string, p state.Probe) string {
	switch {
	case kind == desired.EndpointProbe:
		return string(state.EndpointDown)
	case kind == desired.ReadinessProbe:
		return string(state.NotReady)
	case p.Class == state.ClassWrong:
		return string(state.WrongService)
	}
	return string(state.LivenessFailed)
}

// endpoint finds the Endpoint that an object declares.
func (v View) endpoint(o desired.Object) (desired.Endpoint, bool) {
	i := slices.IndexFunc(v.Want.Endpoints, func(e desired.Endpoint) bool { return o.Kind == "Endpoint" && e.Name == o.Metadata.Name })
	if i < 0 {
		return desired.Endpoint{}, false
	}
	return v.Want.Endpoints[i], true
}

// answers is the one condition of an Endpoint. One that has not answered yet is
// not known to be down.
func (v View) answers(e desired.Endpoint) []Condition {
	is := v.verdict(&e.Probe)
	if is.reason == pending {
		is.status = Unknown
	}
	return []Condition{{
		Type: Ready, Status: is.status, Reason: is.reason, Message: is.message,
		LastTransitionTime: At(is.since), ObservedGeneration: v.Want.Revision,
	}}
}

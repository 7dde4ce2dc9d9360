package report

import (
	"cmp"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// notProbed says that nobody asks, because no controller runs.
const notProbed = "not probed: probes are run by the controller, and none runs"

// looked is the View with its Picture taken, so that a report on many objects
// takes it once.
func (v View) looked() View {
	if v.picture == nil {
		p := plan.Look(v.Want, &v.Have, v.Past, v.Now)
		v.picture = &p
	}
	return v
}

// probe reads what a probe has come to about the process that runs; why says
// why nothing is known of it. One that has not been asked yet is pending.
func (v View) probe(q *desired.Probing) (p state.Probe, why string) {
	f, asked := v.Have.Probes[q.Name]
	switch {
	case v.Have.Probes == nil:
		return p, notProbed
	case f.Err != "":
		return p, f.Err
	case !asked || f.At.IsZero():
		return p, "not asked yet"
	case v.Past != nil && f.At.Outdated(v.Past.Ended[state.Ref{Kind: state.RefProbe, Name: q.Name}.String()]):
		return p, "older than evenkeel's own last step on it"
	case q.Unit != "" && !f.Value.Of(v.Have.Units[q.Unit].Value):
		return state.Probe{}, ""
	}
	return f.Value, ""
}

// ready tells whether a unit that runs takes work, by its startup and readiness
// probes; one that has none of them is ready when it runs. nil: it does not run,
// or nobody knows. What has not succeeded yet is not ready, as in Kubernetes.
func (v View) ready(s *desired.Service, unit string) *bool {
	yes, no := true, false
	if f := v.Have.Units[unit]; !f.Known() || !f.Value.Up() {
		return nil
	}
	for _, kind := range []string{desired.StartupProbe, desired.ReadinessProbe} {
		q, ok := s.Probing(kind, unit)
		if !ok {
			continue
		}
		switch p, why := v.probe(q); {
		case why != "":
			return nil
		case p.Verdict != state.ProbeSuccess:
			return &no
		}
	}
	return &yes
}

// clock is a moment since boot by the wall clock; zero for none.
func (v View) clock(up time.Duration) time.Time {
	if up == 0 {
		return time.Time{}
	}
	return v.Now.Wall.Add(up - v.Now.Up)
}

// endpointRow is an Endpoint on the board. What has never answered is not known
// to be well.
func (v View) endpointRow(e desired.Endpoint) Row {
	r := Row{Name: e.Name, Object: e.Object(), State: UNKNOWN, Reason: state.Unobserved}
	p, why := v.probe(&e.Probe)
	if why != "" {
		r.Detail = why
		return r
	}
	r.Since = At(v.clock(p.Since))
	up := p.Verdict == state.ProbeSuccess
	switch p.Verdict {
	case state.ProbeSuccess:
		r.State, r.Reason = OK, ""
	case state.ProbeFailure:
		r.State, r.Reason, r.Detail = FAIL, state.EndpointDown, cmp.Or(v.told(e.Object(), state.EndpointDown), p.Detail)
	default:
		r.Detail = "it has not answered yet"
		return r
	}
	r.Ready = &up
	return r
}

// told is what the Plan says of an object for a reason.
func (v View) told(object string, r state.Reason) string {
	for _, h := range v.Plan.Held {
		if h.Object == object && h.Reason == r {
			return h.Detail
		}
	}
	return ""
}

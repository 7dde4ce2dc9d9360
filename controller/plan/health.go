package plan

import (
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// readiness tells whether others may rest on a unit.
type readiness int

const (
	unseen   readiness = iota // nobody knows
	down                      // it does not run
	starting                  // it runs, and has not been ready yet
	notReady                  // it runs, and its readiness probe fails
	ready
)

// vitals are how one unit, or an Endpoint, is: by systemd's word and by its
// probes. They are taken of everything before anything is planned, because what
// is to be done about one depends on how the others are.
type vitals struct {
	object, unit string
	reason       state.Reason  // what is wrong with it while it runs; empty: nothing that is known
	detail       string        // of reason
	onset        time.Duration // CLOCK_BOOTTIME: since when it is wrong, or has begun to be
	failing      bool          // a probe of it fails, if only below its threshold
	blind        string        // why a probe of it says nothing; empty: all of them speak
	probed       bool          // it runs and has a probe that says whether it is well
	ready        readiness
	unready      string            // why it is not, in words
	since        time.Duration     // CLOCK_BOOTTIME: since when it is ready
	says         map[string]string // what its readiness says of others
}

// well tells that nothing is wrong, and that this is known.
func (v vitals) well() bool { return v.reason == "" && v.ready == ready && v.blind == "" }

// diagnose takes the vitals of everything that is declared.
func (d *draft) diagnose() {
	d.vitals = make(map[string][]vitals, len(d.want.Services)+len(d.want.Endpoints))
	d.objects = make([]string, 0, len(d.want.Services))
	probings := len(d.want.Endpoints)
	all := make([]vitals, 0, len(d.want.Services))
	for i := range d.want.Services {
		s := &d.want.Services[i]
		probings += len(s.Probes)
		object := s.Object()
		d.objects = append(d.objects, object)
		d.guarded(object, func() {
			from := len(all)
			for _, unit := range s.Units {
				all = append(all, d.examine(s, object, unit))
			}
			d.vitals[s.Name] = all[from:len(all):len(all)]
		})
	}
	for i := range d.want.Endpoints {
		e := &d.want.Endpoints[i]
		if d.vitals[e.Name] == nil { // a Service of that name is nearer
			d.vitals[e.Name] = []vitals{d.endpoint(e)}
		}
	}
	if d.have.Probes == nil && probings > 0 {
		d.gap(d.hostObject(), state.Ref{Kind: state.RefProbe}, "probes are run by the controller; how well services are is not known here")
	}
}

// examine takes the vitals of one unit.
func (d *draft) examine(s *desired.Service, object, unit string) vitals {
	v := vitals{object: object, unit: unit}
	f := d.have.Units[unit]
	u := f.Value
	switch {
	case !f.Known():
		return v
	case !u.Up():
		v.ready, v.unready, v.onset = down, "is not running", max(u.Exited, u.Rested)
		if u.Active == "inactive" && mayRest(u) {
			v.ready, v.unready = ready, ""
		}
		return v
	}
	v.ready, v.since = ready, u.Entered
	if d.have.Probes == nil {
		return v // nobody probes
	}
	if d.starts(&v, s, u) {
		d.lives(&v, s, u)
		d.serves(&v, s, u)
	}
	return v
}

// starts reads the startup probe, and tells whether the others count.
func (d *draft) starts(v *vitals, s *desired.Service, u state.Unit) bool {
	p, ok := d.probe(v, s, desired.StartupProbe, u)
	if !ok {
		return v.blind == ""
	}
	switch p.Verdict {
	case state.ProbeFailure:
		v.sick("startup", p)
	case state.ProbePending:
		v.ready, v.unready = starting, "has not started yet"
	default:
		v.since = max(v.since, p.Since)
		return true
	}
	return false
}

// lives reads the liveness probe.
func (d *draft) lives(v *vitals, s *desired.Service, u state.Unit) {
	p, ok := d.probe(v, s, desired.LivenessProbe, u)
	if !ok {
		return
	}
	if p.Failing > 0 {
		v.failing, v.onset = true, p.Failing
	}
	switch p.Verdict {
	case state.ProbeFailure:
		v.sick("liveness", p)
	case state.ProbeSuccess:
		v.since = max(v.since, p.Since) // it may have been sick until then
	}
}

// sick marks a unit that runs as sick, by the word of a probe.
func (v *vitals) sick(kind string, p state.Probe) {
	v.reason, v.failing, v.onset = state.LivenessFailed, true, p.Since
	if p.Class == state.ClassWrong {
		v.reason = state.WrongService
	}
	v.detail = v.unit + " fails its " + kind + " probe"
	if p.Detail != "" {
		v.detail += ": " + p.Detail
	}
	v.ready, v.unready = notReady, "fails its "+kind+" probe"
}

// serves reads the readiness probe.
func (d *draft) serves(v *vitals, s *desired.Service, u state.Unit) {
	p, ok := d.probe(v, s, desired.ReadinessProbe, u)
	if !ok {
		return
	}
	v.says = p.Says
	if v.reason != "" {
		return
	}
	switch p.Verdict {
	case state.ProbeSuccess:
		v.since = max(v.since, p.Since)
	case state.ProbePending:
		v.ready, v.unready = starting, "is not ready yet"
	case state.ProbeFailure:
		v.ready, v.unready = notReady, "is not ready"
		if p.Detail != "" {
			v.detail = p.Detail
		}
	}
}

// probe reads the verdict of one probe on the process that runs; ok is false
// where there is no such probe, or where it says nothing. Of a process that
// nobody has asked yet nothing is known.
func (d *draft) probe(v *vitals, s *desired.Service, kind string, u state.Unit) (p state.Probe, ok bool) {
	q, declared := s.Probing(kind, v.unit)
	if !declared {
		return p, false
	}
	v.probed = v.probed || kind != desired.ReadinessProbe
	p, ok = d.verdict(v, q.Name)
	if ok && !p.Of(u) {
		return state.Probe{}, true
	}
	return p, ok
}

// verdict reads a probe's fact. One that says nothing is a Gap, and leaves blind
// who has it.
func (d *draft) verdict(v *vitals, name string) (state.Probe, bool) {
	f := d.have.Probes[name]
	ref := probeRef(name)
	why := ""
	switch {
	case f.At.IsZero() && f.Err == "":
		why = "not asked yet"
	case f.Err != "":
		why = f.Err
	case f.At.Outdated(d.past.EndOf(ref)):
		why = "older than evenkeel's own last step on it"
	default:
		return f.Value, true
	}
	d.gap(v.object, ref, why)
	v.blind, v.ready, v.unready = why, unseen, "could not be observed"
	return state.Probe{}, false
}

// endpoint takes the vitals of something outside, and says where it is down.
// That it is cannot be mended from here.
func (d *draft) endpoint(e *desired.Endpoint) vitals {
	v := vitals{object: e.Object(), ready: ready}
	if d.have.Probes == nil {
		return v
	}
	p, ok := d.verdict(&v, e.Probe.Name)
	if !ok {
		return v
	}
	v.since = p.Since
	switch p.Verdict {
	case state.ProbeFailure:
		v.ready, v.unready, v.onset, v.reason = notReady, "is down", p.Since, state.EndpointDown
		v.detail = strings.TrimSuffix(e.Name+" does not answer as declared: "+p.Detail, ": ")
		d.held = append(d.held, state.Held{Object: v.object, Reason: state.EndpointDown, Detail: v.detail, Info: true})
	case state.ProbePending:
		v.ready, v.unready = starting, "has not answered yet"
	}
	return v
}

// readyBy is when it is decided at the latest whether a service that has just
// started is ready; nil: it is late already, or is not starting.
func (d *draft) readyBy(sv *service) *state.Time {
	var by time.Duration
	for _, v := range d.vitals[sv.Name] {
		if v.ready != starting {
			continue
		}
		by = max(by, v.since)
		for _, p := range []*desired.Probe{sv.Spec.StartupProbe, sv.Spec.ReadinessProbe} {
			if p != nil {
				by += time.Duration(p.InitialDelaySeconds+p.FailureThreshold*p.PeriodSeconds+p.TimeoutSeconds) * time.Second
			}
		}
	}
	if by <= d.now.Up {
		return nil
	}
	return d.at(by - d.now.Up)
}

// vital finds the vitals of one unit.
func (d *draft) vital(sv *service, unit string) vitals {
	for _, v := range d.vitals[sv.Name] {
		if v.unit == unit {
			return v
		}
	}
	return vitals{object: sv.object, unit: unit}
}

func probeRef(name string) state.Ref { return state.Ref{Kind: state.RefProbe, Name: name} }

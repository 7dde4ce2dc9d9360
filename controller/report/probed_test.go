package report

import (
	"encoding/json"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

const uptime = 12 * time.Hour // of the host of all tests, at noon

const (
	live      = desired.LivenessProbe
	readyKind = desired.ReadinessProbe
	startup   = desired.StartupProbe
)

// probed declares probes of a service, and that all of them succeed.
func (h *host) probed(name string, kinds ...string) *host {
	s, _ := h.Want.Service(name)
	for _, kind := range kinds {
		p := desired.Probe{
			HTTPGet:       &desired.HTTPGet{Port: &desired.Port{Number: 3001}, Path: "/health"},
			PeriodSeconds: 10, TimeoutSeconds: 1, SuccessThreshold: 1, FailureThreshold: 3,
		}
		switch kind {
		case startup:
			s.Spec.StartupProbe = &p
		case live:
			s.Spec.LivenessProbe = &p
		case readyKind:
			s.Spec.ReadinessProbe = &p
		}
		for _, u := range s.Units {
			s.Probes = append(s.Probes, desired.Probing{Name: desired.ProbeName(kind, u), Kind: kind, Object: s.Object(), Unit: u, Probe: p})
		}
		h.probe(name, kind, state.Probe{Verdict: state.ProbeSuccess, Since: uptime - 3*time.Hour})
	}
	return h
}

// probe is what a probe of a service has come to, about the process that runs.
func (h *host) probe(name, kind string, p state.Probe) {
	h.eyes()
	s, _ := h.Want.Service(name)
	for _, u := range s.Units {
		p.Invocation = h.Have.Units[u].Value.Invocation
		h.Have.Probes[desired.ProbeName(kind, u)] = state.Fact[state.Probe]{At: h.Now, Value: p}
	}
}

// eyes has the controller probe.
func (h *host) eyes() {
	if h.Have.Probes == nil {
		h.Have.Probes = map[string]state.Fact[state.Probe]{}
	}
}

// fails has a probe fail since a while ago.
func (h *host) fails(name, kind string, ago time.Duration) {
	h.probe(name, kind, state.Probe{
		Verdict: state.ProbeFailure, Since: uptime - ago, Failing: uptime - ago, Class: state.ClassRefused, Detail: "connection refused",
	})
}

// blind has a probe that cannot be carried out.
func (h *host) blind(name, kind string) {
	h.eyes()
	s, _ := h.Want.Service(name)
	for _, u := range s.Units {
		h.Have.Probes[desired.ProbeName(kind, u)] = state.Fact[state.Probe]{At: h.Now, Err: "network is unreachable"}
	}
}

// outside declares an Endpoint that services require.
func (h *host) outside(name string, p state.Probe, by ...string) {
	spec := desired.EndpointSpec{Severity: "P1", Probe: desired.Probe{HTTPGet: &desired.HTTPGet{URL: "https://api.pawapay.io/health"}, PeriodSeconds: 30}}
	e := desired.NewEndpoint(name, map[string]string{"tier": "outside"}, spec)
	h.Want.Endpoints = append(h.Want.Endpoints, e)
	raw, err := json.Marshal(spec)
	if err != nil {
		panic(err)
	}
	h.Want.Objects = append(h.Want.Objects, desired.Object{
		APIVersion: desired.APIVersion, Kind: "Endpoint", Metadata: desired.Meta{Name: name, Labels: e.Labels}, Spec: raw,
		Pos: desired.Pos{File: "endpoints.yaml", Line: 1, Col: 1},
	})
	for _, n := range by {
		s, _ := h.Want.Service(n)
		s.Outside = append(s.Outside, name)
	}
	h.eyes()
	h.Have.Probes[e.Probe.Name] = state.Fact[state.Probe]{At: h.Now, Value: p}
}

// down is an Endpoint that has not answered for a while.
func down(ago time.Duration) state.Probe {
	return state.Probe{Verdict: state.ProbeFailure, Since: uptime - ago, Failing: uptime - ago, Class: state.ClassTimeout, Detail: "no answer within 2s"}
}

// remedies declares a ladder; every remedy may be tried without asking.
func (h *host) remedies(name string, do ...string) {
	s, _ := h.Want.Service(name)
	for _, d := range do {
		s.Spec.Remedies = append(s.Spec.Remedies, desired.Do{Do: d, Settle: desired.Duration(time.Minute)})
		if h.Want.Policy.Actions == nil {
			h.Want.Policy.Actions = map[string]string{}
		}
		h.Want.Policy.Actions[d] = desired.Auto
	}
}

// at moves the clock of the host: facts are as young as before.
func (h *host) at(ago time.Duration) {
	h.Now = moment(-ago)
	for n, f := range h.Have.Units {
		f.At = h.Now
		h.Have.Units[n] = f
	}
	for n, f := range h.Have.Probes {
		f.At = h.Now
		h.Have.Probes[n] = f
	}
}

// tried does the one Step of the plan that is a remedy, and has it end. A
// restart gives the unit a new process.
func (h *host) tried(ago time.Duration, status state.Status) state.Step {
	h.at(ago)
	h.settle()
	for _, st := range h.Plan.Steps {
		if st.Case == "" {
			continue
		}
		h.Past.Fold(state.Entry{At: h.Now, Intent: &state.Intent{Step: st}})
		h.Past.Fold(state.Entry{At: h.Now.Add(time.Second), Outcome: &state.Outcome{ID: st.ID, Status: status}})
		h.at(ago - 2*time.Second)
		if st.Action.Verb == "restart" || st.Action.Verb == "start" {
			h.change(st.Action.Target, func(u *state.Unit) {
				u.Active, u.Sub, u.Result, u.Stop, u.MainPID = "active", "running", "success", "", 4712
				u.Invocation, u.Entered, u.Changed, u.ChangedAt = "6d2f", h.Now.Up, h.Now.Up, h.Now.Wall
			})
		}
		return st
	}
	panic("no remedy is planned: " + planned(h.Plan))
}

func planned(p state.Plan) string {
	out := ""
	for _, st := range p.Steps {
		out += st.Object + " " + st.Action.String() + "\n"
	}
	for _, h := range p.Held {
		out += h.Object + " " + string(h.Reason) + ": " + h.Detail + "\n"
	}
	return out
}

// inFlight has a Step begun and not ended.
func (h *host) inFlight(st state.Step) {
	h.Past.Fold(state.Entry{At: h.Now, Intent: &state.Intent{Step: st}})
}

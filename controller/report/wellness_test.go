package report

import (
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// The conditions that come from probes, each with its reason, and since when.
func TestConditionsOfHealth(t *testing.T) {
	const began, minute = "08:48:00", "11:59:00"
	for _, c := range []struct {
		name                    string
		bend                    func(h *host)
		ready, healthy, started string
	}{
		{"no probes", func(h *host) { h.Want.Services[0].Probes, h.Want.Services[0].Spec = nil, app("web").Spec }, "True Active " + began, "", ""},
		{"all succeed", func(*host) {}, "True ProbeSucceeded 09:00:00", "True ProbeSucceeded 09:00:00", "True ProbeSucceeded 09:00:00"},
		{"not ready", func(h *host) { h.fails("web", readyKind, time.Minute) }, "False NotReady " + minute, "True ProbeSucceeded 09:00:00", "True ProbeSucceeded 09:00:00"},
		{"sick", func(h *host) { h.fails("web", live, time.Minute) }, "True ProbeSucceeded 09:00:00", "False LivenessFailed " + minute, "True ProbeSucceeded 09:00:00"},
		{"something else answers", func(h *host) {
			h.probe("web", live, state.Probe{Verdict: state.ProbeFailure, Since: uptime - time.Minute, Class: state.ClassWrong})
		}, "True ProbeSucceeded 09:00:00", "False WrongService " + minute, "True ProbeSucceeded 09:00:00"},
		{"it goes up and down", func(h *host) {
			h.Past.Flaps["web.service"] = state.Flap{Since: moment(-5 * time.Minute)}
			h.change("web.service", func(u *state.Unit) { u.Restarts, u.Entered = 6, uptime-time.Minute })
		}, "True ProbeSucceeded " + minute, "False Flapping " + minute, "True ProbeSucceeded 09:00:00"},
		{"starting up", func(h *host) {
			h.probe("web", startup, state.Probe{})
			h.probe("web", live, state.Probe{})
		}, "False Pending " + began, "Unknown Pending ", "False Pending " + began},
		{"it does not start up", func(h *host) { h.fails("web", startup, time.Minute) }, "False LivenessFailed " + minute, "False LivenessFailed " + minute, "False LivenessFailed " + minute},
		{"one probe cannot be carried out", func(h *host) { h.blind("web", live) }, "True ProbeSucceeded 09:00:00", "Unknown Unobserved ", "True ProbeSucceeded 09:00:00"},
		{"nobody probes", func(h *host) { h.Have.Probes = nil }, "Unknown NotProbed ", "Unknown NotProbed ", "Unknown NotProbed "},
		{"it is down", func(h *host) {
			h.falls("web.service", "failed", "failed", "exit-code", state.StopUnread, time.Minute)
		}, "False NotRunning " + minute, "Unknown NotRunning " + minute, "False NotRunning " + minute},
		{"not looked at", func(h *host) { delete(h.Have.Units, "web.service") }, "Unknown Unobserved ", "Unknown Unobserved ", "Unknown Unobserved "},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := night(app("web"))
			h.probed("web", startup, live, readyKind)
			c.bend(h)
			h.settle()
			d, _ := h.Describe("web", nil)
			got := map[string]string{}
			for _, is := range d.Conditions {
				at := ""
				if !is.LastTransitionTime.IsZero() {
					at = is.LastTransitionTime.Format(time.TimeOnly)
				}
				got[is.Type] = is.Status + " " + is.Reason + " " + at
				if is.Status != True && is.Message == "" && (is.Type == Ready || is.Type == Healthy || is.Type == Started) {
					t.Errorf("%s %s says nothing", is.Type, is.Status)
				}
			}
			for kind, want := range map[string]string{Ready: c.ready, Healthy: c.healthy, Started: c.started} {
				if got[kind] != want {
					t.Errorf("%s is %q, want %q", kind, got[kind], want)
				}
			}
		})
	}
}

// Of several units the first that is not well is named, and since when the first
// of them is not.
func TestConditionsOfReplicas(t *testing.T) {
	s := app("worker")
	s.Template, s.Units = "worker@.service", []string{"worker@1.service", "worker@2.service", "worker@3.service"}
	h := night(s)
	h.probed("worker", readyKind)
	for unit, ago := range map[string]time.Duration{"worker@2.service": time.Minute, "worker@3.service": time.Hour} {
		h.Have.Probes[desired.ProbeName(readyKind, unit)] = state.Fact[state.Probe]{At: h.Now, Value: state.Probe{
			Verdict: state.ProbeFailure, Since: uptime - ago, Invocation: "5c1e", Detail: unit + " is full",
		}}
	}
	d, _ := h.Describe("worker", nil)
	c := d.Conditions[len(d.Conditions)-1]
	if c.Type != Ready || c.Status != False || c.Message != "worker@2.service fails its readiness probe: worker@2.service is full" || c.LastTransitionTime.Format(time.TimeOnly) != "11:00:00" {
		t.Errorf("%+v", c)
	}
}

// An Endpoint has one condition: whether it answers as declared.
func TestConditionsOfAnEndpoint(t *testing.T) {
	h := night(app("web"))
	h.outside("up", state.Probe{Verdict: state.ProbeSuccess, Since: uptime - time.Hour})
	h.outside("down", down(time.Minute))
	h.outside("new", state.Probe{})
	h.outside("blind", state.Probe{})
	h.Have.Probes["endpoint/blind"] = state.Fact[state.Probe]{At: h.Now, Err: "network is unreachable"}
	want := map[string]string{
		"up": "Ready True ProbeSucceeded 11:00:00", "down": "Ready False EndpointDown 11:59:00",
		"new": "Ready Unknown Pending 00:00:00", "blind": "Ready Unknown Unobserved 00:00:00",
	}
	for _, o := range h.Get("Endpoint").Items {
		c := o.Status.Conditions[0]
		if got := c.Type + " " + c.Status + " " + c.Reason + " " + c.LastTransitionTime.Format(time.TimeOnly); got != want[o.Metadata.Name] || len(o.Status.Conditions) != 1 {
			t.Errorf("%s is %s, want %s", o.Metadata.Name, got, want[o.Metadata.Name])
		}
		if c.ObservedGeneration != h.Want.Revision {
			t.Errorf("%s was observed at %q", o.Metadata.Name, c.ObservedGeneration)
		}
	}
	h.Have.Probes = nil
	for _, o := range h.Get("Endpoint").Items {
		if c := o.Status.Conditions[0]; c.Status != Unknown || c.Reason != unasked {
			t.Errorf("nobody probes, and %s is %s %s", o.Metadata.Name, c.Status, c.Reason)
		}
	}
}

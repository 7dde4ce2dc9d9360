package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// pair is a host with a backend, one that can stand in for it, and the nginx that
// asks one of them.
func pair() *host {
	const upstream, standby = "/etc/nginx/upstream.conf", "/etc/nginx/upstream.standby"
	h := newHost("backend", "backend-b", "nginx")
	b := h.svc("backend-b")
	b.Spec.State = desired.Stopped
	h.unit("backend-b.service", func(u *state.Unit) { u.Active, u.Sub, u.Invocation, u.Exited = "inactive", "dead", "", time.Minute })
	delete(h.past.Ran, "backend-b.service")
	n := h.svc("nginx")
	n.Spec.Reload = true
	h.unit("nginx.service", func(u *state.Unit) { u.CanReload = true })
	for path, content := range map[string]string{upstream: "server a;", standby: "server b;"} {
		n.Files = append(n.Files, desired.Artifact{Path: path, Content: []byte(content), Digest: state.Digest([]byte(content)), Mode: 0o644, Owner: "root", Group: "root"})
		h.lies(path, content)
	}
	slices.SortFunc(n.Files, func(a, b desired.Artifact) int { return strings.Compare(a.Path, b.Path) })
	delete(h.past.Ran, "nginx.service")
	h.unit("nginx.service", func(u *state.Unit) { u.Entered = 2 * time.Minute })
	h.settle()
	h.probed("backend", desired.LivenessProbe)
	h.probed("backend-b", desired.ReadinessProbe)
	h.svc("backend").Spec.Remedies = []desired.Do{
		{Do: "failover", With: map[string]any{"to": "backend-b", "upstream": upstream, "standby": standby, "drain": "10s"}}, {Do: "escalate"},
	}
	h.want.Policy.Actions = map[string]string{"failover": desired.Auto}
	return h
}

// step does the one Step that is ready, on the host too, and says which it was.
func (h *host) step(t *testing.T) string {
	t.Helper()
	h.settle()
	p := h.make()
	ready := plan.Ready(p, h.past)
	if len(ready) == 0 {
		return ""
	}
	s := ready[0]
	h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
	h.later(100 * time.Millisecond)
	h.carryOut(s)
	h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Done}})
	h.later(100 * time.Millisecond)
	h.see()
	return fmt.Sprintf("%s.%s %s", s.Action.Actuator, s.Action.Verb, s.Action.Target)
}

// carryOut changes the host as the Step asks.
func (h *host) carryOut(s state.Step) {
	if s.Action.Actuator == "file" {
		h.have.Files[s.Action.Target] = state.Fact[state.File]{At: h.now, Value: state.File{
			Kind: state.Regular, Digest: s.Action.Args["digest"], Mode: 0o644, Owner: "root", Group: "root", Changed: h.now.Wall,
		}}
		return
	}
	h.do(s)
}

// all does steps until there is none.
func (h *host) all(t *testing.T) (did []string) {
	t.Helper()
	for range 20 {
		s := h.step(t)
		if s == "" {
			return did
		}
		did = append(did, s)
	}
	t.Fatalf("no end: %v", did)
	return nil
}

// A failover is a chain of ordinary Steps, each of which waits for what makes it
// safe; a human takes it back the same way.
func TestFailover(t *testing.T) {
	expect := func(t *testing.T, h *host, want ...string) {
		t.Helper()
		if got := h.all(t); !slices.Equal(got, want) {
			t.Fatalf("did %v, want %v; the plan is\n%s", got, want, tell(h.make()))
		}
	}
	const upstream = "/etc/nginx/upstream.conf"
	lies := func(h *host) string { return h.have.Files[upstream].Value.Digest }

	t.Run("over, and back", func(t *testing.T) {
		h := pair()
		expect(t, h) // all is well
		h.fails("backend", desired.LivenessProbe, time.Minute)
		expect(t, h, "failover.switch backend", "systemd.start backend-b.service")
		h.probe("backend-b", desired.ReadinessProbe, state.Probe{})
		h.later(time.Second)
		expect(t, h) // it is not ready yet
		h.probe("backend-b", desired.ReadinessProbe, state.Probe{Verdict: state.ProbeSuccess, Since: h.now.Up})
		expect(t, h, "file.write "+upstream, "systemd.reload nginx.service")
		if lies(h) != state.Digest([]byte("server b;")) {
			t.Fatal("the upstream file does not name the one that stands in")
		}
		h.later(5 * time.Second)
		expect(t, h) // it drains
		h.later(6 * time.Second)
		expect(t, h, "systemd.stop backend.service")
		h.has(t, "held Service/backend Escalated")
		h.later(3 * time.Hour)
		h.see()
		expect(t, h) // nothing takes it back but a human

		f := h.past.Failovers["backend"]
		f.Phase, f.Since = state.FailoverReturning, h.now
		h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteFailover, Object: "Service/backend", Failover: &f}})
		expect(t, h, "systemd.start backend.service")
		h.probe("backend", desired.LivenessProbe, state.Probe{Verdict: state.ProbeSuccess, Since: h.now.Up})
		expect(t, h, "file.write "+upstream, "systemd.reload nginx.service")
		h.later(11 * time.Second)
		expect(t, h, "systemd.stop backend-b.service")
		if len(h.past.Failovers) > 0 || lies(h) != state.Digest([]byte("server a;")) {
			t.Fatalf("not as it was: %+v", h.past.Failovers)
		}
	})
	t.Run("the one that is to stand in does not become ready: nothing is switched, and the next remedy comes", func(t *testing.T) {
		h := pair()
		h.fails("backend", desired.LivenessProbe, time.Minute)
		expect(t, h, "failover.switch backend", "systemd.start backend-b.service")
		h.probe("backend-b", desired.ReadinessProbe, state.Probe{})
		h.later(3 * time.Minute)
		h.see()
		h.fails("backend", desired.LivenessProbe, 4*time.Minute)
		expect(t, h, "systemd.stop backend-b.service")
		h.has(t, "held Service/backend Escalated")
		if lies(h) != state.Digest([]byte("server a;")) {
			t.Fatal("the upstream file was switched")
		}
	})
	t.Run("the failover is cut short: it is tried again, and is one", func(t *testing.T) {
		h := pair()
		h.fails("backend", desired.LivenessProbe, time.Minute)
		h.settle()
		s := plan.Ready(h.make(), h.past)[0]
		h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
		h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Cut}})
		if len(h.past.Failovers) > 0 {
			t.Fatal("an outcome that nobody knows moved something")
		}
		h.later(15 * time.Second)
		h.see()
		h.fails("backend", desired.LivenessProbe, time.Minute)
		h.settle()
		if len(plan.Ready(h.make(), h.past)) == 0 {
			t.Fatal(tell(h.make()))
		}
		if again := plan.Ready(h.make(), h.past)[0]; again.ID != s.ID {
			t.Fatalf("want %s again, got %s %s", s.ID, again.ID, again.Action)
		}
		expect(t, h, "failover.switch backend", "systemd.start backend-b.service")
	})
	t.Run("the one that stands in dies before the other is stopped: that goes on", func(t *testing.T) {
		h := pair()
		h.fails("backend", desired.LivenessProbe, time.Minute)
		h.all(t)
		h.probe("backend-b", desired.ReadinessProbe, state.Probe{Verdict: state.ProbeSuccess, Since: h.now.Up})
		h.all(t)
		h.later(20 * time.Second)
		h.see()
		h.fails("backend-b", desired.ReadinessProbe, time.Second)
		h.settle()
		h.hasNot(t, "systemd.stop backend.service")
		h.has(t, "held Service/backend DependencySick")
	})
}

// Scaling moves how many instances are wanted, within bounds, until the sickness
// that asked for it is over.
func TestScale(t *testing.T) {
	h := newHost("db")
	s := h.svc("db")
	s.Name, s.Units, s.Spare, s.Template = "w", []string{"w@1.service"}, []string{"w@2.service", "w@3.service"}, "w@.service"
	s.Spec.Replicas = &desired.Replicas{Min: 1, Max: 3}
	s.UnitFile = nil
	h.past = state.NewPast()
	for _, u := range []string{"w@1.service", "w@2.service", "w@3.service"} {
		h.unit(u, func(*state.Unit) {})
		for _, dir := range []string{"/etc/systemd/system/", "/run/systemd/system/"} {
			h.have.Dirs[dir+u+".d"] = state.Fact[state.Dir]{At: t0}
			h.have.Dirs[dir+"w@.service.d"] = state.Fact[state.Dir]{At: t0}
		}
	}
	for _, u := range s.Spare {
		h.unit(u, func(u *state.Unit) { u.Active, u.Sub, u.Invocation = "inactive", "dead", "" })
	}
	h.settle()
	if got := h.all(t); len(got) > 0 {
		t.Fatalf("did %v before anything happened", got)
	}
	c := h.past.NewCase("Service/w", "w@1.service", state.Alert, h.now)
	h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteCase, Object: "Service/w", Case: &c}})
	h.past.Scales["Service/w"] = state.Scale{Object: "Service/w", To: 9, Case: c.ID}
	if got := h.all(t); !slices.Equal(got, []string{"systemd.start w@2.service", "systemd.start w@3.service"}) {
		t.Fatalf("did %v", got)
	}
	h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteHealed, Object: "Service/w", Case: &c}})
	got := h.all(t)
	for _, u := range []string{"systemd.stop w@2.service", "systemd.stop w@3.service"} {
		if !slices.Contains(got, u) {
			t.Fatalf("did %v, want %s", got, u)
		}
	}
}

// What runs by a scale or a failover is read, and what another stands in for is not
// once it is stopped.
func TestTargets(t *testing.T) {
	target := func(service, unit string) desired.Target {
		return desired.Target{Job: service, Instance: unit, Object: "Service/" + service, Unit: unit}
	}
	spec := func(s string) desired.ServiceSpec { return desired.ServiceSpec{State: s} }
	want := &desired.Set{
		Services: []desired.Service{
			{Name: "a", Units: []string{"a.service"}, Spec: spec(desired.Running), Targets: []desired.Target{target("a", "a.service")}},
			{Name: "b", Units: []string{"b.service"}, Spec: spec(desired.Stopped), SpareTargets: []desired.Target{target("b", "b.service")}},
			{
				Name: "w", Template: "w@.service", Units: []string{"w@1.service"}, Spare: []string{"w@2.service", "w@3.service"}, Spec: spec(desired.Running),
				Targets: []desired.Target{target("w", "w@1.service")}, SpareTargets: []desired.Target{target("w", "w@2.service"), target("w", "w@3.service")},
			},
		},
		Targets: []desired.Target{{Job: "node", Collector: "node"}, target("a", "a.service"), target("w", "w@1.service")},
	}
	stands := func(p state.Phase) *state.Past {
		return &state.Past{Failovers: map[string]state.Failover{"a": {Service: "a", To: "b", Phase: p}}}
	}
	scaled := func(n int) *state.Past {
		return &state.Past{Scales: map[string]state.Scale{"Service/w": {Object: "Service/w", To: n}}}
	}
	for name, c := range map[string]struct {
		past *state.Past
		want string
	}{
		"as declared":              {&state.Past{}, "a.service w@1.service"},
		"scaled by one":            {scaled(2), "a.service w@1.service w@2.service"},
		"scaled beyond the most":   {scaled(9), "a.service w@1.service w@2.service w@3.service"},
		"one begins to stand in":   {stands(state.FailoverStarting), "a.service b.service w@1.service"},
		"one stands in":            {stands(state.FailoverDone), "b.service w@1.service"},
		"it is taken back":         {stands(state.FailoverReturning), "a.service b.service w@1.service"},
		"scaled, of no such thing": {&state.Past{Scales: map[string]state.Scale{"Service/x": {To: 3}}}, "a.service w@1.service"},
	} {
		var units []string
		for _, t := range plan.Targets(want, c.past) {
			if t.Unit != "" {
				units = append(units, t.Unit)
			}
		}
		if got := strings.Join(units, " "); got != c.want {
			t.Errorf("%s: read are %s, want %s", name, got, c.want)
		}
	}
	if len(want.Targets) != 3 {
		t.Errorf("what is declared was changed: %v", want.Targets)
	}
}

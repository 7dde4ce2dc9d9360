package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// A human's stop is respected as long as declared, then the service is started;
// a human who starts it earlier ends the hold.
func TestManualStop(t *testing.T) {
	h := newHost("web")
	h.unit("web.service", func(u *state.Unit) { u.Active, u.Sub, u.Stop = "inactive", "dead", state.StopByJob })
	p := h.make()
	if p.Held[0].Reason != state.ManualStop || p.Held[0].Until == nil || p.Held[0].Until.Up != h.now.Up+time.Hour {
		t.Fatalf("plan:\n%s", tell(p))
	}
	h.fold(p)
	h.later(59 * time.Minute)
	h.see()
	if d := cmp.Diff("held Service/web ManualStop\n", tell(h.make())); d != "" {
		t.Errorf("before the hold ends (-want +got):\n%s", d)
	}
	h.later(2 * time.Minute)
	h.see()
	p = h.make()
	if d := cmp.Diff("Service/web systemd.start web.service NotRunning\n", tell(p)); d != "" {
		t.Errorf("after the hold (-want +got):\n%s", d)
	}
	fixpoint(t, h, p)
}

// A unit that a human stops while it starts has never exited since evenkeel's own
// last stop of it, nor since it was given back: that it changed tells.
func TestAStopBeforeItHasComeUp(t *testing.T) {
	for name, before := range map[string]func(h *host){
		"evenkeel had stopped it": func(h *host) {
			h.past.Stopped["web.service"] = state.Time{Wall: boot0, Up: 5 * time.Minute, Boot: "b1"}
		},
		"a human had given it back": func(h *host) {
			h.past.Resumed["Service/web"] = state.Time{Wall: boot0, Up: 5 * time.Minute, Boot: "b1"}
		},
		"neither, and it had run on": func(*host) {},
	} {
		h := newHost("web")
		before(h)
		h.unit("web.service", func(u *state.Unit) {
			u.Active, u.Sub, u.Exited, u.Changed, u.Stop = "inactive", "dead", 4*time.Minute, 9*time.Minute, state.StopByJob
		})
		h.settle()
		if got := tell(h.make()); got != "held Service/web ManualStop\n" {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

// A shutdown stops every unit: what goes down after the last look at the host is
// nobody's stop until the host was looked at again.
func TestAShutdownIsNobodysStop(t *testing.T) {
	down := func(u *state.Unit) {
		u.Active, u.Sub, u.Exited, u.Stop = "inactive", "dead", t0.Up+time.Second, state.StopByJob
	}
	job := func(u *state.Unit) {
		u.Active, u.Sub, u.Job = "deactivating", "stop-sigterm", state.Job{ID: 7, Type: "stop"}
		u.Changed = t0.Up
	}
	for name, c := range map[string]struct {
		unit   func(*state.Unit)
		looked time.Duration // at the host, after the unit was seen
		system string
		want   string
	}{
		"a unit is down, the host not looked at":         {down, -time.Minute, "running", "held Service/web Unobserved\ngap Host/app-1 host:\n"},
		"a stop is queued, the host not looked at":       {job, -time.Minute, "running", "held Service/web SystemdActing\ngap Host/app-1 host:\n"},
		"a unit is down, and the host is shutting down":  {down, time.Second, "stopping", "held Service/web HostStopping\n"},
		"a stop is queued, as the host is shutting down": {job, time.Second, "stopping", "held Service/web SystemdActing\n"},
		"a unit is down, and the host is not":            {down, time.Second, "running", "held Service/web ManualStop\n"},
		"a stop is queued, and the host shuts nothing":   {job, time.Second, "running", "held Service/web ManualStop\n"},
		"a unit fails, which no shutdown makes it wait for": {func(u *state.Unit) {
			u.Active, u.Sub, u.Result, u.Exited = "failed", "failed", "signal", t0.Up+time.Second
		}, -time.Minute, "running", "Service/web systemd.start web.service Failed charged\n"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost("web")
			h.later(2 * time.Second)
			h.see()
			h.unit("web.service", c.unit)
			h.have.Host.At = h.now.Add(c.looked)
			h.have.Host.Value.System = c.system
			h.later(2 * time.Second)
			p := h.make()
			if d := cmp.Diff(c.want, tell(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			for _, n := range p.Notes {
				if n.Kind == state.NoteHold && !strings.Contains(c.want, "ManualStop") {
					t.Errorf("noted: %+v", n.Hold)
				}
			}
		})
	}
}

// A unit that systemd stopped because another one was started, which conflicts
// with it, is held like one that a human stopped: somebody wanted the other one.
// The hold names it, also while the stop is under way.
func TestStoppedForAnotherUnit(t *testing.T) {
	for name, down := range map[string]func(u *state.Unit){
		"stopped":       func(u *state.Unit) { u.Active, u.Sub = "inactive", "dead" },
		"being stopped": func(u *state.Unit) { u.Active, u.Job = "deactivating", state.Job{ID: 7, Type: "stop"} },
	} {
		h := newHost("web")
		h.unit("web.service", func(u *state.Unit) {
			down(u)
			u.Stop, u.StoppedFor = state.StopByConflict, "foe.service"
		})
		p := h.make()
		const want = "web.service was stopped because foe.service was started, and only one of them can run; " +
			"it is started again after 1h, or at once by: systemctl start web.service"
		if len(p.Held) != 1 || p.Held[0].Reason != state.ManualStop || p.Held[0].Detail != want {
			t.Errorf("%s:\n%s%+v", name, tell(p), p.Held)
		}
	}
}

// A start or restart of ours that somebody cancels, and after which the unit is down,
// was called off, whatever the journal has of it: until it has run again, or the
// human's word is over.
func TestCalledOff(t *testing.T) {
	canceled := func(h *host, verb string) {
		st := state.Step{ID: "s", Object: "Service/web", Action: actuators.Action{Actuator: "systemd", Verb: verb, Target: "web.service"}}
		h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: st}})
		h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: "s", Status: state.StepRefused, Kind: state.Canceled}})
	}
	down := func(h *host, at time.Duration, cause state.StopCause) {
		h.unit("web.service", func(u *state.Unit) { isDown(u); u.Exited, u.Changed, u.Stop = at, at, cause })
	}
	const start = "Service/web systemd.start web.service NotRunning charged\n"
	for _, c := range []struct {
		name string
		set  func(h *host)
		want string
	}{
		{"between the halves of a restart", func(h *host) { canceled(h, "restart"); down(h, h.now.Up, state.StopByExit) }, "held Service/web ManualStop\n"},
		{"it failed over it, a moment later", func(h *host) {
			canceled(h, "restart")
			h.unit("web.service", func(u *state.Unit) { hasFailed(u); u.Exited, u.Rested = h.now.Up+1, h.now.Up+1 })
		}, "held Service/web ManualStop\n"},
		{"a start that had not begun", func(h *host) { canceled(h, "start"); down(h, 9*time.Minute, state.StopByExit) }, "held Service/web ManualStop\n"},
		{"of what had failed", func(h *host) {
			canceled(h, "start")
			h.unit("web.service", hasFailed)
		}, "held Service/web ManualStop\n"},
		{"it has run since, and ended", func(h *host) {
			canceled(h, "restart")
			h.later(time.Minute)
			h.see()
			down(h, h.now.Up, state.StopByExit)
			h.unit("web.service", func(u *state.Unit) { u.Entered = h.now.Up - time.Second })
		}, start},
		{"it was refused, not called off", func(h *host) {
			st := state.Step{ID: "s", Object: "Service/web", Action: actuators.Action{Actuator: "systemd", Verb: "restart", Target: "web.service"}}
			h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: st}})
			h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: "s", Status: state.StepRefused, Kind: "conflict"}})
			down(h, h.now.Up, state.StopByExit)
		}, start},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("web")
			c.set(h)
			h.later(2 * time.Second) // what failed just now is tried no earlier
			h.see()
			p := h.make()
			if d := cmp.Diff(c.want, tell(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			if c.want == start {
				return
			}
			h.fold(p)
			h.later(time.Hour)
			h.see()
			p = h.make()
			if len(p.Steps) != 1 || len(p.Held) > 0 {
				t.Errorf("the hold is over, and the plan is\n%s", tell(p))
			}
			h.fold(p)
			if p = h.make(); len(p.Steps) != 1 || len(p.Held) > 0 {
				t.Errorf("it is respected once more:\n%s", tell(p))
			}
		})
	}
}

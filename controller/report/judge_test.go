package report

import (
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// only is a host with one service, which a case bends.
func only(bend func(h *host)) Row {
	h := newHost(app("x"))
	bend(h)
	return h.board().Status.Services[0]
}

func hold(r state.Reason, info bool) func(*host) {
	return func(h *host) {
		h.hold(state.Held{Object: "Service/x", Unit: "x.service", Reason: r, Detail: "why", Info: info})
	}
}

// Each reason for holding something that differs, and the word for it. A reason
// that is new must find its place here.
func TestStateOfEachReason(t *testing.T) {
	want := map[state.Reason]State{
		state.ObserveOnly: HELD, state.Suspended: HELD, state.ManualStop: HELD, state.Masked: HELD, state.DependencySick: HELD,
		state.OutsideWindow: HELD, state.AwaitingApproval: HELD, state.Protected: HELD, state.NotAllowed: HELD, state.PackageManager: HELD,
		state.HostStarting: HELD, state.HostStopping: HELD, state.KillSwitch: HELD, state.NewVersion: HELD, state.StoreUntrusted: HELD,
		state.Shrunk: HELD, state.DriftHold: HELD, state.SystemdActing: HELD, state.Quarantined: HELD, state.SourceRefused: HELD,
		state.DesiredInvalid: HELD, state.Overlap: HELD, state.Rolling: HELD, state.TaskDue: HELD, state.ByHand: HELD,

		state.Escalated: FAIL, state.BudgetSpent: FAIL, state.RemedyWorse: FAIL, state.TooManySick: FAIL,
		state.Backoff: FAIL, state.InProgress: FAIL, state.Verifying: FAIL, state.Internal: FAIL, state.Interrupted: FAIL,
		state.NotRunning: FAIL, state.Failed: FAIL, state.StuckActivating: FAIL, state.StuckDeactivating: FAIL, state.LivenessFailed: FAIL,
		state.WrongService: FAIL, state.NotStopped: FAIL, state.StartLimitHit: FAIL, state.Flapping: FAIL, state.UnitInvalid: FAIL,
		state.EndpointDown: FAIL, state.RevisionBad: FAIL,

		state.PendingRestart: WARN, state.NotReady: WARN, state.Alert: WARN, state.UnitFileDrift: WARN, state.ForeignDropIn: WARN, state.DaemonReloadNeeded: WARN,
		state.NotEnabled: WARN, state.FileDrift: WARN, state.StaleProcess: WARN, state.BootDrift: WARN, state.ReleaseDrift: WARN, state.NotDeclared: WARN,

		state.Unobserved: UNKNOWN,
	}
	for r := range state.Reasons {
		got := only(hold(r, false))
		if got.State != want[r] || got.Reason != r || got.Detail != "why" {
			t.Errorf("held by %s: %s %s %q, want %s", r, got.State, got.Reason, got.Detail, want[r])
		}
	}
}

func TestState(t *testing.T) {
	step := func(r state.Reason) func(*host) {
		return func(h *host) {
			h.steps(systemd("s", "Service/x", "start", "x.service", r, actuators.Benign))
		}
	}
	sick := func(h *host) {
		h.unit("x.service", state.Unit{Load: "loaded", Active: "failed", Sub: "failed", Boot: "enabled"})
	}
	gap := func(name string) func(*host) {
		return func(h *host) {
			h.Plan.Gaps = append(h.Plan.Gaps, state.Gap{Object: "Service/x", Source: state.Ref{Kind: state.RefUnit, Name: name}, Detail: "unreadable"})
		}
	}
	for _, c := range []struct {
		name   string
		bend   []func(*host)
		state  State
		reason state.Reason
	}{
		{"as declared and well", nil, OK, ""},
		{"a step will mend it", []func(*host){step(state.NotRunning)}, FAIL, state.NotRunning},
		{"drift that is about to be healed", []func(*host){step(state.FileDrift)}, FAIL, state.FileDrift},
		{"what is sick is named before what drifts", []func(*host){step(state.FileDrift), step(state.Failed)}, FAIL, state.Failed},
		{"what a human asked for is no failure", []func(*host){step(state.ByHand)}, OK, ""},
		{"a step without effect is none", []func(*host){func(h *host) {
			h.steps(systemd("n", "Service/x", "send", "", state.Alert, actuators.None))
		}}, OK, ""},
		{"a hold on what is well is named", []func(*host){hold(state.Suspended, true)}, OK, state.Suspended},
		{"a hold is named before what is wrong", []func(*host){step(state.FileDrift), hold(state.OutsideWindow, false)}, FAIL, state.OutsideWindow},
		{"the first hold decides", []func(*host){sick, hold(state.BudgetSpent, false), hold(state.Suspended, false)}, HELD, state.Suspended},
		{"drift in mode warn", []func(*host){hold(state.ForeignDropIn, false)}, WARN, state.ForeignDropIn},
		{"drift in mode warn beside a failure", []func(*host){hold(state.ForeignDropIn, false), step(state.NotRunning)}, FAIL, state.NotRunning},
		{"a restart that waits, though nothing may be done", []func(*host){hold(state.PendingRestart, true)}, WARN, state.PendingRestart},
		{"a gap", []func(*host){gap("x.service")}, UNKNOWN, state.Unobserved},
		{"a gap hides no failure", []func(*host){gap("/etc/x"), step(state.NotRunning)}, FAIL, state.NotRunning},
		{"a gap beside a hold", []func(*host){gap("x.service"), hold(state.Suspended, true)}, UNKNOWN, state.Suspended},
		{"never looked at", []func(*host){func(h *host) { h.Have = state.World{} }}, UNKNOWN, state.Unobserved},
		{"systemd restarts it again and again", []func(*host){func(h *host) {
			h.unit("x.service", state.Unit{Load: "loaded", Active: "activating", Sub: "auto-restart"})
		}, hold(state.SystemdActing, false)}, FAIL, state.SystemdActing},
		{"a reload that its unit waits for", []func(*host){func(h *host) {
			u := up()
			u.NeedReload = true
			h.unit("x.service", u)
			h.steps(systemd("d", "Host/app-1", "daemon-reload", "", state.DaemonReloadNeeded, actuators.Benign))
		}}, FAIL, state.DaemonReloadNeeded},
		{"a reload for others", []func(*host){func(h *host) {
			h.steps(systemd("d", "Host/app-1", "daemon-reload", "", state.DaemonReloadNeeded, actuators.Benign))
		}}, OK, ""},
		{"ignored, but failed", []func(*host){sick, func(h *host) { h.Want.Services[0].Spec.State = desired.Ignored }}, WARN, state.Failed},
		{"holds and steps of others", []func(*host){func(h *host) {
			h.steps(systemd("s", "Service/y", "start", "y.service", state.Failed, actuators.Benign))
			h.hold(state.Held{Object: "Service/y", Reason: state.Suspended})
		}}, OK, ""},
	} {
		got := only(func(h *host) {
			for _, b := range c.bend {
				b(h)
			}
		})
		if got.State != c.state || got.Reason != c.reason {
			t.Errorf("%s: %s %q, want %s %q", c.name, got.State, got.Reason, c.state, c.reason)
		}
	}
}

// A hold or gap that is about some replicas leaves the others alone; one that
// is about the template is about all.
func TestStateOfReplicas(t *testing.T) {
	for _, c := range []struct {
		name string
		bend func(h *host)
		want [3]State
	}{
		{"two holds that were joined", func(h *host) {
			h.hold(state.Held{Object: "Service/worker", Reason: state.ManualStop, Detail: "somebody stopped worker@1.service; somebody stopped worker@3.service"})
		}, [3]State{HELD, OK, HELD}},
		{"a drop-in of the template", func(h *host) {
			h.hold(state.Held{Object: "Service/worker", Unit: "worker@.service", Reason: state.ForeignDropIn, Detail: "worker@.service.d/x.conf was not declared"})
		}, [3]State{WARN, WARN, WARN}},
		{"a gap of one", func(h *host) {
			h.Plan.Gaps = append(h.Plan.Gaps, state.Gap{Object: "Service/worker", Source: state.Ref{Kind: state.RefUnit, Name: "worker@2.service"}})
		}, [3]State{OK, UNKNOWN, OK}},
		{"a file that all of them read", func(h *host) {
			h.steps(write(h.Want.Services[0], *artifact("/etc/w", nil, 0o644), state.FileDrift, "x"))
		}, [3]State{FAIL, FAIL, FAIL}},
		{"a start of one", func(h *host) {
			h.steps(systemd("s", "Service/worker", "start", "worker@3.service", state.NotRunning, actuators.Benign))
		}, [3]State{OK, OK, FAIL}},
	} {
		s := app("worker")
		s.Template, s.Units = "worker@.service", []string{"worker@1.service", "worker@2.service", "worker@3.service"}
		h := newHost(s)
		c.bend(h)
		for i, r := range h.board().Status.Services {
			if r.State != c.want[i] {
				t.Errorf("%s: %s is %s, want %s", c.name, r.Name, r.State, c.want[i])
			}
		}
	}
}

func TestHealthyIsFalseOnFailAlone(t *testing.T) {
	for name, want := range map[string]bool{
		"in-sync": true, "drift-warn": true, "gap": true, "nothing-known": true, "suspended-healthy": true, "pending-restart": true, "unready": true,
		"drift": false, "first-apply": false, "gave-up": false, "replicas": false, "not-well": false,
	} {
		if got := cases[name]().board().Status.Healthy; got != want {
			t.Errorf("%s: healthy is %t", name, got)
		}
	}
	s := newHost(app("x"))
	s.hold(state.Held{Object: "Service/x", Reason: state.Suspended, Until: until(time.Hour)})
	if b := s.board(); !b.Status.Healthy || b.Status.Count(HELD) != 1 {
		t.Errorf("held: %+v", b.Status)
	}
}

package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Each case says how a host differs from one that is as declared, and what the
// plan for it is.
func TestMake(t *testing.T) {
	const unit = "web.service"
	down := func(u *state.Unit) {
		u.Active, u.Sub, u.MainPID, u.Exited, u.Changed = "inactive", "dead", 0, 9*time.Minute, 9*time.Minute
	}
	failed := func(u *state.Unit) {
		down(u)
		u.Active, u.Sub, u.Result = "failed", "failed", "signal"
	}
	cases := []struct {
		name string
		make func(h *host)
		want string
	}{
		{"as declared: nothing", func(*host) {}, ""},

		// state
		{
			"failed: it is started, and charged", func(h *host) { h.unit(unit, failed) },
			"Service/web systemd.start web.service NotRunning->Failed",
		},
		{"ended by itself: it is started", func(h *host) {
			h.unit(unit, func(u *state.Unit) { down(u); u.Stop = state.StopByExit })
		}, "Service/web systemd.start web.service NotRunning charged\n"},
		{"never ran here: started, and not charged", func(h *host) {
			h.past.Ran = map[string]state.Ran{}
			h.unit(unit, down)
		}, "Service/web systemd.start web.service NotRunning\n"},
		{"stopped by a human: held", func(h *host) {
			h.unit(unit, func(u *state.Unit) { down(u); u.Stop = state.StopByJob })
		}, "held Service/web ManualStop\n"},
		{"stopped by a human, and failed over it: held", func(h *host) {
			h.unit(unit, func(u *state.Unit) { failed(u); u.Result, u.Stop = "exit-code", state.StopByJob })
		}, "held Service/web ManualStop\n"},
		{"a start of ours that a human cut off by a stop: held", func(h *host) {
			h.past.Ran = map[string]state.Ran{}
			h.past.Failures[state.StartKey("Service/web", unit)] = state.Failure{Count: 1, At: t0.Add(-time.Minute)}
			h.unit(unit, func(u *state.Unit) { failed(u); u.Entered, u.Exited, u.Rested, u.Stop = 0, 0, t0.Up, state.StopByJob })
		}, "held Service/web ManualStop\n"},
		{"a start of ours that failed by itself: tried again", func(h *host) {
			h.past.Failures[state.StartKey("Service/web", unit)] = state.Failure{Count: 1, At: t0.Add(-time.Minute)}
			h.unit(unit, func(u *state.Unit) { failed(u); u.Stop = state.StopByExit })
		}, "Service/web systemd.start web.service Failed charged\n"},
		{"failed, and the journal is silent: it was nobody", func(h *host) {
			h.unit(unit, func(u *state.Unit) { failed(u); u.Stop = state.StopNoSign })
		}, "Service/web systemd.start web.service Failed charged\n"},
		{"inactive, and the journal is silent: it was a human", func(h *host) {
			h.unit(unit, func(u *state.Unit) { down(u); u.Stop = state.StopNoSign })
		}, "held Service/web ManualStop\n"},
		{"a human's stop job is queued: held", func(h *host) {
			h.unit(unit, func(u *state.Unit) {
				u.Active, u.Sub, u.Job, u.Changed = "deactivating", "stop-sigterm", state.Job{ID: 7, Type: "stop"}, 10*time.Minute
			})
		}, "held Service/web ManualStop\n"},
		{"deactivating: systemd is at work", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.Active, u.Sub, u.Changed = "deactivating", "stop-sigterm", 10*time.Minute })
		}, "held Service/web SystemdActing\n"},
		{"systemd restarts it: auto-restart is not stuck", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.Active, u.Sub, u.Changed = "activating", "auto-restart", time.Minute })
		}, "held Service/web SystemdActing\n"},
		{"activating for a while: left alone", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.Active, u.Sub, u.Changed = "activating", "start", 6*time.Minute })
		}, "held Service/web SystemdActing\n"},
		{"activating for too long: restarted", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.Active, u.Sub, u.Changed = "activating", "start", 4*time.Minute })
		}, "Service/web systemd.restart web.service StuckActivating charged\n"},
		{"activating for too long, and what it requires is restarted: it may come up by itself", func(h *host) {
			h.add("db")
			h.svc("web").Requires = []string{"db"}
			h.want.Services[0], h.want.Services[1] = h.want.Services[1], h.want.Services[0]
			h.redeclare("db", "unit db v2")
			h.unit(unit, func(u *state.Unit) { u.Active, u.Sub, u.Changed = "activating", "start", 4*time.Minute })
		}, "Service/db file.write /etc/systemd/system/db.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\n" +
			"Service/db systemd.restart db.service StaleProcess after [1 2]\nheld Service/web DependencySick\n"},
		{"activating for too long, and somebody's job waits for it: told", func(h *host) {
			h.unit(unit, func(u *state.Unit) {
				u.Active, u.Sub, u.Changed, u.Job = "activating", "start", 4*time.Minute, state.Job{ID: 7, Type: "start"}
			})
		}, "held Service/web StuckActivating\n"},
		{"declared stopped, and somebody's job for it is queued: left alone however long it has been active", func(h *host) {
			h.svc("web").Spec.State = desired.Stopped
			h.unit(unit, func(u *state.Unit) { u.Changed, u.Job = time.Minute, state.Job{ID: 7, Type: "reload"} })
		}, "held Service/web SystemdActing\n"},
		{"deactivating for too long: told, not killed", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.Active, u.Sub, u.Changed = "deactivating", "stop-sigterm", 4*time.Minute })
		}, "held Service/web StuckDeactivating\n"},
		{"oneshot that has done its work may be inactive", func(h *host) {
			h.unit(unit, func(u *state.Unit) { down(u); u.Type = "oneshot" })
		}, ""},
		{"oneshot that failed may not", func(h *host) {
			h.unit(unit, func(u *state.Unit) { failed(u); u.Type, u.Result = "oneshot", "exit-code" })
		}, "Service/web systemd.start web.service Failed charged\n"},
		{"what a timer starts may be inactive", func(h *host) {
			h.unit(unit, func(u *state.Unit) { down(u); u.TriggeredBy = []string{"web.timer"} })
		}, ""},
		{"the start limit was hit: reset, then started", func(h *host) {
			h.unit(unit, func(u *state.Unit) { failed(u); u.Result = "start-limit-hit" })
		}, "Service/web systemd.reset-failed web.service StartLimitHit\nService/web systemd.start web.service Failed after [1] charged\n"},
		{"the start limit was hit after a failure, whose result stays: reset, then started", func(h *host) {
			h.unit(unit, func(u *state.Unit) { failed(u); u.Rested = u.Changed - time.Second })
		}, "Service/web systemd.reset-failed web.service StartLimitHit\nService/web systemd.start web.service Failed after [1] charged\n"},
		{"the start limit was hit by what never ran: charged, too", func(h *host) {
			h.past.Ran, h.past.Started = map[string]state.Ran{}, map[string]state.Time{}
			h.unit(unit, func(u *state.Unit) { failed(u); u.Result = "start-limit-hit" })
		}, "Service/web systemd.reset-failed web.service StartLimitHit\nService/web systemd.start web.service Failed after [1] charged\n"},
		{"the start limit was reset, of what never ran: the start is charged", func(h *host) {
			h.past.Ran, h.past.Started = map[string]state.Ran{}, map[string]state.Time{}
			h.past.Stopped[unit] = t0
			h.unit(unit, down)
		}, "Service/web systemd.start web.service NotRunning charged\n"},
		{"the start limit was hit, and our own is spent: nothing is reset", func(h *host) {
			h.past.Charges[unit] = []state.Time{t0, t0, t0}
			h.unit(unit, func(u *state.Unit) { failed(u); u.Result = "start-limit-hit" })
		}, "held Service/web BudgetSpent\nheld Service/web Backoff\n"},
		{"the start limit was hit, and policy asks for approval of the reset: no start that would be refused", func(h *host) {
			h.want.Policy.Actions = map[string]string{"reset-failed": desired.Approve}
			h.unit(unit, func(u *state.Unit) { failed(u); u.Result = "start-limit-hit" })
		}, "held Service/web AwaitingApproval\n"},
		{
			"declared stopped, and active: stopped", func(h *host) { h.svc("web").Spec.State = desired.Stopped },
			"Service/web systemd.stop web.service NotStopped\n",
		},
		{"declared stopped, and inactive: nothing", func(h *host) {
			h.svc("web").Spec.State = desired.Stopped
			h.unit(unit, down)
		}, ""},
		{"state ignored: nothing", func(h *host) {
			h.svc("web").Spec.State = desired.Ignored
			h.unit(unit, failed)
		}, ""},
		{"unknown to systemd, file not ours: invalid", func(h *host) {
			h.svc("web").UnitFile, h.svc("web").Install = nil, nil
			h.past.Ran = map[string]state.Ran{}
			h.unit(unit, func(u *state.Unit) { down(u); u.Load, u.Boot = "not-found", "not-found" })
		}, "held Service/web UnitInvalid\n"},

		// links
		{"disabled by hand: enabled again, and loaded", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.Boot = "disabled" })
		}, "Service/web systemd.enable web.service NotEnabled\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\n"},
		{"a generator's links count as enabled", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.Boot = "enabled-runtime" })
		}, ""},
		{"static where the file is not ours, declared enabled: a gap", func(h *host) {
			s := h.svc("web")
			s.UnitFile, s.Install, s.Spec.Boot = nil, nil, desired.Enabled
			h.past.Ran[unit] = state.Ran{Invocation: "i1-web.service"}
			h.unit(unit, func(u *state.Unit) { u.Boot = "static" })
		}, "gap Service/web unit:web.service\n"},
		{"masked by a human: the mask stands", func(h *host) {
			h.unit(unit, func(u *state.Unit) { down(u); u.Load, u.Boot = "masked", "masked" })
			h.have.Files["/etc/systemd/system/web.service"] = state.Fact[state.File]{At: t0, Value: state.File{Kind: state.Symlink, Link: "/dev/null"}}
		}, "held Service/web Masked\n"},
		{
			"declared disabled: disabled", func(h *host) { h.svc("web").Spec.Boot = desired.Disabled },
			"Service/web systemd.disable web.service BootDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\n",
		},

		// files
		{"unit file edited: put back, loaded; the process is as it was", func(h *host) {
			h.lies("/etc/systemd/system/web.service", "edited")
		}, "Service/web file.write /etc/systemd/system/web.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\n"},
		{"unit file declared anew: written, loaded, restarted", func(h *host) {
			h.redeclare("web", "unit web v2")
		}, "Service/web file.write /etc/systemd/system/web.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\nService/web systemd.restart web.service StaleProcess after [1 2]\n"},
		{"a declared file is no longer declared, and was created by us: removed", func(h *host) {
			h.lies("/etc/web.env", "old")
			h.past.Owned["/etc/web.env"] = state.Owned{Object: "Service/web", Digest: state.Digest([]byte("old")), Created: true}
		}, "Service/web file.remove /etc/web.env NotDeclared\n"},
		{"a declared file is no longer declared, and was there before us: left", func(h *host) {
			h.lies("/etc/web.env", "old")
			h.past.Owned["/etc/web.env"] = state.Owned{Object: "Service/web", Digest: state.Digest([]byte("old"))}
		}, ""},
		{"declared masked: the unit file makes room for the mask", func(h *host) {
			h.owned("web")
			h.svc("web").Spec.Boot = desired.Masked
		}, "Service/web file.remove /etc/systemd/system/web.service BootDrift\nService/web systemd.mask web.service BootDrift after [1]\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1 2]\n"},
		{"declared masked, and the file is not ours: held", func(h *host) {
			h.svc("web").Spec.Boot = desired.Masked
			h.lies("/etc/systemd/system/web.service", "a human's")
		}, "held Service/web NotAllowed\n"},
		{"owner and group by number are owner and group", func(h *host) {
			h.svc("web").UnitFile.Owner, h.svc("web").UnitFile.Group = "0", "0"
		}, ""},
		{"systemd says that it needs a reload", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.NeedReload = true })
		}, "Host/app-1 systemd.daemon-reload  DaemonReloadNeeded\n"},
		{"the file is newer than what is loaded, whatever systemd says", func(h *host) {
			h.changed("/etc/systemd/system/web.service", boot0.Add(5*time.Minute))
		}, "Host/app-1 systemd.daemon-reload  DaemonReloadNeeded\n"},
		{"a change time in the future asks for nothing", func(h *host) {
			h.changed("/etc/systemd/system/web.service", boot0.Add(time.Hour))
		}, ""},
		{
			"a foreign drop-in, to be warned of", func(h *host) { h.dropIn("web", "90-x.conf") },
			"held Service/web ForeignDropIn\n",
		},
		{"a foreign drop-in, to be removed", func(h *host) {
			h.svc("web").Spec.ForeignDropIns = desired.Enforce
			h.dropIn("web", "90-x.conf")
		}, "Service/web file.remove /etc/systemd/system/web.service.d/90-x.conf ForeignDropIn\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\n"},
		{"an accepted drop-in is nobody's drift", func(h *host) {
			h.svc("web").Spec.AcceptDropIns = []string{"90-x.conf"}
			h.dropIn("web", "90-x.conf")
		}, ""},
		{"a change that is merely told of is not loaded either", func(h *host) {
			h.dropIn("web", "90-x.conf")
			h.unit(unit, func(u *state.Unit) { u.NeedReload = true })
		}, "held Service/web ForeignDropIn\n"},
		{"drift is ignore", func(h *host) {
			h.svc("web").Spec.Drift.Mode = desired.Ignore
			h.owned("web")
			h.lies("/etc/systemd/system/web.service", "edited")
		}, ""},
		{"drift is warn", func(h *host) {
			h.svc("web").Spec.Drift.Mode = desired.Warn
			h.owned("web")
			h.lies("/etc/systemd/system/web.service", "edited")
		}, "held Service/web UnitFileDrift\n"},
		{"drift is warn, but the declaration moved", func(h *host) {
			h.svc("web").Spec.Drift.Mode = desired.Warn
			h.owned("web")
			h.redeclare("web", "unit web v2")
		}, "Service/web file.write /etc/systemd/system/web.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\nService/web systemd.restart web.service StaleProcess after [1 2]\n"},
		{"something else than a file lies there: not replaced", func(h *host) {
			h.have.Files["/etc/systemd/system/web.service"] = state.Fact[state.File]{At: t0, Value: state.File{Kind: state.Symlink, Link: "/opt/web.service"}}
		}, "held Service/web NotAllowed\n"},

		// who may
		{
			"policy observes", func(h *host) { h.want.Policy.Mode = desired.Observe; h.unit(unit, failed) },
			"held Service/web ObserveOnly\n",
		},
		{"management is repair: the dead are started, files are left", func(h *host) {
			h.svc("web").Spec.Management = desired.Repair
			h.lies("/etc/systemd/system/web.service", "edited")
			h.unit(unit, failed)
		}, "Service/web systemd.start web.service Failed charged\nheld Service/web ObserveOnly\n"},
		{
			"policy does not know the unit", func(h *host) { h.want.Policy.Units = []string{"db*"}; h.unit(unit, failed) },
			"held Service/web NotAllowed\n",
		},
		{"policy asks for approval", func(h *host) {
			h.want.Policy.Actions = map[string]string{"start": desired.Approve}
			h.unit(unit, failed)
		}, "held Service/web AwaitingApproval\n"},
		{
			"the kill switch", func(h *host) { h.have.Host.Value.Stopped = true; h.unit(unit, failed) },
			"held Service/web KillSwitch\n",
		},
		{
			"the host is going down", func(h *host) { h.have.Host.Value.System = "stopping"; h.unit(unit, failed) },
			"held Service/web HostStopping\n",
		},
		{"the host is coming up", func(h *host) {
			h.have.Host.Value.System, h.have.Host.Value.Jobs = "starting", 3
			h.unit(unit, failed)
		}, "held Service/web HostStarting\n"},
		{
			"a store that is not to be believed", func(h *host) { h.past.Distrust = "it was emptied"; h.unit(unit, failed) },
			"held Service/web StoreUntrusted\n",
		},
		{"all reasons are named, the first of the order first", func(h *host) {
			h.past.Distrust, h.have.Host.Value.Stopped, h.want.Policy.Mode = "it was emptied", true, desired.Observe
			h.unit(unit, failed)
		}, "held Service/web StoreUntrusted\nheld Service/web KillSwitch\nheld Service/web ObserveOnly\n"},

		{"the host's own budget of disruptive repairs is spent", func(h *host) {
			h.want.Policy.Budgets.Disruptive = 1
			h.past.Upheaval = []state.Time{t0}
			h.unit(unit, func(u *state.Unit) { u.Active, u.Sub, u.Changed = "activating", "start", 4*time.Minute })
		}, "held Service/web BudgetSpent\n"},

		// what is not known
		{"a unit that cannot be read: a gap, and nothing done", func(h *host) {
			h.have.Units[unit] = state.Fact[state.Unit]{At: t0, Err: "systemd does not answer"}
		}, "held Service/web Unobserved\ngap Service/web unit:web.service\n"},
		{"a fact older than our own last step on it: a gap", func(h *host) {
			h.unit(unit, failed)
			h.past.Ended["unit:web.service"] = t0.Add(time.Second)
		}, "gap Service/web unit:web.service\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("web")
			c.make(h)
			p := h.make()
			want := strings.ReplaceAll(c.want, "NotRunning->Failed", "Failed charged\n")
			if d := cmp.Diff(want, uniqueLines(tell(p))); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			fixpoint(t, h, p)
		})
	}
}

// fixpoint: with its notes folded, the plan is the same and notes nothing.
func fixpoint(t *testing.T, h *host, p state.Plan) {
	t.Helper()
	h.past = h.past.Clone()
	h.fold(p)
	again := h.make()
	if len(again.Notes) > 0 {
		t.Errorf("notes again: %+v", again.Notes)
	}
	if d := cmp.Diff(tell(p), tell(again)); d != "" {
		t.Errorf("the plan changed with its own notes (-first +again):\n%s", d)
	}
}

func uniqueLines(s string) string {
	var out []string
	for _, l := range strings.SplitAfter(s, "\n") {
		if len(out) == 0 || out[len(out)-1] != l {
			out = append(out, l)
		}
	}
	return strings.Join(out, "")
}

// A whole chain comes from one observation: a service that is not there yet.
func TestFromNothing(t *testing.T) {
	h := newHost("db", "web")
	h.past = state.NewPast()
	h.svc("web").Requires = []string{"db"}
	for _, n := range []string{"db", "web"} {
		h.gone("/etc/systemd/system/" + n + ".service")
		h.unit(n+".service", func(u *state.Unit) {
			*u = state.Unit{ID: n + ".service", Load: "not-found", Active: "inactive", Sub: "dead", Boot: "not-found"}
		})
	}
	want := `Service/db file.write /etc/systemd/system/db.service UnitFileDrift
Service/db systemd.enable db.service NotEnabled after [1]
Service/web file.write /etc/systemd/system/web.service UnitFileDrift
Service/web systemd.enable web.service NotEnabled after [3]
Host/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1 2 3 4]
Service/db systemd.start db.service NotRunning after [1 5]
Service/web systemd.start web.service NotRunning after [3 5 6]
`
	p := h.make()
	if d := cmp.Diff(want, tell(p)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	if got := len(plan.Ready(p, h.past)); got != 2 {
		t.Errorf("%d steps are ready, want the two writes", got)
	}
}

// What requires something that is down, and that nothing of the plan brings
// back, is left alone; it recovers once that is up.
func TestDependencySick(t *testing.T) {
	h := newHost("db", "web")
	h.svc("web").Requires = []string{"db"}
	h.unit("db.service", func(u *state.Unit) { u.Active, u.Sub, u.Stop = "inactive", "dead", state.StopByJob })
	h.unit("web.service", func(u *state.Unit) { u.Active, u.Sub, u.Result = "failed", "failed", "exit-code" })
	want := "held Service/db ManualStop\nheld Service/web DependencySick\n"
	if d := cmp.Diff(want, tell(h.make())); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	h.unit("db.service", func(u *state.Unit) { u.Active, u.Sub, u.Result, u.Stop = "failed", "failed", "signal", "" })
	want = "Service/db systemd.start db.service Failed charged\nService/web systemd.start web.service Failed after [1] charged\n"
	if d := cmp.Diff(want, tell(h.make())); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

// Of disruptive steps one at a time is ready, and all are listed.
func TestDisruptiveOneAtATime(t *testing.T) {
	h := newHost("a", "b", "c")
	for _, n := range []string{"a", "b", "c"} {
		h.svc(n).Spec.State = desired.Stopped
	}
	p := h.make()
	if len(p.Steps) != 3 || len(plan.Ready(p, h.past)) != 1 {
		t.Errorf("%d steps, %d ready:\n%s", len(p.Steps), len(plan.Ready(p, h.past)), tell(p))
	}
}

// Each recurrence of a step has an ID of its own; an interrupted attempt keeps
// its ID, because nobody knows whether it happened.
func TestIDs(t *testing.T) {
	h := newHost("web")
	h.unit("web.service", func(u *state.Unit) { u.Boot = "disabled" })
	id := func() string {
		p := h.make()
		if len(p.Steps) == 0 {
			t.Fatal("no step")
		}
		return p.Steps[0].ID
	}
	first := id()
	end := func(status state.Status) {
		s, _ := h.make().Step(id())
		h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
		h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: status}})
		h.later(time.Hour)
		h.see()
	}
	end(state.Cut)
	if got := id(); got != first {
		t.Errorf("an interrupted attempt has a new ID: %s, was %s", got, first)
	}
	end(state.Done)
	second := id()
	if second == first {
		t.Error("a recurrence has the ID of the first time")
	}
	end(state.StepFailed)
	if got := id(); got == second || got == first {
		t.Error("the attempt after a failure has an ID of before")
	}
}

// A step in flight stands in the plan under its ID, and freezes its object.
func TestInFlight(t *testing.T) {
	h := newHost("web")
	h.redeclare("web", "unit web v2")
	p := h.make()
	h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: p.Steps[0]}})
	again := h.make()
	if again.Steps[0].ID != p.Steps[0].ID {
		t.Errorf("the step in flight is not in the plan:\n%s", tell(again))
	}
	if len(plan.Ready(again, h.past)) != 0 {
		t.Errorf("something is ready beside a step in flight that it needs:\n%s", tell(again))
	}
}

// A defect in planning one service stops that one only.
func TestInternal(t *testing.T) {
	h := newHost("a", "b")
	h.want.Services[0].Units = nil // Compile never does this
	h.unit("b.service", func(u *state.Unit) { u.Active, u.Sub, u.Result = "failed", "failed", "signal" })
	want := "Service/b systemd.start b.service Failed charged\nheld Service/a Internal\n"
	if d := cmp.Diff(want, tell(h.make())); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

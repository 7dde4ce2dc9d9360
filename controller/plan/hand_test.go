package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// asks has a human ask for something of services by hand, at now.
func (h *host) asks(verb string, names ...string) {
	for _, n := range names {
		h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteAsked, Object: "Service/" + n, Ask: &state.Ask{
			ID: verb + "-" + n, Object: "Service/" + n, Verb: verb, Units: h.svc(n).Units, Actor: "anna", At: h.now,
		}}})
	}
}

// holds places a hold, at now.
func (h *host) holds(hold state.Hold) {
	hold.Since = h.now
	h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteHold, Object: hold.Object, Hold: &hold}})
}

func (h *host) suspended(name string) {
	h.holds(state.Hold{Reason: state.Suspended, Object: "Service/" + name, For: time.Hour, Detail: "suspended"})
}

// isDown and hasFailed are how a unit that ran is found, a minute ago.
func isDown(u *state.Unit) {
	u.Active, u.Sub, u.MainPID, u.Exited, u.Changed, u.Stop = "inactive", "dead", 0, 9*time.Minute, 9*time.Minute, state.StopByJob
}

func hasFailed(u *state.Unit) {
	isDown(u)
	u.Active, u.Sub, u.Result, u.Stop = "failed", "failed", "signal", ""
}

// answers are the notes of a plan that settle what was asked for.
func answers(p state.Plan) (out []string) {
	for _, n := range p.Notes {
		if n.Kind == state.NoteAnswered {
			out = append(out, n.Ask.ID+": "+n.Detail)
		}
	}
	return out
}

// What a human asks for is a Step like any other. It is not charged, and not
// held by what a human lifts with his word; it is held by what protects the
// host, and answered without a Step where it is so already or cannot be.
func TestByHand(t *testing.T) {
	const unit = "web.service"
	cases := []struct {
		name   string
		make   func(h *host)
		want   string
		answer []string
	}{
		{"restart", func(h *host) { h.asks("restart", "web") }, "Service/web systemd.restart web.service ByHand\n", nil},
		{"stop", func(h *host) { h.asks("stop", "web") }, "Service/web systemd.stop web.service ByHand\n", nil},
		{"reload", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.CanReload = true })
			h.asks("reload", "web")
		}, "Service/web systemd.reload web.service ByHand\n", nil},
		{"start of what has failed: not charged", func(h *host) {
			h.unit(unit, hasFailed)
			h.asks("start", "web")
		}, "Service/web systemd.start web.service ByHand\n", nil},
		{"restart of what is down: a start", func(h *host) {
			h.unit(unit, hasFailed)
			h.asks("restart", "web")
		}, "Service/web systemd.start web.service ByHand\n", nil},
		{"stop of what is starting", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.Active, u.Sub = "activating", "auto-restart" })
			h.asks("stop", "web")
		}, "Service/web systemd.stop web.service ByHand\nheld Service/web SystemdActing\n", nil},
		{"each replica has its step, one at a time", func(h *host) {
			h.svc("web").Units = []string{unit, "web2.service"}
			h.unit("web2.service", func(*state.Unit) {})
			for _, dir := range []string{"/etc/systemd/system/", "/run/systemd/system/"} {
				h.have.Dirs[dir+"web2.service.d"] = state.Fact[state.Dir]{At: t0}
			}
			h.settle()
			h.asks("restart", "web")
		}, "Service/web systemd.restart web.service ByHand\nService/web systemd.restart web2.service ByHand after [1]\n", nil},

		// what does not hold a human
		{"suspended: restarted all the same", func(h *host) { h.suspended("web"); h.asks("restart", "web") }, "Service/web systemd.restart web.service ByHand\n", nil},
		{"the host is suspended: restarted all the same", func(h *host) {
			h.holds(state.Hold{Reason: state.Suspended, Object: "Host/app-1", For: time.Hour, Detail: "suspended"})
			h.asks("restart", "web")
		}, "Service/web systemd.restart web.service ByHand\n", nil},
		{"limits spent, and the pause not over", func(h *host) {
			h.past.Charges[unit] = []state.Time{t0, t0, t0}
			h.unit(unit, hasFailed)
			h.asks("start", "web")
		}, "Service/web systemd.start web.service ByHand\n", nil},
		{"the host's own budget spent", func(h *host) {
			h.want.Policy.Budgets.Disruptive = 1
			h.past.Upheaval = []state.Time{t0}
			h.asks("restart", "web")
		}, "Service/web systemd.restart web.service ByHand\n", nil},
		{"policy asks for approval: asking is approving", func(h *host) {
			h.want.Policy.Actions = map[string]string{"restart": desired.Approve}
			h.asks("restart", "web")
		}, "Service/web systemd.restart web.service ByHand\n", nil},
		{"a new version of evenkeel", func(h *host) {
			h.past.Version, h.past.Renewed = "2", t0
			h.asks("restart", "web")
		}, "Service/web systemd.restart web.service ByHand\n", nil},
		{"a dependency is sick", func(h *host) {
			h.add("db")
			h.svc("web").Requires = []string{"db"}
			h.unit("db.service", func(u *state.Unit) { u.Active, u.Sub, u.Changed = "deactivating", "stop-sigterm", t0.Up })
			h.unit(unit, hasFailed)
			h.asks("start", "web")
		}, "Service/web systemd.start web.service ByHand\nheld Service/db SystemdActing\n", nil},
		{"released", func(h *host) {
			h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteReleased, Object: "Service/web"}})
			h.settle()
			h.asks("restart", "web")
		}, "Service/web systemd.restart web.service ByHand\n", nil},
		{"systemd's own start limit: reset, then started", func(h *host) {
			h.unit(unit, func(u *state.Unit) { hasFailed(u); u.Result = "start-limit-hit" })
			h.asks("start", "web")
		}, "Service/web systemd.reset-failed web.service ByHand\nService/web systemd.start web.service ByHand after [1]\n", nil},

		// what does
		{"protected", func(h *host) { h.want.Policy.Protect = []string{unit}; h.asks("restart", "web") }, "held Service/web Protected\n", nil},
		{"not allowed", func(h *host) { h.want.Policy.Units = []string{"db*"}; h.asks("restart", "web") }, "held Service/web NotAllowed\n", nil},
		{"observed", func(h *host) { h.svc("web").Spec.Management = desired.Observe; h.asks("restart", "web") }, "held Service/web ObserveOnly\n", nil},
		{"masked: no start", func(h *host) {
			h.unit(unit, func(u *state.Unit) { isDown(u); u.Load, u.Boot = "masked", "masked" })
			h.have.Files["/etc/systemd/system/web.service"] = state.Fact[state.File]{At: t0, Value: state.File{Kind: state.Symlink, Link: "/dev/null"}}
			h.asks("start", "web")
		}, "held Service/web Masked\n", nil},
		{"masked while it runs: it may be stopped", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.Load, u.Boot = "masked", "masked" })
			h.have.Files["/etc/systemd/system/web.service"] = state.Fact[state.File]{At: t0, Value: state.File{Kind: state.Symlink, Link: "/dev/null"}}
			h.asks("stop", "web")
		}, "Service/web systemd.stop web.service ByHand\nheld Service/web Masked\n", nil},
		{"a package manager is at work: no restart", func(h *host) { h.have.Host.Value.Packages = true; h.asks("restart", "web") }, "held Service/web PackageManager\n", nil},
		{"a package manager is at work: a start disturbs nothing", func(h *host) {
			h.have.Host.Value.Packages = true
			h.unit(unit, hasFailed)
			h.asks("start", "web")
		}, "Service/web systemd.start web.service ByHand\n", nil},
		{"the kill switch", func(h *host) { h.have.Host.Value.Stopped = true; h.asks("stop", "web") }, "held Service/web KillSwitch\n", nil},
		{"the host goes down", func(h *host) { h.have.Host.Value.System = "stopping"; h.asks("restart", "web") }, "held Service/web HostStopping\n", nil},
		{"the record is not to be believed", func(h *host) { h.past.Distrust = "emptied"; h.asks("restart", "web") }, "held Service/web StoreUntrusted\n", nil},
		{"systemd has a job for it, which is never replaced", func(h *host) {
			h.unit(unit, func(u *state.Unit) { u.Job = state.Job{ID: 7, Type: "restart"} })
			h.asks("restart", "web")
		}, "held Service/web SystemdActing\n", nil},

		// answered without a step
		{"start of what runs", func(h *host) { h.asks("start", "web") }, "", []string{"start-web: "}},
		{"stop of what is down", func(h *host) {
			h.unit(unit, hasFailed)
			h.suspended("web")
			h.asks("stop", "web")
		}, "held Service/web Suspended\n", []string{"stop-web: "}},
		{"restart of what was restarted since", func(h *host) {
			h.asks("restart", "web")
			h.later(time.Second)
			h.unit(unit, func(u *state.Unit) { u.Entered = h.now.Up })
		}, "", []string{"restart-web: "}},
		{"reload of what has no ExecReload=", func(h *host) { h.asks("reload", "web") }, "", []string{"reload-web: web.service has no ExecReload=: it cannot be reloaded, only restarted"}},
		{"reload of what is down", func(h *host) {
			h.unit(unit, hasFailed)
			h.suspended("web")
			h.asks("reload", "web")
		}, "held Service/web Suspended\n", []string{"reload-web: web.service is not running"}},
		{"a unit that systemd does not know", func(h *host) {
			h.svc("web").UnitFile, h.svc("web").Install = nil, nil
			h.unit(unit, func(u *state.Unit) { isDown(u); u.Load, u.Boot = "not-found", "not-found" })
			h.asks("start", "web")
		}, "held Service/web UnitInvalid\n", []string{"start-web: web.service is not known to systemd"}},
		{"nobody did it in time", func(h *host) {
			h.have.Host.Value.Packages = true
			h.asks("restart", "web")
			h.later(state.AskFor)
		}, "", []string{"restart-web: restart of web did not come about within 10m"}},
		{"nobody stopped it in time, and its suspension goes with it", func(h *host) {
			h.have.Host.Value.Packages = true
			h.suspended("web")
			h.asks("stop", "web")
			h.later(state.AskFor)
			h.see()
			h.unit(unit, hasFailed)
		}, "Service/web systemd.start web.service Failed charged\n", []string{"stop-web: stop of web did not come about within 10m"}},
		{"the host was booted since", func(h *host) {
			h.asks("stop", "web")
			h.now.Boot = "b2"
			h.see()
			h.past.Started, h.past.Ran = map[string]state.Time{}, map[string]state.Ran{}
		}, "", []string{"stop-web: stop of web did not come about within 10m"}},
		{"a unit that is declared no longer", func(h *host) {
			h.asks("restart", "web")
			a := h.past.Asks["restart-web"]
			a.Units = []string{"web@2.service"}
			h.past.Asks["restart-web"] = a
		}, "", []string{"restart-web: web@2.service is no longer declared"}},
		{"stopped by somebody after it was asked for: the last word counts", func(h *host) {
			h.asks("restart", "web")
			h.later(time.Second)
			h.see()
			h.unit(unit, func(u *state.Unit) { isDown(u); u.Exited = h.now.Up })
		}, "held Service/web ManualStop\n", []string{"restart-web: web.service was stopped by hand meanwhile"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("web")
			c.make(h)
			p := h.make()
			if d := cmp.Diff(c.want, uniqueLines(tell(p))); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.answer, answers(p)); d != "" {
				t.Errorf("answers (-want +got):\n%s", d)
			}
			fixpoint(t, h, p)
		})
	}
}

// Nothing is said to be so on the word of a reading of before it was asked for.
func TestAnAskIsNotAnsweredByAnOldReading(t *testing.T) {
	h := newHost("web")
	h.unit("web.service", hasFailed)
	h.later(time.Second)
	h.suspended("web")
	h.asks("stop", "web")
	p := h.make()
	if len(answers(p)) > 0 || len(p.Gaps) != 1 || p.Gaps[0].After != h.now {
		t.Fatalf("answers %q; want none, and a gap until it was looked at:\n%s", answers(p), tell(p))
	}
	h.see()
	if got := answers(h.make()); len(got) != 1 {
		t.Errorf("answers %q, want one", got)
	}
}

// chain is db ← app ← web, all of which run.
func chain() *host {
	h := newHost("db", "app", "web")
	h.svc("app").Requires, h.svc("web").Follows = []string{"db"}, []string{"app"}
	return h
}

// The order of dependencies is respected: starts and restarts along it, stops
// against it, one disruptive step at a time.
func TestTheOrderOfWhatIsAskedFor(t *testing.T) {
	line := func(name, verb, after string) string {
		return fmt.Sprintf("Service/%s systemd.%s %[1]s.service ByHand%[3]s\n", name, verb, after)
	}
	for verb, want := range map[string]string{
		"restart": line("db", "restart", "") + line("app", "restart", " after [1]") + line("web", "restart", " after [2]"),
		"stop":    line("web", "stop", "") + line("app", "stop", " after [1]") + line("db", "stop", " after [2]"),
		"start":   line("db", "start", "") + line("app", "start", " after [1]") + line("web", "start", " after [2]"),
	} {
		t.Run(verb, func(t *testing.T) {
			h := chain()
			if verb == "start" {
				for _, n := range []string{"db", "app", "web"} {
					h.unit(n+".service", hasFailed)
				}
			}
			h.asks(verb, "web", "db", "app") // in any order
			p := h.make()
			if d := cmp.Diff(want, tell(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			if n := len(plan.Ready(p, h.past)); n != 1 {
				t.Errorf("%d steps are ready, want the first", n)
			}
		})
	}
}

// Stops wait for what depends on them at any number of lanes, also over what is
// not stopped by hand.
func TestStopsByHandInManyLanes(t *testing.T) {
	h := chain()
	h.want.Policy.Budgets.InFlight = 9
	h.asks("stop", "db", "app", "web")
	want := "Service/web systemd.stop web.service ByHand\nService/app systemd.stop app.service ByHand after [1]\nService/db systemd.stop db.service ByHand after [2]\n"
	if d := cmp.Diff(want, tell(h.make())); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

// A Step says whose it is, settles what was asked for when it ends, and has an
// ID of its own at each recurrence.
func TestAStepByHandSettlesItsAsk(t *testing.T) {
	for _, status := range []state.Status{state.Done, state.StepFailed, state.StepRefused} {
		t.Run(string(status), func(t *testing.T) {
			h := newHost("web")
			h.asks("restart", "web")
			s := h.make().Steps[0]
			if s.Actor != "anna" || s.Ask != "restart-web" || s.Remedial {
				t.Errorf("step: %+v", s)
			}
			h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
			h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: status, Detail: "so it is"}})
			a, ok := h.past.Answer("restart-web")
			if !ok || (a.Failed == "") != (status == state.Done) {
				t.Errorf("answer: %+v, %v", a, ok)
			}
			if len(h.past.Charges) > 0 {
				t.Errorf("charged: %v", h.past.Charges)
			}
			h.later(time.Second)
			h.see()
			h.asks("restart", "web")
			if again := h.make().Steps[0]; again.ID == s.ID {
				t.Error("the second restart has the ID of the first")
			}
		})
	}
	t.Run("interrupted: it is done again, unless it is seen to be done", func(t *testing.T) {
		h := newHost("web")
		h.asks("restart", "web")
		s := h.make().Steps[0]
		h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
		h.later(time.Second)
		h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Cut}})
		h.see()
		if p := h.make(); len(p.Steps) != 1 || p.Steps[0].ID != s.ID {
			t.Errorf("plan:\n%s", tell(p))
		}
		h.unit("web.service", func(u *state.Unit) { u.Entered, u.Invocation = h.now.Up, "i2" })
		if got := answers(h.make()); len(got) != 1 {
			t.Errorf("answers: %q", got)
		}
	})
	t.Run("the reset of a start limit settles nothing, unless it fails", func(t *testing.T) {
		h := newHost("web")
		h.unit("web.service", func(u *state.Unit) { hasFailed(u); u.Result = "start-limit-hit" })
		h.asks("start", "web")
		h.did(t, h.make().Steps[0])
		if _, ok := h.past.Answer("start-web"); ok {
			t.Error("a reset settled a start")
		}
	})
}

// Time alone settles what nobody does: the plan says when to plan again.
func TestAnAskIsNotForgotten(t *testing.T) {
	h := newHost("web")
	h.have.Host.Value.Packages = true
	h.asks("restart", "web")
	h.later(time.Minute)
	if p := h.make(); p.Again == nil || p.Again.Up != h.now.Up+state.AskFor-time.Minute {
		t.Errorf("again at %v", p.Again)
	}
}

func TestAnAskForWhatIsGoneFromGitIsAnswered(t *testing.T) {
	h := newHost("a", "b", "c", "d")
	h.asks("restart", "a")
	h.want.Services = h.want.Services[1:]
	p := h.make()
	if d := cmp.Diff([]string{"restart-a: Service/a is no longer declared"}, answers(p)); d != "" {
		t.Errorf("answers (-want +got):\n%s", d)
	}
	fixpoint(t, h, p)
}

// A stop within a suspension is evenkeel's to undo once the human gives the
// service back; one that came after it is his own.
func TestAStopWithinASuspension(t *testing.T) {
	for _, c := range []struct {
		name    string
		stopped time.Duration // after the suspension was placed; it is resumed after a minute
		want    string
	}{
		{"stopped while it was suspended, then resumed: started", 30 * time.Second, "Service/web systemd.start web.service NotRunning\n"},
		{"stopped after it was resumed: respected", 90 * time.Second, "held Service/web ManualStop\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("web")
			h.suspended("web")
			placed := h.now
			resume := func() {
				hold := h.past.Holds[(state.Hold{Reason: state.Suspended, Object: "Service/web"}).Key()]
				h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteLifted, Object: "Service/web", Hold: &hold}})
				if manual, ok := h.past.Holds[(state.Hold{Reason: state.ManualStop, Object: "Service/web", Unit: "web.service"}).Key()]; ok {
					h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteLifted, Object: "Service/web", Name: "web.service", Hold: &manual, Ran: &state.Ran{}}})
				}
			}
			stop := func() {
				h.now = placed.Add(c.stopped)
				h.unit("web.service", func(u *state.Unit) { isDown(u); u.Exited = h.now.Up })
				h.see()
				h.settle()
			}
			if c.stopped < time.Minute {
				stop()
				h.now = placed.Add(time.Minute)
				resume()
			} else {
				h.now = placed.Add(time.Minute)
				resume()
				stop()
			}
			h.see()
			if d := cmp.Diff(c.want, tell(h.make())); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}

// A suspension ends by itself, and the record says when.
func TestASuspensionEnds(t *testing.T) {
	h := newHost("web")
	h.suspended("web")
	h.unit("web.service", hasFailed)
	p := h.make()
	if d := cmp.Diff("held Service/web Suspended\n", tell(p)); d != "" {
		t.Fatalf("plan (-want +got):\n%s", d)
	}
	h.later(time.Hour)
	h.see()
	p = h.make()
	if d := cmp.Diff("Service/web systemd.start web.service Failed charged\n", tell(p)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	fixpoint(t, h, p)
	if len(h.past.Holds) > 0 || h.past.Resumed["Service/web"] != h.now {
		t.Errorf("holds %v, resumed %v", h.past.Holds, h.past.Resumed)
	}
}

// A released service is nobody's: whatever happens to it, nothing is done, also
// when it leaves the declaration, until it is taken back.
func TestReleased(t *testing.T) {
	h := newHost("a", "b", "c", "d")
	h.owned("a")
	h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteReleased, Object: "Service/a"}})
	h.settle()
	h.unit("a.service", hasFailed)
	h.lies("/etc/systemd/system/a.service", "edited")
	if d := cmp.Diff("held Service/a Suspended\n", tell(h.make())); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	all := h.want.Services
	h.want.Services = all[1:]
	if d := cmp.Diff("", tell(h.make())); d != "" {
		t.Errorf("gone from git (-want +got):\n%s", d)
	}
	h.want.Services = all
	h.lies("/etc/systemd/system/a.service", "unit a")
	h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteTaken, Object: "Service/a"}})
	if d := cmp.Diff("Service/a systemd.start a.service Failed charged\n", tell(h.make())); d != "" {
		t.Errorf("taken back (-want +got):\n%s", d)
	}
}

// What policy wants approved waits under the ID that its Step will have; the
// approval is used up by the Step, and lapses after a day.
func TestApproval(t *testing.T) {
	waiting := func() (*host, string) {
		h := newHost("web")
		h.want.Policy.Actions = map[string]string{"start": desired.Approve}
		h.unit("web.service", hasFailed)
		p := h.make()
		if len(p.Held) != 1 || p.Held[0].Reason != state.AwaitingApproval || len(p.Held[0].Steps) != 1 {
			t.Fatalf("plan: %+v", p.Held)
		}
		id := p.Held[0].Steps[0]
		h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteApproved, Name: id}})
		return h, id
	}
	t.Run("let go once", func(t *testing.T) {
		h, id := waiting()
		p := h.make()
		if len(p.Steps) != 1 || p.Steps[0].ID != id {
			t.Fatalf("plan:\n%s", tell(p))
		}
		h.did(t, p.Steps[0])
		h.later(10 * time.Minute)
		h.see()
		if d := cmp.Diff("held Service/web AwaitingApproval\n", tell(h.make())); d != "" {
			t.Errorf("the next time (-want +got):\n%s", d)
		}
	})
	t.Run("it lapses", func(t *testing.T) {
		h, _ := waiting()
		h.later(24 * time.Hour)
		h.see()
		if d := cmp.Diff("held Service/web AwaitingApproval\n", tell(h.make())); d != "" {
			t.Errorf("a day later (-want +got):\n%s", d)
		}
	})
}

// The first disruptive wishes of a new version wait for a human or a day;
// starts of what is down do not, and a first run is no new version.
func TestNewVersion(t *testing.T) {
	version := func(h *host, v string) {
		h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteVersion, Name: v}})
	}
	wishes := func(h *host) {
		h.svc("web").Spec.State = desired.Stopped
		h.unit("db.service", hasFailed)
	}
	const both = "Service/web systemd.stop web.service NotStopped\nService/db systemd.start db.service Failed after [1] charged\n"
	for _, c := range []struct {
		name string
		make func(h *host)
		want string
	}{
		{"the first version ever", func(h *host) { version(h, "1") }, both},
		{"a new one", func(h *host) { version(h, "1"); version(h, "2") }, "Service/db systemd.start db.service Failed charged\nheld Service/web NewVersion\n"},
		{"a new one that a human approved", func(h *host) {
			version(h, "1")
			version(h, "2")
			h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteSettled}})
		}, both},
		{"a new one, a day later", func(h *host) {
			version(h, "1")
			version(h, "2")
			h.later(24 * time.Hour)
			h.see()
		}, both},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("db", "web")
			wishes(h)
			c.make(h)
			p := h.make()
			if d := cmp.Diff(c.want, tell(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			for _, held := range p.Held {
				if len(held.Steps) != 1 || held.Until == nil {
					t.Errorf("held %+v, want the ID to approve, and an end", held)
				}
			}
		})
	}
}

// A foreign drop-in that a human accepted is nobody's drift, until it changes.
func TestAccepted(t *testing.T) {
	h := newHost("web")
	h.dropIn("web", "90-x.conf")
	const path = "/etc/systemd/system/web.service.d/90-x.conf"
	h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteAccepted, Object: "Service/web", Name: path, Detail: state.Digest([]byte("[Service]\n"))}})
	if d := cmp.Diff("", tell(h.make())); d != "" {
		t.Errorf("accepted (-want +got):\n%s", d)
	}
	h.lies(path, "[Service]\nNice=1\n")
	if d := cmp.Diff("held Service/web ForeignDropIn\n", tell(h.make())); d != "" {
		t.Errorf("changed (-want +got):\n%s", d)
	}
}

// Once what was asked for is answered, nothing waits for its sake.
func TestNothingWaitsForAnAnswer(t *testing.T) {
	h := newHost("web")
	h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteAsked, Object: "Service/web", Ask: &state.Ask{
		ID: "a1", Object: "Service/web", Verb: "start", Units: []string{"web.service"}, At: h.now,
	}}})
	p := h.make()
	if len(p.Notes) != 1 || p.Notes[0].Kind != state.NoteAnswered || p.Again != nil {
		t.Errorf("notes %v, again at %v", p.Notes, p.Again)
	}
}

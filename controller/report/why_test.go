package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// night is a host on which evenkeel knows its services and all is well, until a
// test bends it and has the plan made as the controller does.
func night(services ...desired.Service) *host {
	for i := range services {
		s := &services[i].Spec
		s.ForeignDropIns, s.Drift = desired.Warn, &desired.Drift{Mode: desired.Enforce}
		s.ManualStop = &desired.ManualStop{Hold: desired.Duration(time.Hour), Then: "restore"}
	}
	h := newHost(services...)
	h.Want.Policy = desired.BuiltInPolicy()
	h.Have.Host.Value.UnitsLoaded = noon.Add(-6 * time.Hour)
	h.Have.Dirs = map[string]state.Fact[state.Dir]{}
	for _, s := range services {
		for _, u := range s.Units {
			h.runs(u)
			h.Past.Started[u] = moment(-4 * time.Hour)
			for _, root := range []string{"/etc/systemd/system/", "/run/systemd/system/"} {
				h.Have.Dirs[root+u+".d"] = state.Fact[state.Dir]{At: moment(0)}
			}
		}
	}
	h.settle()
	return h
}

// settle makes the plan, and folds its notes until there are none.
func (h *host) settle() {
	for range 4 {
		h.Plan = plan.Make(h.Want, &h.Have, h.Past, h.Now)
		for i := range h.Plan.Notes {
			h.Past.Fold(state.Entry{At: h.Now, Note: &h.Plan.Notes[i]})
		}
	}
}

// runs has a unit running for three hours, at first sight or again.
func (h *host) runs(unit string) {
	u := up()
	u.Invocation, u.Condition, u.Restart = "5c1e", true, "always"
	u.Changed, u.Entered = 12*time.Hour-3*time.Hour-12*time.Minute, 12*time.Hour-3*time.Hour-12*time.Minute
	h.unit(unit, u)
}

// falls has a unit go down some time ago.
func (h *host) falls(unit, active, sub, result string, cause state.StopCause, ago time.Duration) {
	h.change(unit, func(u *state.Unit) {
		u.Active, u.Sub, u.Result, u.Stop, u.MainPID = active, sub, result, cause, 0
		u.Changed, u.Exited, u.Rested = 12*time.Hour-ago, 12*time.Hour-ago, 12*time.Hour-ago
		u.ChangedAt = noon.Add(-ago)
	})
}

func (h *host) change(unit string, f func(*state.Unit)) {
	u := h.Have.Units[unit].Value
	f(&u)
	h.unit(unit, u)
}

// repaired records a repair of a unit that ended some time ago.
func (h *host) repaired(s desired.Service, ago time.Duration, status state.Status, detail string) {
	st := systemd("r"+ago.String(), s.Object(), "start", s.Units[0], state.Failed, actuators.Benign)
	st.Remedial = true
	h.Past.Fold(state.Entry{At: moment(-ago), Intent: &state.Intent{Step: st}})
	h.Past.Fold(state.Entry{At: moment(-ago), Outcome: &state.Outcome{ID: st.ID, Status: status, Detail: detail}})
}

const backend = "pakashop-backend.service"

// nights are the situations in which somebody is woken, or nearly so.
var nights = map[string]func() *host{
	"ok": func() *host { return night(app("pakashop-backend")) },
	"to-be-done": func() *host {
		h := night(app("pakashop-backend"))
		h.falls(backend, "failed", "failed", "oom-kill", state.StopUnread, 2*time.Second)
		return h
	},
	"backoff": func() *host {
		h := night(app("pakashop-backend"))
		h.falls(backend, "inactive", "dead", "success", state.StopByExit, 4*time.Second)
		h.repaired(h.Want.Services[0], 5*time.Second, state.Done, "")
		h.change(backend, func(u *state.Unit) { u.Entered = 12*time.Hour - 5*time.Second })
		return h
	},
	"budget-spent": func() *host {
		h := night(app("pakashop-backend"))
		for _, ago := range []time.Duration{9 * time.Minute, 7 * time.Minute, 4 * time.Minute} {
			h.repaired(h.Want.Services[0], ago, state.Done, "")
		}
		h.falls(backend, "failed", "failed", "exit-code", state.StopUnread, 4*time.Minute)
		return h
	},
	"manual-stop": func() *host {
		h := night(app("pakashop-backend"))
		h.falls(backend, "inactive", "dead", "success", state.StopByJob, 10*time.Minute)
		return h
	},
	"stopped-for-another": func() *host {
		h := night(app("pakashop-backend"))
		h.falls(backend, "inactive", "dead", "success", state.StopByConflict, 10*time.Minute)
		h.change(backend, func(u *state.Unit) { u.StoppedFor = "maintenance.service" })
		return h
	},
	"suspended": func() *host {
		h := night(app("pakashop-backend"))
		h.suspend("Service/pakashop-backend", "pakashop-backend is suspended by alice (sudo): database migration; it ends after 1h, or with: evenkeel resume pakashop-backend")
		h.falls(backend, "failed", "failed", "signal", state.StopUnread, time.Minute)
		return h
	},
	"suspended-and-well": func() *host {
		h := night(app("pakashop-backend"))
		h.suspend("Host/app-1", "host is suspended by bob")
		return h
	},
	"masked": func() *host {
		h := night(vendor("nginx", "nginx.service"))
		h.falls("nginx.service", "inactive", "dead", "success", state.StopByJob, time.Hour)
		h.change("nginx.service", func(u *state.Unit) { u.Load, u.Boot = "masked", "masked" })
		return h
	},
	"start-limit": func() *host {
		h := night(app("pakashop-backend"))
		h.falls(backend, "failed", "failed", "start-limit-hit", state.StopUnread, time.Minute)
		h.change(backend, func(u *state.Unit) { u.Restarts = 5 })
		return h
	},
	"dependency-sick": func() *host {
		h := night(vendor("postgresql", "postgresql@15-main.service"), app("pakashop-backend", "postgresql"))
		h.falls("postgresql@15-main.service", "inactive", "dead", "success", state.StopByJob, 5*time.Minute)
		h.falls(backend, "failed", "failed", "exit-code", state.StopUnread, 4*time.Minute)
		return h
	},
	"observe-only": func() *host {
		h := night(app("pakashop-backend"))
		h.Want.Policy.Mode = desired.Observe
		h.falls(backend, "failed", "failed", "core-dump", state.StopUnread, 3*time.Minute)
		return h
	},
	"awaiting-approval": func() *host {
		h := night(app("pakashop-backend"))
		h.Want.Policy.Actions = map[string]string{"start": "approve"}
		h.falls(backend, "failed", "failed", "timeout", state.StopUnread, 3*time.Minute)
		return h
	},
	"new-version": func() *host {
		h := night(app("pakashop-backend"))
		h.Past.Version, h.Past.Renewed = "1.4.0", moment(-2*time.Hour)
		h.edit("/etc/systemd/system/" + backend)
		h.Past.Ran[backend] = state.Ran{Invocation: "5c1e", Unit: "older"}
		h.file("/etc/systemd/system/"+backend, string(h.Want.Services[0].UnitFile.Content), 0o644)
		return h
	},
	"pending-restart": func() *host {
		h := night(app("pakashop-backend"))
		h.change(backend, func(u *state.Unit) { u.ExeStale = true })
		return h
	},
	"pending-restart-adopted": func() *host {
		h := night(app("pakashop-backend"))
		r := h.Past.Ran[backend]
		r.Unit, r.Adopted = "older", true
		h.Past.Ran[backend] = r
		return h
	},
	"release":         func() *host { return released("1.42.0", true) },
	"release-missing": func() *host { return released("1.43.0", false) },
	"drift-hold": func() *host {
		h := night(app("pakashop-backend"))
		h.Want.Services[0].Spec.Drift.Hold = desired.Duration(10 * time.Minute)
		h.edit("/etc/systemd/system/" + backend)
		return h
	},
	"foreign-drop-in": func() *host {
		h := night(vendor("nginx", "nginx.service"))
		h.Have.Dirs["/etc/systemd/system/nginx.service.d"] = state.Fact[state.Dir]{At: moment(0), Value: state.Dir{Exists: true, Names: []string{"hand.conf"}}}
		h.edit("/etc/systemd/system/nginx.service.d/hand.conf")
		return h
	},
	"unobserved": func() *host {
		h := night(app("pakashop-backend"))
		h.Have.Units[backend] = state.Fact[state.Unit]{At: moment(0), Err: "read unit pakashop-backend.service: connection reset by peer"}
		return h
	},
	"kill-switch": func() *host {
		h := night(app("pakashop-backend"))
		h.Have.Host.Value.Stopped = true
		h.falls(backend, "failed", "failed", "exit-code", state.StopUnread, time.Minute)
		return h
	},
	"store-untrusted": func() *host {
		h := night(app("pakashop-backend"))
		h.Past.Distrust = "evenkeel.db was emptied"
		h.falls(backend, "failed", "failed", "exit-code", state.StopUnread, time.Minute)
		return h
	},
	"upheaval": func() *host {
		h := night(app("pakashop-backend"))
		h.Have.Host.Value.Packages, h.Have.Host.Value.System, h.Have.Host.Value.Jobs = true, "starting", 4
		h.change(backend, func(u *state.Unit) {
			u.Active, u.Sub, u.Job = "activating", "start-pre", state.Job{ID: 812, Type: "start"}
		})
		return h
	},
	"replicas": func() *host {
		s := app("worker")
		s.Template, s.Units = "worker@.service", []string{"worker@1.service", "worker@2.service"}
		s.UnitFile.Path = "/etc/systemd/system/worker@.service"
		h := night(s)
		h.Have.Dirs["/etc/systemd/system/worker@.service.d"], h.Have.Dirs["/run/systemd/system/worker@.service.d"] = state.Fact[state.Dir]{At: moment(0)}, state.Fact[state.Dir]{At: moment(0)}
		h.falls("worker@2.service", "inactive", "dead", "success", state.StopNoSign, 5*time.Minute)
		return h
	},
}

func (h *host) suspend(object, detail string) {
	hold := state.Hold{Reason: state.Suspended, Object: object, Since: moment(-20 * time.Minute), For: time.Hour, Actor: "alice", Detail: detail}
	h.Past.Holds[hold.Key()] = hold
}

// edit changes a file by hand two minutes ago.
func (h *host) edit(path string) {
	h.file(path, "[Service]\nNice=5\n", 0o644)
	f := h.Have.Files[path]
	f.Value.Changed = noon.Add(-2 * time.Minute)
	h.Have.Files[path] = f
}

// answer is what why says once the plan is made; of several services, the last.
func (h *host) answer(t *testing.T, history []HistoryLine) Why {
	t.Helper()
	h.settle()
	w, ok := h.Why(h.Want.Services[len(h.Want.Services)-1].Name, history)
	if !ok {
		t.Fatal("no such service")
	}
	return w
}

func TestWhy(t *testing.T) {
	for name, situation := range nights {
		t.Run(name, func(t *testing.T) { tellsWhy(t, name, situation().answer(t, nil)) })
	}
	for name, situation := range sickNights {
		t.Run(name, func(t *testing.T) { tellsWhy(t, name, situation().answer(t, nil)) })
	}
}

// tellsWhy holds an answer against its golden file, and against what every
// answer owes its reader.
func tellsWhy(t *testing.T, name string, w Why) {
	t.Helper()
	golden(t, "why-"+name+".txt", []byte(w.Text(Style{Now: noon})))
	for line := range strings.Lines(w.Text(Style{Now: noon})) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > lineWidth && len(strings.Fields(line)) > 1 && !strings.Contains(line, "journalctl") && !strings.Contains(line, "systemctl show") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if got := colours.ReplaceAllString(w.Text(Style{Now: noon, Color: true}), ""); got != w.Text(Style{Now: noon}) {
		t.Error("colour changes the text")
	}
	var back Why
	check(t, json.Unmarshal(must(JSON(w))(t), &back))
	if diff := cmp.Diff(string(must(JSON(w))(t)), string(must(JSON(back))(t))); diff != "" {
		t.Errorf("what was read differs:\n%s", diff)
	}
}

func TestWhyAsData(t *testing.T) {
	w := nights["budget-spent"]().answer(t, []HistoryLine{{
		Time: At(noon.Add(-4 * time.Minute)), Object: "Service/pakashop-backend", Actuator: "systemd", Verb: "start", Target: backend,
		Reason: state.Failed, Outcome: "done", MS: 120,
	}})
	golden(t, "why.json", must(JSON(w))(t))
	golden(t, "why-sick.json", must(JSON(sickNights["dependency-not-ready"]().answer(t, nil)))(t))
	golden(t, "why-case.json", must(JSON(sickNights["escalated"]().answer(t, nil).Cases))(t))
}

// Nothing that comes from outside reaches the terminal as it is.
func TestWhyEscapes(t *testing.T) {
	const evil = "\x1b]52;c;aGk=\x07\u202eevil\r\nforged"
	h := night(app("pakashop-backend"))
	h.suspend("Service/pakashop-backend", evil)
	h.falls(backend, evil, evil, evil, state.StopByJob, time.Minute)
	h.probed("pakashop-backend", live, readyKind)
	h.probe("pakashop-backend", readyKind, state.Probe{Verdict: state.ProbeFailure, Class: evil, Detail: evil, Says: map[string]string{evil: evil}})
	text := h.answer(t, []HistoryLine{{Verb: evil, Detail: evil, Actor: evil}}).Text(Style{})
	h = night(app("pakashop-backend"))
	h.probed("pakashop-backend", live, readyKind)
	for _, kind := range []string{live, readyKind} {
		h.probe("pakashop-backend", kind, state.Probe{Verdict: state.ProbeFailure, Class: evil, Detail: evil, Says: map[string]string{evil: evil}})
	}
	text += h.answer(t, nil).Text(Style{})
	if !strings.Contains(text, "evil") {
		t.Error("nothing was said")
	}
	if strings.ContainsAny(text, "\x1b\x07\r\u202e") || strings.Contains(text, "\nforged") {
		t.Errorf("not escaped: %q", text)
	}
}

// What the host's budget of disruptive repairs has left is told, and who may pass it.
func TestWhyTellsOfTheHostsBudget(t *testing.T) {
	h := night(app("web"))
	if got := h.answer(t, nil).Budget.Host; got != "" {
		t.Errorf("nothing is spent, and it says %q", got)
	}
	h.Past.Upheaval = []state.Time{h.Now, h.Now}
	if got, want := h.answer(t, nil).Budget.Host, "8 of the host's 10 disruptive repairs in 10m left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	h.Past.Let["web.service"] = h.Now
	if got, want := h.answer(t, nil).Budget.Host, "8 of the host's 10 disruptive repairs in 10m left; a human lets the next repair of web.service pass that, once"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhyTellsNothingOfWhatIsSensitive(t *testing.T) {
	s := app("pay")
	env := artifact("/etc/pay.env", []byte("KEY="+canary(0)), 0o600)
	env.Sensitive = true
	s.Files = []desired.Artifact{*env}
	h := night(s)
	h.edit(env.Path)
	out := string(must(JSON(h.answer(t, nil)))(t))
	if strings.Contains(out, canary(0)) || strings.Contains(out, brief(env.Digest)) || !strings.Contains(out, "content (sensitive)") {
		t.Error(out)
	}
}

func TestWhyKnowsServicesAndEndpoints(t *testing.T) {
	h := night(app("x"))
	h.outside("pay", state.Probe{Verdict: state.ProbeSuccess})
	h.outside("x", state.Probe{Verdict: state.ProbeSuccess})
	h.Want.Objects = append(h.Want.Objects, desired.Object{Kind: "Cache", Metadata: desired.Meta{Name: "pages"}})
	for _, name := range []string{"pay", "Endpoint/pay", "endpoints/pay"} {
		if w, ok := h.Why(name, nil); !ok || w.Object != "Endpoint/pay" {
			t.Errorf("why %q is %q", name, w.Object)
		}
	}
	for _, name := range []string{"y", "Service/pay", "Cache/pages", "pages", "Host/app-1", ""} {
		if _, ok := h.Why(name, nil); ok {
			t.Errorf("why %q is answered", name)
		}
	}
	for _, name := range []string{"x", "x.service", "Service/x"} { // a Service comes before an Endpoint
		if w, ok := h.Why(name, nil); !ok || w.Object != "Service/x" {
			t.Errorf("why %q is %q", name, w.Object)
		}
	}
	h.Want.Services = nil
	if w, ok := h.Why("x", nil); !ok || !strings.Contains(w.Rule, "other hosts") {
		t.Errorf("of another host: %+v", w)
	}
	h = night(app("x"))
	h.Past = nil
	if _, ok := h.Why("x", nil); !ok {
		t.Error("without a past there is no answer")
	}
}

func TestCommandsAreOneWordANameForAShell(t *testing.T) {
	for in, want := range map[string]string{
		"nginx.service": "nginx.service", "worker@1.service": "worker@1.service", `a\x2db.service`: `'a\x2db.service'`, "a'b": `'a'\''b'`, "": "''", "$(x)": "'$(x)'",
	} {
		if got := word(in); got != want {
			t.Errorf("%q becomes %s, want %s", in, got, want)
		}
	}
}

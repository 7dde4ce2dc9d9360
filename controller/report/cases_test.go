package report

import (
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// cases are the situations that every report is held against: testdata has a
// golden file for each, with what every format makes of it.
var cases = map[string]func() *host{
	"in-sync":           inSync,
	"first-apply":       firstApply,
	"drift":             drift,
	"drift-warn":        driftWarn,
	"held":              held,
	"observe":           observe,
	"gap":               gap,
	"nothing-known":     nothingKnown,
	"secrets":           secrets,
	"replicas":          replicas,
	"escapes":           escapes,
	"pending-restart":   pendingRestart,
	"gave-up":           gaveUp,
	"removed":           removed,
	"not-shown":         notShown,
	"suspended-healthy": suspendedHealthy,
	"not-well":          notWell,
	"unready":           unready,
	"release":           func() *host { return released("1.42.0", true) },
	"release-missing":   func() *host { return released("1.43.0", false) },
}

func platform() *host {
	return newHost(
		vendor("postgresql", "postgresql@15-main.service"), vendor("redis", "redis-server.service"),
		app("pakashop-config"), app("pakashop-backend", "postgresql", "redis", "pakashop-config"), app("pakashop-gateway", "pakashop-backend"),
		vendor("nginx", "nginx.service"),
	)
}

func inSync() *host {
	h := platform()
	u := up()
	u.Restarts, u.ChangedAt = 2, noon.Add(-40*time.Second)
	h.unit("pakashop-backend.service", u)
	return h
}

func firstApply() *host {
	h := newHost(app("config"), app("backend", "config"), app("gateway", "backend"))
	h.Want.Environment, h.Want.Host.Environment = "", ""
	var writes []string
	for _, s := range h.Want.Services {
		h.absent(s.UnitFile.Path)
		h.unit(s.Units[0], state.Unit{Load: "not-found", Active: "inactive", Sub: "dead", Boot: "not-found"})
		st := write(s, *s.UnitFile, state.UnitFileDrift, "")
		st.Fields = []state.Field{{Path: s.UnitFile.Path + ":kind", Desired: "file", Observed: "absent"}}
		h.steps(st)
		enable := systemd("e-"+s.Name, s.Object(), "enable", s.Units[0], state.NotEnabled, actuators.Benign, st.ID)
		enable.Detail = s.Units[0] + " is not-found at boot, declared enabled"
		enable.Fields = []state.Field{{Path: "boot", Desired: "enabled", Observed: "not-found"}}
		h.steps(enable)
		writes = append(writes, st.ID, enable.ID)
	}
	h.steps(systemd("reload", "Host/app-1", "daemon-reload", "", state.DaemonReloadNeeded, actuators.Benign, writes...))
	last := "reload"
	for _, s := range h.Want.Services {
		start := systemd("s-"+s.Name, s.Object(), "start", s.Units[0], state.NotRunning, actuators.Benign, last)
		start.Detail = s.Units[0] + " is inactive"
		h.steps(start)
		last = start.ID
	}
	return h
}

// drift is a unit file that somebody edited, a wrong mode, and a restart that
// follows.
func drift() *host {
	h := platform()
	b := h.Want.Services[3]
	edited := strings.Replace(string(b.UnitFile.Content), "Restart=always", "Restart=no\nEnvironment=DEBUG=1", 1)
	h.file(b.UnitFile.Path, edited, 0o600)
	st := write(b, *b.UnitFile, state.UnitFileDrift, state.Digest([]byte(edited)))
	st.Detail = b.UnitFile.Path + " differs in content, mode"
	st.Fields = []state.Field{
		{Path: b.UnitFile.Path + ":content", Desired: "sha256:aaaa", Observed: "sha256:bbbb"},
		{Path: b.UnitFile.Path + ":mode", Desired: "0644", Observed: "0600"},
	}
	h.steps(st, systemd("reload", "Host/app-1", "daemon-reload", "", state.DaemonReloadNeeded, actuators.Benign, st.ID))
	re := systemd("r", b.Object(), "restart", b.Units[0], state.StaleProcess, actuators.Disruptive, "reload")
	re.Detail = "it was started with an older unit file"
	h.steps(re)
	h.hold(state.Held{Object: "Service/pakashop-gateway", Reason: state.Suspended, Detail: "alice: looking at latency", Until: until(25 * time.Minute), Info: true})
	return h
}

func driftWarn() *host {
	h := platform()
	path := "/etc/systemd/system/nginx.service.d/hand.conf"
	h.file(path, "[Service]\nNice=5\n", 0o644)
	h.hold(state.Held{
		Object: "Service/nginx", Unit: "nginx.service", Reason: state.ForeignDropIn, Detail: "foreignDropIns is warn: " + path + " was not declared",
		Fields: []state.Field{{Path: path, Desired: "absent", Observed: "sha256:aaaa"}},
	})
	return h
}

// held has one service for each common reason.
func held() *host {
	reasons := []struct {
		reason state.Reason
		detail string
		until  *state.Time
	}{
		{state.Suspended, "alice: database migration", until(time.Hour)},
		{state.Masked, "SERVICE is masked", nil},
		{state.ManualStop, "somebody stopped SERVICE", until(50 * time.Minute)},
		{state.DependencySick, "Service/redis is not well", nil},
		{state.OutsideWindow, "no change window is open", until(10 * time.Hour)},
		{state.AwaitingApproval, "policy asks for approval of postgres.terminate", nil},
		{state.PackageManager, "a package manager holds its lock", nil},
		{state.Protected, "SERVICE belongs to the protected set", nil},
		{state.Backoff, "repair 2 in a row waits 20s after the last one", until(20 * time.Second)},
		{state.KillSwitch, "/run/evenkeel/stop exists; remove it to let evenkeel act", nil},
		{state.DriftHold, "a change by hand is tolerated for 10m", until(10 * time.Minute)},
	}
	var services []desired.Service
	for _, r := range reasons {
		services = append(services, app(strings.ToLower(string(r.reason))))
	}
	h := newHost(services...)
	for i, r := range reasons {
		unit := services[i].Units[0]
		h.unit(unit, state.Unit{Load: "loaded", Active: "inactive", Sub: "dead", Boot: "enabled", ChangedAt: noon.Add(-time.Minute)})
		h.hold(state.Held{
			Object: services[i].Object(), Unit: unit, Reason: r.reason, Detail: strings.ReplaceAll(r.detail, "SERVICE", unit), Until: r.until,
			Fields: []state.Field{{Path: "active", Desired: "active", Observed: "inactive"}},
		})
	}
	// The order of reasons, and one entry a reason.
	h.hold(
		state.Held{Object: "Service/masked", Reason: state.KillSwitch, Detail: "the kill switch"},
		state.Held{Object: "Service/masked", Reason: state.Masked, Detail: "and another mask"},
	)
	return h
}

// observe shows what would be done.
func observe() *host {
	h := drift()
	for _, s := range h.Plan.Steps {
		if s.Object == "Service/pakashop-backend" {
			h.hold(state.Held{Object: s.Object, Reason: state.ObserveOnly, Detail: "the host's policy is in mode observe: " + s.Detail, Fields: s.Fields})
		}
	}
	h.Plan.Steps = nil
	return h
}

func gap() *host {
	h := platform()
	h.Have.Units["redis-server.service"] = state.Fact[state.Unit]{At: moment(0), Err: "permission denied (run as root)"}
	h.Plan.Gaps = append(h.Plan.Gaps, state.Gap{Object: "Service/redis", Source: state.Ref{Kind: state.RefUnit, Name: "redis-server.service"}, Detail: "permission denied (run as root)"})
	return h
}

func nothingKnown() *host {
	h := platform()
	h.Have, h.Past = state.World{}, state.UnknownPast()
	for _, s := range h.Want.Services {
		h.Plan.Gaps = append(h.Plan.Gaps, state.Gap{Object: s.Object(), Source: state.Ref{Kind: state.RefUnit, Name: s.Units[0]}, Detail: "not looked at yet"})
	}
	return h
}

func secrets() *host {
	s := app("pay")
	env := artifact("/etc/pakashop/pay.env", []byte("API_KEY="+canary(0)+"\n"), 0o640)
	env.Sensitive = true
	keys := artifact("/etc/pakashop/new.env", []byte("NEW="+canary(1)+"\n"), 0o640)
	s.Files = []desired.Artifact{*env, *keys}
	s.Spec.Files = []desired.File{
		{Path: env.Path, Content: string(env.Content), Sensitive: true},
		{Path: keys.Path, Source: "secrets/new.env.age"},
	}
	h := newHost(s)
	h.file(env.Path, "API_KEY="+canary(2)+"\n", 0o640)
	h.absent(keys.Path)
	one := write(s, *env, state.FileDrift, h.Have.Files[env.Path].Value.Digest)
	two := write(s, *keys, state.FileDrift, "")
	two.ID = "w2"
	h.steps(one, two)
	return h
}

func replicas() *host {
	s := app("worker")
	s.Template, s.Units = "worker@.service", []string{"worker@1.service", "worker@2.service", "worker@3.service"}
	h := newHost(s)
	h.unit("worker@2.service", state.Unit{Load: "loaded", Active: "failed", Sub: "failed", Boot: "enabled", Result: "exit-code", ChangedAt: noon.Add(-5 * time.Second)})
	h.unit("worker@3.service", state.Unit{Load: "loaded", Active: "inactive", Sub: "dead", Boot: "enabled", ChangedAt: noon.Add(-26 * time.Hour)})
	st := systemd("s2", s.Object(), "start", "worker@2.service", state.Failed, actuators.Benign)
	st.Detail = "worker@2.service failed: exit-code"
	h.steps(st)
	h.hold(state.Held{Object: s.Object(), Unit: "worker@3.service", Reason: state.ManualStop, Detail: "somebody stopped worker@3.service", Until: until(time.Hour)})
	return h
}

// escapes has something to obey in every string that comes from outside.
func escapes() *host {
	const evil = "\x1b]52;c;aGk=\x07\x1b[2Jred\u202eevil\u009b31m\r\nforged line <b>@everyone</b> `tick` | bar"
	h := platform()
	s := h.Want.Services[3]
	h.Want.Environment = "prod\x1b[31m"
	h.Want.Host.Name = "app\u202e-1"
	h.file(s.UnitFile.Path, "[Unit]\nDescription=\x1b[31m\u202e```\nDescription=`</pre><script>alert(1)</script>\n", 0o644)
	st := write(s, *s.UnitFile, state.UnitFileDrift, h.Have.Files[s.UnitFile.Path].Value.Digest)
	st.Detail = evil
	st.Fields = []state.Field{{Path: "boot", Desired: evil, Observed: "x"}}
	h.steps(st)
	u := up()
	u.Active, u.Sub = "active\x1b[0m", "running\r"
	h.unit("nginx.service", u)
	h.hold(state.Held{Object: "Service/nginx", Reason: state.ManualStop, Detail: evil})
	h.Plan.Gaps = append(h.Plan.Gaps, state.Gap{Object: "Service/redis", Source: state.Ref{Kind: state.RefFile, Name: "/etc/\x1b[1m"}, Detail: evil})
	return h
}

func pendingRestart() *host {
	h := platform()
	h.hold(state.Held{Object: "Service/pakashop-backend", Unit: "pakashop-backend.service", Reason: state.PendingRestart, Detail: "what it was started with is not known", Info: true})
	return h
}

func gaveUp() *host {
	h := platform()
	h.unit("pakashop-backend.service", state.Unit{Load: "loaded", Active: "failed", Sub: "failed", Boot: "enabled", Result: "exit-code", Restarts: 7, ChangedAt: noon.Add(-4 * time.Minute)})
	h.hold(
		state.Held{Object: "Service/pakashop-backend", Unit: "pakashop-backend.service", Reason: state.BudgetSpent, Detail: "3 of 3 repairs used within 30m", Until: until(21 * time.Minute)},
		state.Held{Object: "Service/pakashop-gateway", Unit: "pakashop-gateway.service", Reason: state.DependencySick, Detail: "Service/pakashop-backend is not well"},
	)
	h.unit("pakashop-gateway.service", state.Unit{Load: "loaded", Active: "inactive", Sub: "dead", Boot: "disabled", ChangedAt: noon.Add(-4 * time.Minute)})
	return h
}

// removed is what leaves: a foreign drop-in under enforce, and a file that may
// have been a secret once.
func removed() *host {
	h := platform()
	dropIn := "/etc/systemd/system/nginx.service.d/hand.conf"
	h.file(dropIn, "[Service]\nNice=5\n", 0o644)
	h.file("/etc/pakashop/old.env", "OLD="+canary(3)+"\n", 0o644)
	for i, p := range []string{dropIn, "/etc/pakashop/old.env"} {
		h.steps(state.Step{
			ID: "rm" + string(rune('1'+i)), Object: "Service/nginx", Reason: state.ForeignDropIn, Detail: p + " was not declared", Effect: actuators.Benign,
			Action: actuators.Action{Actuator: "file", Verb: "remove", Target: p, Args: map[string]string{"was": h.Have.Files[p].Value.Digest}},
			Fields: []state.Field{{Path: p, Desired: "absent", Observed: "sha256:aaaa"}},
		})
	}
	return h
}

// notShown has a file for each reason why a diff cannot be.
func notShown() *host {
	s := app("files")
	type file struct {
		name, was, is string
		deny          error
	}
	list := []file{
		{"binary", "\x00\x01", "text\n", nil},
		{"large", strings.Repeat("x", MaxContent+1), "text\n", nil},
		{"denied", "old\n", "new\n", errDenied},
		{"becomes-binary", "old\n", "\xff\xfe\n", nil},
		{"no-newline", "old", "new", nil},
		{"emptied", "old\n", "", nil},
		{"filled", "", "new\n", nil},
	}
	for _, f := range list {
		s.Files = append(s.Files, *artifact("/etc/app/"+f.name, []byte(f.is), 0o644))
	}
	hostFile := desired.Artifact{Path: "/etc/app/host", Host: true, Mode: 0o640, Owner: "root", Group: "root"}
	s.Files = append(s.Files, hostFile)
	h := newHost(s)
	for i, f := range list {
		h.file(s.Files[i].Path, f.was, 0o644)
		if f.deny != nil {
			h.deny[s.Files[i].Path] = f.deny
		}
		st := write(s, s.Files[i], state.FileDrift, state.Digest([]byte(f.was)))
		st.ID = "w-" + f.name
		h.steps(st)
	}
	h.file(hostFile.Path, "secret of the host", 0o644)
	st := write(s, hostFile, state.FileDrift, h.Have.Files[hostFile.Path].Value.Digest)
	st.ID, st.Action.Args["digest"] = "w-host", st.Action.Args["was"]
	st.Fields = []state.Field{{Path: hostFile.Path + ":mode", Desired: "0640", Observed: "0644"}}
	h.steps(st)
	return h
}

func suspendedHealthy() *host {
	h := platform()
	h.hold(state.Held{Object: "Service/pakashop-backend", Reason: state.Suspended, Detail: "alice", Until: until(time.Hour), Info: true})
	return h
}

// notWell is a host on which everything runs, and much is not well.
func notWell() *host {
	h := night(
		vendor("postgresql", "postgresql@15-main.service"), app("pakashop-backend", "postgresql"), app("pakashop-gateway", "pakashop-backend"),
		app("pakashop-pay"), app("pakashop-search"), app("pakashop-mail"),
	)
	h.probed("postgresql", readyKind).probed("pakashop-backend", live, readyKind).probed("pakashop-gateway", readyKind)
	h.probed("pakashop-pay", readyKind).probed("pakashop-search", live).probed("pakashop-mail", live)
	h.fails("postgresql", readyKind, 5*time.Minute)
	h.fails("pakashop-backend", live, 4*time.Minute)
	h.fails("pakashop-gateway", readyKind, 4*time.Minute)
	h.fails("pakashop-pay", readyKind, 2*time.Minute)
	h.fails("pakashop-search", live, time.Minute)
	h.blind("pakashop-mail", live)
	h.outside("pawapay", down(time.Hour), "pakashop-pay")
	h.outside("whatsapp", state.Probe{Verdict: state.ProbeSuccess, Since: uptime - time.Hour})
	h.settle()
	return h
}

// unready is a host on which nothing is to be done, though something is not ready.
func unready() *host {
	h := night(app("web"))
	h.probed("web", readyKind)
	h.fails("web", readyKind, time.Minute)
	h.settle()
	return h
}

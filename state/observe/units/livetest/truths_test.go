package livetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/units"
)

// truth is what a test says of a unit; empty fields are not compared.
type truth struct {
	ID, Load, Active, Sub, Type, Result, Restart string
	TriggeredBy                                  []string
	PID                                          bool
}

func check(t *testing.T, u state.Unit, want truth) {
	t.Helper()
	got := truth{ID: u.ID, Load: u.Load, Active: u.Active, Sub: u.Sub, Type: u.Type, Result: u.Result, Restart: u.Restart, TriggeredBy: u.TriggeredBy, PID: u.MainPID != 0}
	for _, f := range []struct{ got, want *string }{
		{&got.ID, &want.ID},
		{&got.Load, &want.Load},
		{&got.Active, &want.Active},
		{&got.Sub, &want.Sub},
		{&got.Type, &want.Type},
		{&got.Result, &want.Result},
		{&got.Restart, &want.Restart},
	} {
		if *f.want == "" {
			*f.got = ""
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// Every state in which a unit can lie, made on purpose and read.
func TestStates(t *testing.T) {
	write(t, map[string]string{
		"evk-run.service":      sleeper("ExecReload=/bin/true", "Restart=on-failure"),
		"evk-false.service":    service("ExecStart=/bin/false"),
		"evk-missing.service":  service("ExecStart=/no/such/binary"),
		"evk-again.service":    service("ExecStart=/bin/false", "Restart=always", "RestartSec=60"),
		"evk-limit.service":    "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=60\n" + service("ExecStart=/bin/false", "Restart=always", "RestartSec=0"),
		"evk-once.service":     service("Type=oneshot", "ExecStart=/bin/true"),
		"evk-remain.service":   service("Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/true"),
		"evk-slow.service":     service("Type=oneshot", "ExecStart=/bin/sleep 60"),
		"evk-cond.service":     "[Unit]\nConditionPathExists=/no/such/path\n" + sleeper(),
		"evk-timed.service":    service("Type=oneshot", "ExecStart=/bin/true"),
		"evk-timed.timer":      "[Timer]\nOnActiveSec=1h\n[Install]\nWantedBy=timers.target\n",
		"evk-bad.service":      "[Service]\nType=nonsense\nRestart=what\n",
		"evk-aliased.service":  sleeper(),
		"evk-masked.service":   "",
		"evk-tpl@.service":     sleeper("SyslogIdentifier=%i"),
		"evk-stopping.service": sleeper("ExecStop=/bin/sleep 60", "TimeoutStopSec=90"),
	})
	os.Symlink("evk-aliased.service", filepath.Join(unitDir, "evk-nickname.service"))
	os.Remove(filepath.Join(unitDir, "evk-masked.service"))
	os.Symlink("/dev/null", filepath.Join(unitDir, "evk-masked.service"))
	t.Cleanup(func() { os.Remove(filepath.Join(unitDir, "evk-nickname.service")) })
	run(t, "systemctl", "daemon-reload")
	escaped := `evk-tpl@srv-a\x20b.service`
	for _, u := range []string{"evk-run", "evk-again", "evk-remain", "evk-once", "evk-timed.timer", "evk-aliased", "evk-cond", escaped, "evk-stopping"} {
		run(t, "systemctl", "start", u)
	}
	for _, u := range []string{"evk-false", "evk-missing", "evk-limit"} {
		exec.Command("systemctl", "start", u).Run()
	}
	run(t, "systemctl", "start", "--no-block", "evk-slow")
	run(t, "systemctl", "stop", "--no-block", "evk-stopping")
	t.Cleanup(func() {
		exec.Command("systemctl", "kill", "-s", "KILL", "evk-stopping", "evk-slow").Run()
		exec.Command("systemctl", "stop", escaped).Run()
	})

	tests := map[string]truth{
		"evk-run.service":      {Load: "loaded", Active: "active", Sub: "running", Type: "simple", Result: "success", Restart: "on-failure", PID: true},
		"evk-false.service":    {Load: "loaded", Active: "failed", Sub: "failed", Result: "exit-code"},
		"evk-missing.service":  {Load: "loaded", Active: "failed", Sub: "failed", Result: "exit-code"},
		"evk-again.service":    {Load: "loaded", Active: "activating", Sub: "auto-restart", Restart: "always"},
		"evk-limit.service":    {Load: "loaded", Active: "failed", Result: "exit-code"}, // not start-limit-hit: only the journal tells
		"evk-once.service":     {Load: "loaded", Active: "inactive", Sub: "dead", Type: "oneshot"},
		"evk-remain.service":   {Load: "loaded", Active: "active", Sub: "exited", Type: "oneshot"},
		"evk-slow.service":     {Load: "loaded", Active: "activating", Sub: "start", PID: true},
		"evk-cond.service":     {Load: "loaded", Active: "inactive", Sub: "dead"},
		"evk-timed.service":    {Load: "loaded", Active: "inactive", Sub: "dead", Type: "oneshot", TriggeredBy: []string{"evk-timed.timer"}},
		"evk-timed.timer":      {Load: "loaded", Active: "active", Sub: "waiting"},
		"evk-bad.service":      {Load: "bad-setting", Active: "inactive", Sub: "dead"},
		"evk-nickname.service": {ID: "evk-aliased.service", Load: "loaded", Active: "active", Sub: "running", PID: true},
		"evk-aliased.service":  {ID: "evk-aliased.service", Load: "loaded", Active: "active", Sub: "running", PID: true},
		"evk-masked.service":   {ID: "evk-masked.service", Load: "masked", Active: "inactive", Sub: "dead"},
		"evk-absent.service":   {ID: "evk-absent.service", Load: "not-found", Active: "inactive", Sub: "dead"},
		escaped:                {ID: escaped, Load: "loaded", Active: "active", Sub: "running", PID: true},
		"evk-stopping.service": {Load: "loaded", Active: "deactivating", Sub: "stop", PID: true},
	}
	for _, private := range []bool{false, true} {
		c := dial(t, bus.Options{PrivateFirst: private})
		o := units.New(c, clock, units.Options{})
		for name, want := range tests {
			t.Run(c.Via()+"/"+name, func(t *testing.T) {
				if name == "evk-false.service" || name == "evk-missing.service" || name == "evk-limit.service" {
					eventually(t, name+" fails", func() bool { return read(t, o, name).Active == "failed" })
				}
				if name == "evk-stopping.service" { // its stop was only queued
					eventually(t, name+" is being stopped", func() bool { return read(t, o, name).Active == "deactivating" })
				}
				check(t, read(t, o, name), want)
			})
		}
	}
	o := observer(t)
	t.Run("jobs and times", func(t *testing.T) {
		if u := read(t, o, "evk-stopping.service"); u.Job.Type != "stop" || u.Job.ID == 0 {
			t.Errorf("a human's stop is under way, and the job is %+v", u.Job)
		}
		if u := read(t, o, "evk-slow.service"); u.Job.Type != "start" {
			t.Errorf("a start is under way, and the job is %+v", u.Job)
		}
		u := read(t, o, "evk-run.service")
		if u.Entered <= 0 || u.Changed < u.Entered || u.Entered > clock().Up || u.ChangedAt.IsZero() {
			t.Errorf("entered %v, changed %v (%v), now %v", u.Entered, u.Changed, u.ChangedAt, clock().Up)
		}
		if !u.CanReload || len(u.Invocation) != 32 || u.Fragment != unitDir+"/evk-run.service" {
			t.Errorf("reload %v, invocation %q, fragment %q", u.CanReload, u.Invocation, u.Fragment)
		}
		if link := run(t, "systemctl", "show", "-P", "InvocationID", "evk-run"); u.Invocation != link {
			t.Errorf("invocation %s, systemctl says %s", u.Invocation, link)
		}
		if a := read(t, o, "evk-nickname.service"); !cmp.Equal(a.Names, []string{"evk-aliased.service", "evk-nickname.service"}) {
			t.Errorf("names %v", a.Names)
		}
	})
}

// One call for all of them, and a bad name among good ones spoils nothing.
func TestNamesThatAreNone(t *testing.T) {
	o := observer(t)
	names := []string{"basic.target", "", "nonsense", "x@.service", "../etc.service", "a b.service", "nosuch.service", "basic.target", strings.Repeat("x", 300) + ".service"}
	facts := o.Observe(t.Context(), names)
	for _, name := range names {
		known := name == "basic.target" || name == "nosuch.service"
		f, ok := facts[name]
		if !ok || f.Known() != known {
			t.Errorf("%q: known %v, want %v: %s", name, f.Known(), known, f.Err)
		}
	}
	if u := facts["nosuch.service"].Value; !u.Missing() {
		t.Errorf("nosuch.service: %+v", u)
	}
}

// The three ways to change a unit file that systemd notices, and the state of
// the process under a replaced binary.
func TestDrift(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "evkbin")
	run(t, "cp", "/bin/sleep", bin)
	write(t, map[string]string{"evk-drift.service": service("ExecStart=" + bin + " infinity")})
	run(t, "systemctl", "start", "evk-drift")
	o := observer(t)
	before := read(t, o, "evk-drift.service")
	if before.NeedReload || before.ExeStale || before.Exe == "" {
		t.Fatalf("at rest: %+v", before)
	}
	run(t, "sh", "-c", "sleep 0.01; echo '# by hand' >> "+unitDir+"/evk-drift.service")
	if u := read(t, o, "evk-drift.service"); !u.NeedReload {
		t.Error("an edited file needs a reload")
	}
	run(t, "systemctl", "daemon-reload")
	if u := read(t, o, "evk-drift.service"); u.NeedReload {
		t.Error("loaded, it needs none")
	}
	run(t, "cp", "/bin/sleep", bin+".new")
	run(t, "mv", bin+".new", bin)
	u := read(t, o, "evk-drift.service")
	if !u.ExeStale || u.Invocation != before.Invocation || u.MainPID != before.MainPID {
		t.Errorf("the binary was replaced: %+v", u)
	}
	run(t, "systemctl", "restart", "evk-drift")
	if u := read(t, o, "evk-drift.service"); u.ExeStale || u.Exe == before.Exe {
		t.Errorf("after a restart: %+v", u)
	}
}

// Many units take the way that looks at the unit folders first; its answer must
// be the one that systemd gives.
func TestManyUnitsNeedReloadOnlyWhereSystemdSaysSo(t *testing.T) {
	files := map[string]string{}
	names := make([]string, 0, 60)
	for i := range 60 {
		files[instance(i)] = sleeper()
		names = append(names, instance(i))
	}
	write(t, files)
	o := observer(t)
	stale := func() (out []string) {
		said := run(t, append([]string{"systemctl", "show", "-P", "NeedDaemonReload"}, names...)...)
		for i, line := range strings.Fields(said) {
			if line == "yes" {
				out = append(out, names[i])
			}
		}
		return out
	}
	staleTogether := func() (out []string) {
		facts := o.Observe(t.Context(), names)
		for _, n := range names {
			if facts[n].Value.NeedReload {
				out = append(out, n)
			}
		}
		return out
	}
	for _, change := range []string{
		"true",
		"sleep 0.2; systemctl daemon-reload",
		"echo '# by hand' >> " + unitDir + "/" + instance(7),
		"systemctl daemon-reload; sleep 0.3; mkdir " + unitDir + "/" + instance(8) + ".d; printf '[Service]\\nNice=1\\n' > " + unitDir + "/" + instance(8) + ".d/x.conf",
		"systemctl daemon-reload; sleep 0.3; echo '# by hand' >> " + unitDir + "/" + instance(8) + ".d/x.conf",
		"rm -r " + unitDir + "/" + instance(8) + ".d",
		"systemctl daemon-reload; sleep 0.3; mkdir -p " + unitDir + "/service.d; printf '[Service]\\nNice=1\\n' > " + unitDir + "/service.d/x.conf",
		"rm -r " + unitDir + "/service.d",
	} {
		run(t, "sh", "-c", change)
		if d := cmp.Diff(stale(), staleTogether()); d != "" {
			t.Errorf("after %q: -systemctl +observer:\n%s", change, d)
		}
	}
}

// A lean reading agrees with the full one in all that it reads.
func TestLean(t *testing.T) {
	write(t, map[string]string{"evk-lean.service": sleeper("ExecReload=/bin/true")})
	run(t, "systemctl", "start", "evk-lean")
	c := dial(t, bus.Options{})
	full := read(t, units.New(c, clock, units.Options{}), "evk-lean.service")
	lean := read(t, units.New(c, clock, units.Options{Lean: true}), "evk-lean.service")
	want := state.Unit{
		ID: full.ID, Load: full.Load, Active: full.Active, Sub: full.Sub, NeedReload: full.NeedReload, CanReload: full.CanReload,
		Invocation: full.Invocation, MainPID: full.MainPID, Exe: full.Exe, Entered: full.Entered,
	}
	if d := cmp.Diff(want, lean); d != "" {
		t.Errorf("-full +lean:\n%s", d)
	}
}

func TestHost(t *testing.T) {
	f := observer(t).Host(t.Context())
	if !f.Known() || f.Value.Systemd < 200 || f.Value.UnitsLoaded.IsZero() || f.Value.System == "" {
		t.Errorf("%+v", f)
	}
	run(t, "systemctl", "daemon-reload")
	if g := observer(t).Host(t.Context()); !g.Value.UnitsLoaded.After(f.Value.UnitsLoaded) {
		t.Errorf("units loaded %v, after a reload %v", f.Value.UnitsLoaded, g.Value.UnitsLoaded)
	}
}

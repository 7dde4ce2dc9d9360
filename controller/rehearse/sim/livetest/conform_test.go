package livetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const etc = "/etc/systemd/system/"

func service(lines ...string) string {
	return "[Service]\n" + strings.Join(lines, "\n") + "\n[Install]\nWantedBy=multi-user.target\n"
}

func sleeper(more ...string) string {
	return service(append([]string{"ExecStart=/bin/sleep infinity"}, more...)...)
}

// one is the usual beginning: a unit file, written and loaded, and enabled so
// that systemd keeps it in mind.
func one(name, content string, then ...step) []step {
	return append([]step{write(etc+name, content), daemonReload, enable(name)}, then...)
}

func sh(script string) string { return `ExecStart=/bin/sh -c "` + script + `"` }

var scenarios = map[string]struct {
	units []string
	steps []step
}{
	"a unit that nothing refers to is forgotten": {[]string{"c.service"}, []step{
		write(etc+"c.service", sleeper()), start("c.service"), stop("c.service"), start("c.service"), kill("c.service", "TERM"),
		start("c.service"), kill("c.service", "KILL"), start("c.service"), kill("c.service", "KILL"), reset("c.service"),
	}},
	"an enabled unit is remembered": {[]string{"c.service"}, one("c.service", sleeper(),
		start("c.service"), stop("c.service"), start("c.service"), kill("c.service", "TERM"), start("c.service"),
		kill("c.service", "USR1"), reset("c.service"), restart("c.service"), restart("c.service"), stop("c.service"),
	)},
	"it waits to be started again": {[]string{"c.service"}, one("c.service", sleeper("Restart=always", "RestartSec=1h"),
		start("c.service"), kill("c.service", "KILL"), daemonReload, stop("c.service"),
		start("c.service"), kill("c.service", "TERM"), restart("c.service"), kill("c.service", "KILL"), start("c.service"), stop("c.service"),
	)},
	"it is started again": {[]string{"c.service"}, one("c.service", sleeper("Restart=on-failure", "RestartSec=50ms"),
		start("c.service"), quick(kill("c.service", "KILL")), pass(300*time.Millisecond), quick(kill("c.service", "KILL")), pass(300*time.Millisecond),
		kill("c.service", "TERM"), start("c.service"), stop("c.service"),
	)},
	"the start limit": {[]string{"c.service"}, one("c.service", "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=1h\n"+service("ExecStart=/bin/false", "Restart=always", "RestartSec=20ms"),
		quick(start("c.service")), pass(time.Second), apply("start", "c.service"), apply("reset-failed", "c.service"), quick(start("c.service")), pass(time.Second),
	)},
	"the start limit, by hand": {[]string{"c.service"}, one("c.service", "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=1h\n"+sleeper(),
		start("c.service"), stop("c.service"), start("c.service"), stop("c.service"), apply("start", "c.service"), reset("c.service"), apply("start", "c.service"),
	)},
	"a program that is missing": {[]string{"c.service", "e.service"}, []step{
		write(etc+"c.service", service("ExecStart=/no/such/binary")), write(etc+"e.service", service("Type=exec", "ExecStart=/no/such/binary")), daemonReload,
		start("c.service"), start("e.service"), apply("start", "e.service"),
	}},
	"oneshots": {[]string{"c.service", "f.service", "r.service", "s.service"}, []step{
		write(etc+"c.service", service("Type=oneshot", "ExecStart=/bin/true")), write(etc+"f.service", service("Type=oneshot", "ExecStart=/bin/false")),
		write(etc+"r.service", service("Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/true")), write(etc+"s.service", service("Type=oneshot", "ExecStart=/bin/sleep 60")),
		daemonReload, start("c.service"), start("f.service"), start("r.service"), start("s.service"), stop("s.service"), stop("r.service"), apply("start", "c.service"), apply("start", "f.service"),
	}},
	"readiness": {[]string{"c.service", "n.service", "p.service", "x.service"}, []step{
		write(etc+"c.service", service("Type=notify", "NotifyAccess=all", sh("sleep 0.2; systemd-notify --ready; exec sleep infinity"))),
		write(etc+"n.service", service("Type=notify", "TimeoutStartSec=200ms", sh("exec sleep infinity"))),
		write(etc+"p.service", service("Type=notify", sh("sleep 0.1; exit 0"))),
		write(etc+"x.service", service("Type=notify", sh("sleep 0.1; exit 3"))),
		daemonReload, quick(start("c.service")), pass(500 * time.Millisecond), quick(start("n.service")), pass(500 * time.Millisecond),
		quick(start("p.service")), pass(300 * time.Millisecond), quick(start("x.service")), pass(300 * time.Millisecond), stop("c.service"),
	}},
	"forking": {[]string{"c.service", "f.service"}, []step{
		write(etc+"c.service", service("Type=forking", sh("sleep infinity & exit 0"))), write(etc+"f.service", service("Type=forking", sh("exit 1"))),
		daemonReload, start("c.service"), start("f.service"), stop("c.service"),
	}},
	"exit codes": {[]string{"c.service", "o.service"}, []step{
		write(etc+"c.service", service(sh("sleep 0.1; exit 7"))), write(etc+"o.service", service("SuccessExitStatus=7", sh("sleep 0.1; exit 7"))),
		daemonReload, quick(start("c.service")), quick(start("o.service")), pass(300 * time.Millisecond),
	}},
	"before the start": {[]string{"c.service", "f.service"}, []step{
		write(etc+"c.service", sleeper("ExecStartPre=/bin/sleep 0.2")), write(etc+"f.service", sleeper("ExecStartPre=/bin/false")),
		daemonReload, quick(start("c.service")), pass(400 * time.Millisecond), start("f.service"), stop("c.service"),
	}},
	"conditions": {[]string{"c.service", "y.service"}, []step{
		write(etc+"c.service", "[Unit]\nConditionPathExists=/no/such/path\n"+sleeper()), write(etc+"y.service", "[Unit]\nConditionPathExists=!/no/such/path\n"+sleeper()),
		daemonReload, enable("c.service"), start("c.service"), start("y.service"), apply("start", "c.service"), stop("y.service"),
	}},
	"a mask over what runs": {[]string{"c.service"}, []step{
		write("/usr/lib/systemd/system/c.service", sleeper()), daemonReload, start("c.service"), mask("c.service"), apply("start", "c.service"),
		stop("c.service"), apply("start", "c.service"), apply("mask", "c.service"), unmask("c.service"), apply("start", "c.service"),
	}},
	"a mask over a file is refused": {[]string{"c.service"}, one("c.service", sleeper(), mask("c.service"), apply("mask", "c.service"))},
	"a runtime mask": {[]string{"c.service"}, []step{
		write("/usr/lib/systemd/system/c.service", sleeper()), link("/run/systemd/system/c.service", "/dev/null"), daemonReload, start("c.service"),
		remove("/run/systemd/system/c.service"), daemonReload, start("c.service"),
	}},
	"a mask is renamed over": {[]string{"c.service"}, []step{
		mask("c.service"), write(etc+"c.service", sleeper()), daemonReload, start("c.service"),
	}},
	"edits": {[]string{"c.service"}, one("c.service", sleeper(),
		start("c.service"), write(etc+"c.service", sleeper("RestartSec=5")), daemonReload,
		write(etc+"c.service.d/10-a.conf", "[Service]\nRestart=always\n"), daemonReload,
		write(etc+"c.service.d/10-a.conf", "[Service]\nRestart=no\n"), daemonReload,
		write("/run/systemd/system/c.service.d/20-b.conf", "[Service]\nExecReload=/bin/true\n"), write("/run/systemd/system/c.service.d/05-c.conf", "[Unit]\n"), daemonReload,
		remove(etc+"c.service.d/10-a.conf"), daemonReload, remove(etc+"c.service"), daemonReload, stop("c.service"),
	)},
	"an edit that looks old": {[]string{"c.service"}, one("c.service", sleeper(), start("c.service"),
		write(etc+"c.service", sleeper("RestartSec=5")), by("backdate", func(w world) error { return w.Backdate(etc+"c.service", time.Unix(1e9, 0)) }), daemonReload,
	)},
	"a file that is not loaded yet": {[]string{"c.service"}, []step{
		write(etc+"c.service", sleeper()), start("c.service"), stop("c.service"), write(etc+"c.service", sleeper("Restart=always")), start("c.service"),
	}},
	"words of enablement": {[]string{"c.service", "s.service", "a.service", "alias.service", "none.service", "l.service"}, []step{
		write(etc+"c.service", sleeper()), write(etc+"s.service", "[Service]\nExecStart=/bin/sleep infinity\n"), daemonReload,
		write(etc+"a.service", "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nAlias=alias.service\n"), daemonReload,
		apply("enable", "c.service"), apply("enable", "c.service"), apply("enable", "s.service"), apply("enable", "a.service"), daemonReload, apply("enable", "none.service"),
		start("alias.service"), apply("disable", "c.service"), apply("disable", "c.service"), daemonReload, disable("a.service"),
		link("/run/systemd/system/multi-user.target.wants/c.service", etc+"c.service"), write("/opt/l.service", sleeper()), link(etc+"l.service", "/opt/l.service"), daemonReload,
	}},
	"names": {[]string{"c.service", "other.service", "t@1.service", `t@a-b\x20c.service`, "t@2.service"}, []step{
		write(etc+"c.service", sleeper()), link(etc+"other.service", "c.service"), write(etc+"t@.service", sleeper()), daemonReload,
		start("other.service"), start("t@1.service"), start(`t@a-b\x20c.service`), apply("enable", "t@2.service"), stop("c.service"), stop("t@1.service"),
		write(etc+"t@.service.d/1.conf", "[Service]\nRestart=always\n"), write(etc+"t@2.service.d/2.conf", "[Unit]\n"), daemonReload,
	}},
	"what cannot be started": {[]string{"bad.service", "c.service", "none.service"}, []step{
		write(etc+"bad.service", "[Service]\nType=nonsense\n"), write(etc+"c.service", "[Unit]\nRequires=none.service\n"+sleeper()), daemonReload,
		start("bad.service"), start("none.service"), stop("none.service"), start("c.service"), apply("start", "bad.service"), apply("start", "none.service"), apply("stop", "none.service"), apply("reload", "c.service"),
	}},
	"what it requires": {[]string{"c.service", "d.service"}, []step{
		write(etc+"d.service", service("Type=oneshot", "ExecStart=/bin/false")), write(etc+"c.service", "[Unit]\nRequires=d.service\nAfter=d.service\n"+sleeper()),
		daemonReload, apply("start", "c.service"), write(etc+"d.service", sleeper()), daemonReload, apply("start", "c.service"),
	}},
	"what it conflicts with": {[]string{"c.service", "d.service"}, []step{
		write(etc+"c.service", "[Unit]\nConflicts=d.service\n"+sleeper()), write(etc+"d.service", sleeper()), daemonReload,
		start("d.service"), start("c.service"),
	}},
	"a human's slow stop": {[]string{"c.service"}, one("c.service", sleeper("ExecStop=/bin/sleep 1"),
		start("c.service"), stop("c.service"), apply("start", "c.service"), apply("restart", "c.service"), pass(1200*time.Millisecond), apply("start", "c.service"),
	)},
	"a slow start": {[]string{"c.service"}, one("c.service", sleeper("ExecStartPre=/bin/sleep 60"), start("c.service"), apply("stop", "c.service"), apply("reload", "c.service"), stop("c.service"))},
	"deaf to SIGTERM": {[]string{"c.service"}, one("c.service", service("TimeoutStopSec=300ms", "KillMode=mixed", sh("trap '' TERM; while true; do sleep 1; done")),
		quick(start("c.service")), pass(300*time.Millisecond), quick(stop("c.service")), pass(600*time.Millisecond),
	)},
	"reloads": {[]string{"c.service", "n.service"}, []step{
		write(etc+"c.service", sleeper("ExecReload=/bin/true")), write(etc+"n.service", sleeper()), daemonReload, start("c.service"), start("n.service"),
		reload("c.service"), apply("reload", "c.service"), apply("reload", "n.service"), stop("c.service"), apply("reload", "c.service"),
	}},
	"timers": {[]string{"c.service", "c.timer"}, []step{
		write(etc+"c.service", service("Type=oneshot", "ExecStart=/bin/true")), write(etc+"c.timer", "[Timer]\nOnActiveSec=1h\n[Install]\nWantedBy=timers.target\n"), daemonReload,
		enable("c.timer"), start("c.timer"), start("c.service"), stop("c.timer"),
	}},
	"what is already so": {[]string{"c.service"}, one("c.service", sleeper(),
		apply("stop", "c.service"), apply("start", "c.service"), apply("start", "c.service"), apply("restart", "c.service"), apply("stop", "c.service"),
		apply("stop", "c.service"), apply("reset-failed", "c.service"), apply("unmask", "c.service"),
	)},
}

func TestTheSimulatedHostIsLikeARealOne(t *testing.T) {
	for name, s := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { clean(t, s.units) })
			conform(t, s.units, s.steps)
		})
	}
}

// clean leaves the real host as it was before a scenario.
func clean(t *testing.T, units []string) {
	for _, u := range units {
		_ = systemctl("kill", "--signal=KILL", u)
		_ = systemctl("stop", u)
	}
	for _, dir := range []string{etc, "/run/systemd/system/", "/usr/lib/systemd/system/"} {
		for _, u := range append(units, "t@.service") {
			_ = os.RemoveAll(dir + u)
			_ = os.RemoveAll(dir + u + ".d")
			wants, _ := filepath.Glob(dir + "*.wants/" + u)
			for _, w := range wants {
				_ = os.Remove(w)
			}
		}
	}
	if err := systemctl("daemon-reload"); err != nil {
		t.Error(err)
	}
	_ = systemctl("reset-failed")
	// The next scenario's units have the same names and no past.
	if out, err := exec.Command("journalctl", "--sync", "--rotate", "--vacuum-time=1us").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

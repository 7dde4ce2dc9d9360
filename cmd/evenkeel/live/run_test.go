package live_test

import (
	"strings"
	"testing"
)

// The controller as a process: there is one, it can be told things, it ends
// cleanly, and what listens on its socket is asked who it is.
func TestTheControllerAsAProcess(t *testing.T) {
	t.Parallel()
	b := boot(t, "process")
	b.declare("first", service("first", sleeper(), patient))
	b.keep()
	b.well("first")
	for _, c := range processTests {
		t.Run(c.name, func(t *testing.T) { c.f(b.on(t)) })
	}
}

// log finds a line in evenkeel's journal since a moment.
func (b box) log(unit, text string) {
	b.Helper()
	b.until("the log of "+unit+" says "+text, func() string {
		out := b.sh("journalctl --no-pager -o cat -u " + unit)
		if !strings.Contains(out, text) {
			return "it does not"
		}
		return ""
	})
}

// killed kills evenkeel and waits until it is dead.
const killed = "systemctl kill -s KILL evenkeel; while ! systemctl is-failed -q evenkeel; do sleep 0.02; done; systemctl reset-failed evenkeel"

// patient is for a service that is killed again and again.
const patient = "limits: {restarts: 99, per: 1h, backoff: [100ms]}"

var processTests = []struct {
	name string
	f    func(box)
}{
	{"apply beside it exits 2, and does nothing", func(b box) {
		dir := b.folder("beside", service("beside", sleeper()))
		r := b.must(2, "apply", "-f", dir)
		if !strings.Contains(r.err, "another evenkeel is running") || strings.Count(strings.TrimSpace(r.err), "\n") > 0 {
			b.Errorf("apply says: %s", r.err)
		}
		b.sh("! test -e " + unitDir + "/beside.service")
	}},
	{"a second one waits, says so, and takes over", func(b box) {
		b.write("/run/systemd/system/evenkeel-second.service", strings.Replace(keeperUnit, "[Service]", "[Service]\nRestart=no", 1))
		b.sh("systemctl daemon-reload && systemctl start evenkeel-second")
		b.log("evenkeel-second", "waiting until it ends")
		b.sh("systemctl show -P StatusText evenkeel-second | grep -q waiting")
		b.heals("first", "systemctl kill -s KILL first", "systemd.start Failed", "systemctl is-active first")
		pid := b.sh("systemctl show -P MainPID evenkeel")
		b.sh("systemctl kill -s KILL evenkeel")
		b.log("evenkeel-second", "evenkeel runs")
		b.well("first")
		b.sh("test " + pid + " != $(systemctl show -P MainPID evenkeel-second)")
		b.heals("first", "echo '# by hand' >> "+unitDir+"/first.service", "file.write UnitFileDrift", "! grep -q by.hand "+unitDir+"/first.service")
		b.sh("systemctl stop evenkeel-second && systemctl reset-failed evenkeel && systemctl start evenkeel")
		b.well("first")
	}},
	{"invalid YAML keeps the last good one in force", func(b box) {
		revision := b.board().Revision
		b.write(desiredDir+"/broken.yaml", "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: broken}\nspec: {stat: running}\n")
		b.log("evenkeel", "the last good one stays in force")
		b.heals("first", "systemctl kill -s KILL first", "systemd.start Failed", "systemctl is-active first")
		if now := b.board().Revision; now != revision {
			b.Errorf("revision %s is in force, want %s", now, revision)
		}
		if r := b.evenkeel("status"); !strings.Contains(r.out+r.err, "invalid") && !strings.Contains(r.out+r.err, "DesiredInvalid") {
			b.Errorf("status does not show that the new desired state is invalid:\n%s%s", r.out, r.err)
		}
		b.sh("systemctl reload evenkeel; systemctl is-active evenkeel")
		b.sh("rm " + desiredDir + "/broken.yaml")
		b.until("status no longer complains", func() string {
			if r := b.evenkeel("status"); strings.Contains(r.out, "invalid") {
				return r.out
			}
			return ""
		})
	}},
	{"SIGHUP reads the declaration again", func(b box) {
		b.declare("hup", service("hup", sleeper()))
		b.well("hup")
		// A mount over the file is a change that no watch reports.
		b.write("/srv/hup.yaml", service("hup", sleeper("Nice=6")))
		b.sh("mount --bind /srv/hup.yaml " + desiredDir + "/hup.yaml && systemctl reload evenkeel")
		b.comes("grep -qx Nice=6 " + unitDir + "/hup.service")
		b.well("hup")
	}},
	{"SIGTERM in the middle of a step", func(b box) {
		b.declare("slow", service("slow", gated("slow")))
		b.comes("systemctl show -P ActiveState slow | grep -qx activating")
		b.sh("systemctl kill evenkeel") // SIGTERM, not waited for
		b.log("evenkeel", "step begins")
		b.sh("touch /run/slow.go")
		b.comes("! systemctl is-active -q evenkeel")
		b.sh("systemctl show -P Result evenkeel | grep -qx success")
		if did := b.history("slow"); did[len(did)-1].String() == "" || did[len(did)-1].Verb != "start" || did[len(did)-1].Outcome != "done" {
			b.Errorf("did %v, want a start whose outcome is known", verbs(did))
		}
		b.sh("systemctl start evenkeel")
		b.well("slow", "first")
		if did := verbs(b.history("slow")); countOf(did, "systemd.start NotRunning done") != 1 {
			b.Errorf("did %q, want one start", did)
		}
	}},
	{"kill -9 in the middle of a step", func(b box) {
		b.declare("cut", service("cut", gated("cut")))
		b.comes("systemctl show -P ActiveState cut | grep -qx activating")
		b.until("the step is recorded", func() string {
			if did := b.history("cut"); len(did) == 0 || did[len(did)-1].Verb != "start" {
				return "not yet"
			}
			return ""
		})
		b.sh(killed + "; touch /run/cut.go; systemctl start evenkeel")
		b.well("cut")
		did := b.history("cut")
		if last := did[len(did)-1]; last.Verb != "start" || last.Outcome != "interrupted" && last.Outcome != "done" {
			b.Errorf("did %q", verbs(did))
		}
	}},
	{"a dead socket is replaced", func(b box) {
		b.sh(killed + "; test -S " + socketFile)
		b.sh("systemctl start evenkeel")
		b.well("first")
	}},
	{"another program on the socket", func(b box) {
		b.sh("systemctl stop evenkeel && systemd-run -q --unit=squatter --service-type=exec python3 -c 'import socket,time; s=socket.socket(socket.AF_UNIX); s.bind(\"" + socketFile + "\"); s.listen(); time.sleep(1e6)'")
		b.comes("test -S " + socketFile)
		before := b.sh("find /etc/systemd/system -printf '%p %C@\\n' | sort")
		r := b.must(2, "run", "-f", desiredDir)
		if !strings.Contains(r.err, socketFile) || !strings.Contains(r.err, "--socket") {
			b.Errorf("run says: %s", r.err)
		}
		if after := b.sh("find /etc/systemd/system -printf '%p %C@\\n' | sort"); after != before {
			b.Error(changes(before, after))
		}
		b.sh("systemctl stop squatter; rm -f " + socketFile + "; echo mine > " + socketFile)
		if r := b.must(2, "run", "-f", desiredDir); !strings.Contains(r.err, "no socket") {
			b.Errorf("run says: %s", r.err)
		}
		b.sh("test $(cat " + socketFile + ") = mine && rm " + socketFile + " && systemctl start evenkeel")
		b.well("first")
	}},
	{"what nobody may see", func(b box) {
		nobody := "setpriv --reuid=65534 --regid=65534 --clear-groups "
		b.declare("secretive", service("secretive", sleeper(), "drift: warn",
			`files: [{path: /etc/secretive/env, content: "PASSWORD=declared\n", mode: "0600"}, {path: /etc/secretive/open, content: "A=declared\n"}]`))
		b.comes("test -e /etc/secretive/env && test -e /etc/secretive/open")
		b.well("secretive")
		b.sh("echo PASSWORD=found > /etc/secretive/env; echo A=found > /etc/secretive/open")
		b.until("both are seen", func() string {
			if out := b.evenkeel("diff").out; !strings.Contains(out, "secretive/env") || !strings.Contains(out, "secretive/open") {
				return out
			}
			return ""
		})
		if r := b.try(nobody + "evenkeel status"); r.code != 0 {
			b.Errorf("status as nobody: exit %d %s", r.code, r.err)
		}
		for _, form := range []string{"text", "json", "markdown", "html", "yaml"} {
			if r := b.try(nobody + "evenkeel diff -o " + form); strings.Contains(r.out+r.err, "PASSWORD") || r.code != 1 {
				b.Errorf("diff -o %s as nobody: exit %d\n%s%s", form, r.code, r.out, r.err)
			}
		}
		ask := "python3 -c 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(\"" + socketFile + "\"); s.sendall((sys.argv[1]+\" HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n\").encode()); print(s.recv(65536).decode())' "
		for _, what := range []string{"'GET /v1/view'", "'POST /v1/reload'", "'POST /v1/reconcile'"} {
			if out := b.sh(nobody + ask + what); !strings.Contains(out, "403") {
				b.Errorf("%s as nobody: %s", what, out)
			}
			if out := b.sh(ask + what); !strings.Contains(out, "200 OK") {
				b.Errorf("%s as root: %s", what, out)
			}
		}
		r := b.try(nobody + "evenkeel apply -f " + desiredDir)
		if r.code != 2 || !strings.Contains(r.err, "sudo") {
			b.Errorf("apply as nobody: exit %d %s", r.code, r.err)
		}
		r = b.try(nobody + "evenkeel run -f " + desiredDir)
		if r.code != 2 || !strings.Contains(r.err, "sudo") {
			b.Errorf("run as nobody: exit %d %s", r.code, r.err)
		}
		b.sh("rm -r /etc/secretive")
	}},
}

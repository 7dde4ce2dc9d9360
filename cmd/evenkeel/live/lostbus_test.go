package live_test

import (
	"strings"
	"syscall"
	"testing"
)

// Without the bus evenkeel goes on by systemd's private socket, and when the
// bus or systemd itself begins anew, it looks at everything again. Where nobody
// answers it does nothing, says so, and calls a human, once.
func TestALostBusIsNoLossOfSight(t *testing.T) {
	t.Parallel()
	b := boot(t, "bus")
	b.declare("kept", service("kept", witnessed("kept"), "limits: {restarts: 99, per: 1h, backoff: [100ms]}"))
	b.keep()
	b.well("kept")
	for _, c := range lostBus {
		if !t.Run(c.name, func(t *testing.T) { c.run(b.on(t)) }) {
			t.FailNow() // what comes next would only tell of this
		}
	}
}

var lostBus = []struct {
	name string
	run  func(b box)
}{
	{"the bus is stopped, and comes back", func(b box) {
		b.sh("systemctl stop dbus.socket dbus.service")
		b.keptHealed()
		b.sh("systemctl start dbus.socket dbus.service")
		b.keptHealed()
		b.sh("systemctl restart dbus.service")
		b.keptHealed()
	}},
	{"systemd executes itself again, and again, and loads all anew", func(b box) {
		b.sh("systemctl daemon-reexec")
		b.keptHealed()
		b.Cleanup(func() { b.try("touch /run/storm.over") })
		b.sh("(while ! test -e /run/storm.over; do systemctl daemon-reload; systemctl daemon-reexec; done) >/dev/null 2>&1 & sleep 0.2")
		b.keptHealed()
		b.sh("touch /run/storm.over")
		b.sh("until pid=$(systemctl show -P MainPID kept); test $pid -gt 1; do sleep 0.05; done; systemctl stop dbus.socket dbus.service; kill -KILL $pid; systemctl daemon-reexec; systemctl start dbus.socket dbus.service")
		b.well("kept")
	}},
	{"neither the bus nor systemd's own socket is there", func(b box) {
		if n := b.escalations(); n > 0 {
			b.Fatalf("a human was called %d times before", n)
		}
		b.byTheBus()
		pid, before, starts := b.sh("systemctl show -P MainPID kept"), b.history("kept"), b.sh("cat /run/kept.starts")
		// Evenkeel stands still meanwhile, so that it keeps no way of two.
		b.sh("e=$(systemctl show -P MainPID evenkeel); kill -STOP $e; systemctl stop dbus.socket dbus.service; mv /run/systemd/private /run/systemd/hidden; kill -CONT $e")
		b.sh("test " + pid + " -gt 1 && kill -KILL " + pid)
		b.reason("kept", "UNKNOWN", "Unobserved")
		b.until("a human is called", func() string {
			if b.escalations() == 0 {
				return "not yet"
			}
			return ""
		})
		if p := b.diff(); len(p.Steps) > 0 || len(b.since(before, "kept")) > 0 || b.sh("cat /run/kept.starts") != starts {
			b.Errorf("did %v, plans %v", b.since(before, "kept"), p.Steps)
		}
		if r := b.row("kept"); r.State != "UNKNOWN" {
			b.Errorf("the board says %v", r)
		}
		b.sh("mv /run/systemd/hidden /run/systemd/private; systemctl start dbus.socket dbus.service")
		b.well("kept")
		b.keptHealed()
	}},
	{"the bus hangs", func(b box) {
		pid := b.sh("systemctl show -P MainPID dbus")
		b.byTheBus()
		b.sh("kill -STOP " + pid)
		b.sh(keptKilled)
		b.try("timeout 1 evenkeel reconcile") // nobody tells of it: to have it look
		b.until("it is healed", func() string { return b.sh("pgrep -f -x '/bin/sleep infinity' >/dev/null || echo not yet") })
		b.sh("kill -CONT " + pid)
		b.well("kept")
	}},
	{"systemd itself hangs", func(b box) {
		pid, before := b.sh("systemctl show -P MainPID kept"), b.history("kept")
		goOn := func() { _ = syscall.Kill(b.host.PID(), syscall.SIGCONT) }
		b.Cleanup(goOn)
		if err := syscall.Kill(b.host.PID(), syscall.SIGSTOP); err != nil {
			b.Fatal(err)
		}
		b.sh("test " + pid + " -gt 1 && kill -KILL " + pid)
		b.try("timeout 1 evenkeel reconcile") // to have it look
		b.reason("kept", "UNKNOWN", "Unobserved")
		if did := b.since(before, "kept"); len(did) > 0 {
			b.Errorf("did %v", did)
		}
		goOn()
		b.well("kept")
		b.keptHealed()
		if n := b.escalations(); n != 1 { // this is the same blindness, minutes later
			b.Errorf("a human was called %d times", n)
		}
	}},
}

// byTheBus has evenkeel begin anew, on the bus: it keeps to the private socket
// for as long as that holds.
func (b box) byTheBus() {
	b.Helper()
	b.sh("systemctl restart evenkeel")
	b.keptHealed()
}

// keptKilled waits for a moment where what systemd calls started is yet to be
// executed.
const keptKilled = "until kill -KILL $(pgrep -f -x '/bin/sleep infinity') 2>/dev/null; do sleep 0.05; done"

// keptHealed kills what is kept, and has it healed.
func (b box) keptHealed() {
	b.Helper()
	b.well("kept")
	before := b.history("kept")
	b.sh(keptKilled)
	b.until("it is healed", func() string {
		did := verbs(b.since(before, "kept"))
		if countOf(did, "systemd.start Failed done")+countOf(did, "systemd.start NotRunning done") == 0 {
			return strings.Join(did, ", ")
		}
		return ""
	})
	b.well("kept")
}

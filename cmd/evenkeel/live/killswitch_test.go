package live_test

import (
	"strings"
	"testing"
)

// witnessed is a unit that writes down when it starts, by the kernel's clock.
func witnessed(name string) string {
	return sleeper(`ExecStartPre=/bin/sh -c 'cut -d" " -f1 /proc/uptime >> /run/` + name + `.starts'`)
}

// obeyed breaks a service a second after the kill switch was set, lets evenkeel
// see it, takes the switch away, and demands that no start came before that.
// Nothing of it needs evenkeel's socket or its record.
func (b box) obeyed(name, set string) {
	b.Helper()
	b.sh(set + " && sleep 1 && : > /run/" + name + ".starts && systemctl kill -s KILL " + name)
	b.sh("sleep 3; cut -d' ' -f1 /proc/uptime > /run/" + name + ".lifted; rm " + stopFile) // longer than it takes to heal
	b.comes("systemctl is-active -q " + name)
	if out := b.sh(`awk 'NR==FNR {lifted=$1; next} $1 < lifted {print "started at", $1, "lifted at", lifted}' /run/` + name + `.lifted /run/` + name + `.starts`); out != "" {
		b.Errorf("in spite of the kill switch: %s", out)
	}
	b.sh("test -s /run/" + name + ".starts")
}

// /run/evenkeel/stop is obeyed within a second, whatever else is broken.
func TestTheKillSwitchNeedsNothingElse(t *testing.T) {
	t.Parallel()
	b := boot(t, "switch")
	b.declare("web", service("web", witnessed("web"), "limits: {restarts: 99, per: 1h, backoff: [100ms]}"))
	b.keep()
	b.well("web")
	const set = "touch " + stopFile
	for _, c := range []struct{ name, breaks, set, mends string }{
		{"all is well", "true", set, "true"},
		{"the socket is removed", "rm " + socketFile, set, "systemctl restart evenkeel"},
		{"the record's folder is read-only", "mount --bind /var/lib/evenkeel /var/lib/evenkeel && mount -o remount,ro,bind /var/lib/evenkeel", set, "umount /var/lib/evenkeel"},
		{"the bus is gone", "systemctl stop dbus.socket dbus.service", set, "systemctl start dbus.socket dbus.service"},
		{"the switch is a broken link", "true", "ln -s /no/where " + stopFile, "true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := b.on(t)
			b.sh(c.breaks)
			b.obeyed("web", c.set)
			b.sh(c.mends)
			b.well("web")
		})
	}
	t.Run("the record is damaged", func(t *testing.T) {
		b := b.on(t)
		b.sh("systemctl stop evenkeel && truncate -s 5000 /var/lib/evenkeel/evenkeel.db && touch " + stopFile + " && systemctl kill -s KILL web && systemctl start evenkeel")
		b.held("web", "StoreUntrusted")
		if r := b.evenkeel("diff"); !strings.Contains(r.out, "KillSwitch") {
			b.Errorf("diff does not speak of the kill switch:\n%s", r.out)
		}
		b.sh("systemctl stop evenkeel")
		b.must(0, "check", "--accept-store")
		b.sh("systemctl start evenkeel")
		b.held("web", "KillSwitch")
		b.sh("rm " + stopFile)
		b.well("web")
	})
	t.Run("a human may not pass it either", func(t *testing.T) {
		b := b.on(t)
		b.sh("touch " + stopFile)
		was := b.invocation("web")
		b.says(1, "KillSwitch", "restart", "web", "--timeout", "2s")
		b.sh("rm " + stopFile)
		b.must(0, "reconcile")
		b.well("web")
		if b.invocation("web") != was {
			b.Error("what was withdrawn is done")
		}
	})
}

package live_test

import (
	"fmt"
	"strings"
	"testing"
)

// packageOf makes a Debian package of one file, which is /bin/sleep with a word
// at its end, and returns the shell line that installs it with the host's dpkg.
func (b box) packageOf(path, version string) string {
	b.Helper()
	dir := "/root/package-" + version
	b.write(dir+"/DEBIAN/control", "Package: interpreter\nVersion: "+version+"\nArchitecture: all\nMaintainer: test <test@localhost>\nDescription: an interpreter\n")
	b.sh("mkdir -p " + dir + "$(dirname " + path + ") && cp /bin/sleep " + dir + path + " && echo " + version + " >> " + dir + path +
		" && dpkg-deb -Zgzip -b " + dir + " /root/interpreter-" + version + ".deb")
	return "dpkg -i /root/interpreter-" + version + ".deb"
}

// An interpreter that many services run is upgraded under them by dpkg: they go
// on as they are, and say that they wait for a restart.
func TestAnUpgradedInterpreterRestartsNothing(t *testing.T) {
	t.Parallel()
	const services = 19
	b := boot(t, "interpreter")
	b.sh(b.packageOf("/usr/lib/interpreter/run", "1"))
	upgrade := b.packageOf("/usr/lib/interpreter/run", "2")
	var all, names []string
	for i := range services {
		name := fmt.Sprintf("s%02d", i)
		names = append(names, name)
		all = append(all, service(name, bare("ExecStart=/usr/lib/interpreter/run infinity")))
	}
	b.declare("all", all...)
	b.keep()
	b.well(names...)
	before := b.history("")
	ran := b.sh("systemctl show -P InvocationID " + strings.Join(names, " "))

	b.sh(upgrade)
	b.until("all of them wait for a restart", func() string {
		waiting := 0
		for _, r := range b.board().Services {
			if r.State == "WARN" && r.Reason == "PendingRestart" {
				waiting++
			}
		}
		if waiting != services {
			return fmt.Sprintf("%d of %d", waiting, services)
		}
		return ""
	})
	b.pendingRestart("s07")
	if did := b.since(before, ""); len(did) > 0 {
		t.Errorf("and yet: %v", did)
	}
	if now := b.sh("systemctl show -P InvocationID " + strings.Join(names, " ")); now != ran {
		t.Error("some were restarted")
	}

	b.must(0, "restart", "--pending", "--all") // right after the upgrade, as an operator would
	b.well(names...)
	if did := b.since(before, ""); len(did) != services {
		t.Errorf("by hand: %v", did)
	}
}

// pendingRestart insists on the condition of that name.
func (b box) pendingRestart(name string) {
	b.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Status   struct {
				Conditions []struct{ Type, Status string }
			}
		}
	}
	b.data(&list, "get", "services", "-o", "json")
	for _, o := range list.Items {
		for _, c := range o.Status.Conditions {
			if o.Metadata.Name == name && c.Type == "PendingRestart" && c.Status == "True" {
				return
			}
		}
	}
	b.Errorf("no condition says that %s waits for a restart", name)
}

// lockHolder holds dpkg's lock until /run/lock.go is there.
const lockHolder = `[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/perl -e 'use Fcntl; open F, ">>", "/var/lib/dpkg/lock" or die; my $l = pack("s s l! l! i", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $l) or die; system "systemd-notify", "--ready"; select undef, undef, undef, 0.05 until -e "/run/lock.go"'
`

// While dpkg holds its lock a change is written and disturbs nothing, and for a
// minute after; a repair that disturbs nothing is made at once.
func TestQuietWhilePackagesAreChanged(t *testing.T) {
	t.Parallel()
	b := boot(t, "quiet")
	b.declare("calm", service("calm", sleeper(), fileSpec("calm", "1")))
	b.declare("other", service("other", sleeper()))
	b.keep()
	b.well("calm", "other")
	b.write("/run/systemd/system/locker.service", lockHolder)
	b.sh("systemctl daemon-reload && systemctl start locker")

	before := b.history("calm")
	b.declare("calm", service("calm", sleeper(), fileSpec("calm", "2")))
	b.comes("grep -qx A=2 /etc/calm/env")
	b.held("calm", "PackageManager")
	b.heals("other", "systemctl kill -s KILL other", "systemd.start Failed", "systemctl is-active -q other")
	b.only(b.since(before, "calm"), "file.write FileDrift")

	b.sh("touch /run/lock.go")
	b.until("the lock is free, and there is quiet", func() string {
		for _, h := range b.diff().Held {
			if h.Object == "Service/calm" && h.Reason == "PackageManager" && h.Until != "" {
				return ""
			}
		}
		return "not yet"
	})
	b.only(b.since(before, "calm"), "file.write FileDrift")
	b.well("calm") // a minute later, by itself
	b.only(b.since(before, "calm"), "file.write FileDrift", "systemd.restart StaleProcess")
}

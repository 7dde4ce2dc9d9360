package live_test

import (
	"strings"
	"testing"
)

// A record that cannot be believed is not acted on: evenkeel comes up, looks
// and tells, until a human accepts what is left.
func TestADamagedRecordIsNotActedOn(t *testing.T) {
	t.Parallel()
	b := boot(t, "store")
	b.declare("first", service("first", sleeper()), service("second", sleeper()))
	b.keep()
	b.well("first", "second")
	const db = "/var/lib/evenkeel/evenkeel.db"
	b.sh("systemctl stop evenkeel && cp -a /var/lib/evenkeel /root/good")
	for _, c := range []struct{ name, by string }{
		{"truncated to nothing", "truncate -s 0 " + db},
		{"truncated", "truncate -s 5000 " + db},
		{"overwritten", "dd if=/dev/urandom of=" + db + " bs=4096 count=4 conv=notrunc status=none"},
		{"removed", "rm " + db},
		{"rolled back", "cp /root/old.db " + db},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := b.on(t)
			b.sh("cp " + db + " /root/old.db; systemctl start evenkeel")
			b.well("first", "second")
			b.heals("second", "systemctl disable -q second", "systemd.enable NotEnabled", "systemctl is-enabled -q second")
			b.sh("systemctl stop evenkeel && " + c.by + " && systemctl kill -s KILL first; echo '# by hand' >> " + unitDir + "/second.service")
			before := b.sh("find /etc/systemd/system -printf '%p %i %C@\\n' | sort")
			b.sh("systemctl start evenkeel")
			b.held("first", "StoreUntrusted")
			b.held("second", "StoreUntrusted")
			if after := b.sh("find /etc/systemd/system -printf '%p %i %C@\\n' | sort"); after != before {
				b.Error(changes(before, after))
			}
			b.sh("! systemctl is-active -q first")
			if r := b.must(3, "status", "--fail-on", "held"); !strings.Contains(r.out, "StoreUntrusted") {
				b.Errorf("status: %s", r.out)
			}
			b.sh("systemctl stop evenkeel")
			if r := b.must(1, "check"); !strings.Contains(r.out, "[FAIL] record") {
				b.Errorf("check: %s", r.out)
			}
			b.must(1, "apply", "-f", desiredDir)
			b.sh("! systemctl is-active -q first")
			b.must(0, "check", "--accept-store")
			b.sh("systemctl start evenkeel")
			b.well("first")
			b.comes("! grep -q by.hand " + unitDir + "/second.service")
			b.sh("systemctl restart second") // what it was started with is no longer known
			b.well("second")
			b.sh("systemctl stop evenkeel")
			b.must(0, "check")
		})
	}
}

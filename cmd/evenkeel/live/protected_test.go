package live_test

import (
	"strings"
	"testing"
)

// refused are units that nobody may declare at all.
var refused = []string{
	"evenkeel.service", "evenkeel-tidy.timer", "dbus.service", "dbus.socket", "dbus-broker.service",
	"ssh.service", "ssh.socket", "sshd.service", "sshd@.service", "systemd-journald.service", "systemd-logind.service", "systemd-resolved.service",
}

// guardedUnits may be declared, to be looked at, and are never disturbed: by what
// name they are declared, and what they are.
var guardedUnits = []struct{ name, unit, means string }{
	{"network-manager", "NetworkManager.service", ""},
	{"networking", "networking.service", ""},
	{"firewall", "nftables.service", ""},
	{"terminal", "getty@tty9.service", ""},
	{"session", "user@4711.service", ""},
	{"supplicant", "wpa_supplicant.service", ""},
	{"agent", "our-agent.service", ""}, // by policy
	{"innocent", "innocent.service", "systemd-journald.service"},
	{"automatic", "autovt@tty9.service", "getty@tty9.service"},
}

// What evenkeel and systemd need to work, and the ways by which a human gets in,
// are never disturbed, by whatever name they are declared, whoever asks.
func TestTheProtectedSetIsNeverDisturbed(t *testing.T) {
	t.Parallel()
	b := boot(t, "protected")
	b.write(policyFile, "mode: enforce\nunits: [\"*\"]\npaths: [/**]\nsignatures: none\nprotect: [our-agent.service]\n")
	var estate []string
	b.sh("ln -s /usr/lib/systemd/system/systemd-journald.service " + unitDir + "/innocent.service")
	b.sh("rm -f /usr/lib/systemd/system/autovt@.service; ln -s " + unitDir + "/getty@.service " + unitDir + "/autovt@.service")
	for _, u := range guardedUnits {
		if u.means == "" {
			b.write(unitDir+"/"+templateOf(u.unit), sleeper())
		}
		estate = append(estate, object(u.name, "unit: "+u.unit, "state: stopped", "boot: disabled",
			"dropIns: [{name: 10-x.conf, content: \"[Service]\\nNice=5\\n\"}]"))
	}
	b.sh("systemctl daemon-reload")
	for _, u := range guardedUnits {
		b.sh("systemctl start " + u.unit)
	}
	b.declare("first", service("first", sleeper()))
	b.keep()
	b.well("first")

	t.Run("refused where they are declared", func(t *testing.T) {
		b := b.on(t)
		before := b.history("")
		for _, unit := range refused {
			b.write("/root/one/a.yaml", object("innocent", "unit: "+unit, "state: stopped"))
			if r := b.must(1, "validate", "/root/one"); !strings.Contains(r.err+r.out, "a.yaml:5:") || !strings.Contains(r.err+r.out, "protected") {
				b.Errorf("%s: validate says %s%s", unit, r.out, r.err)
			}
			b.must(2, "apply", "-f", "/root/one")
		}
		b.write(desiredDir+"/refused.yaml", object("innocent", "unit: systemd-journald.service", "state: stopped"))
		b.log("evenkeel", "the last good one stays in force")
		b.sh("rm " + desiredDir + "/refused.yaml")
		if did := b.since(before, ""); len(did) > 0 {
			b.Errorf("did %v", did)
		}
	})
	t.Run("held where they are not", func(t *testing.T) {
		b := b.on(t)
		before := map[string]string{}
		for _, u := range guardedUnits {
			before[u.unit] = b.sh("systemctl show -P ActiveState -P InvocationID -P DropInPaths -P UnitFileState " + u.unit)
		}
		b.declare("estate", estate...)
		for _, u := range guardedUnits {
			b.held(u.name, "Protected")
		}
		b.must(0, "reconcile")
		for _, u := range guardedUnits {
			if r := b.held(u.name, "Protected"); !strings.Contains(r.Detail, u.means) {
				b.Errorf("%s: the board does not say what it is: %s", u.unit, r.Detail)
			}
			for _, verb := range []string{"stop", "start", "restart"} {
				if r := b.must(1, verb, u.name); !strings.Contains(r.err, "protected set") {
					b.Errorf("%s %s says %s", verb, u.name, r.err)
				}
			}
			if now := b.sh("systemctl show -P ActiveState -P InvocationID -P DropInPaths -P UnitFileState " + u.unit); now != before[u.unit] {
				b.Errorf("%s was touched: %s", u.unit, changes(before[u.unit], now))
			}
			b.sh("! test -e '" + unitDir + "/" + u.unit + ".d/10-x.conf'")
			if did := b.history(u.name); len(did) > 0 {
				b.Errorf("%s: did %v", u.name, did)
			}
		}
	})
}

// templateOf is the name of the file that a unit is made of.
func templateOf(unit string) string {
	name, rest, ok := strings.Cut(unit, "@")
	if !ok {
		return unit
	}
	return name + "@" + rest[strings.LastIndex(rest, "."):]
}

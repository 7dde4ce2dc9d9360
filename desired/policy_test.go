package desired

import "testing"

// TestUnitGlobs is what policy's globs over unit names mean.
func TestUnitGlobs(t *testing.T) {
	for _, c := range []struct {
		glob, unit string
		matches    bool
	}{
		{"*", "web.service", true},
		{"web", "web.service", true},
		{"web.service", "web.service", true},
		{"web.service", "web", false},
		{"web", "web.timer", false},
		{"web.timer", "web.timer", true},
		{"web*", "web-1.service", true},
		{"web*", "my-web.service", false},
		{"*.timer", "web.timer", true},
		{"*-web", "my-web.service", true},
		{"w?b", "wib.service", true},
		{"[vw]eb", "web.service", true},
		{"worker@*", "worker@3.service", true},
		{"worker@", "worker@3.service", false},
	} {
		p := Policy{Units: []string{c.glob}}
		if got := p.AllowsUnit(c.unit); got != c.matches {
			t.Errorf("%s matches %s: %v, want %v", c.glob, c.unit, got, c.matches)
		}
	}
}

// TestProtected names some of what nobody may ask evenkeel to disturb.
func TestProtected(t *testing.T) {
	p := Policy{Protect: []string{"vault"}}
	for unit, want := range map[string]bool{
		"ssh.service": true, "sshd.service": true, "dbus.service": true, "systemd-journald.service": true, "evenkeel.service": true,
		"user@0.service": true, "multi-user.target": true, "vault.service": true, "web.service": false, "ssh-tunnel.service": false,
	} {
		if got := p.Protected(unit); got != want {
			t.Errorf("%s: %v, want %v", unit, got, want)
		}
	}
}

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

// TestApproval is what policy's actions mean: the full name counts before the verb
// alone, and that before the actuator. A revert is a push, too.
func TestApproval(t *testing.T) {
	for _, c := range []struct {
		actions map[string]string
		action  string
		want    string
	}{
		{nil, "systemd.restart", Auto},
		{nil, "cache.flush", Approve},
		{nil, "gather.redis.ttls", Auto}, // it changes nothing
		{map[string]string{"gather": Approve}, "gather.redis.ttls", Approve},
		{map[string]string{"cache": Auto}, "cache.flush", Auto},
		{map[string]string{"cache": Auto, "flush": Approve}, "cache.flush", Approve},
		{map[string]string{"cache.flush": Auto, "flush": Approve}, "cache.flush", Auto},
		{nil, "git.push", Approve},
		{map[string]string{"git.push": Auto}, "git.push", Auto},
		{map[string]string{"git.push": Auto, "push": Approve}, "git.push", Auto},
		{map[string]string{"git.revert": Auto}, "git.push", Approve},
		{nil, "git.revert", Approve},
		{map[string]string{"rollback": Auto, "restart": Auto}, "git.revert", Approve},
		{map[string]string{"git.revert": Auto}, "git.revert", Auto},
		{map[string]string{"revert": Auto}, "git.revert", Auto},
		{map[string]string{"git": Auto}, "git.revert", Auto},
		{map[string]string{"git.push": Auto}, "git.revert", Auto},
		{map[string]string{"push": Auto}, "git.revert", Auto},
		{map[string]string{"git.revert": Auto, "git.push": Approve}, "git.revert", Approve},
		{map[string]string{"git.revert": Auto, "push": Approve}, "git.revert", Approve},
		{map[string]string{"git.revert": Auto, "git": Approve}, "git.revert", Approve},
		{map[string]string{"git.push": Auto, "revert": Approve}, "git.revert", Approve},
		{map[string]string{"git.push": Auto, "git.revert": Approve}, "git.revert", Approve},
	} {
		if got := (Policy{Actions: c.actions}).Approval(c.action); got != c.want {
			t.Errorf("%s by %v: %s, want %s", c.action, c.actions, got, c.want)
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

package live_test

import (
	"fmt"
	"strings"
	"testing"
)

// Who asks decides what he may: root and the members of evenkeel-op change
// things, everybody reads. Who it was is recorded by the kernel's word, and by
// what sudo says where root asks.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	b := boot(t, "peers")
	b.sh("groupadd evenkeel-op && useradd -m -G evenkeel-op olga && useradd -m otto")
	b.declare("web", service("web", strings.Replace(sleeper("ExecReload=/bin/true"), "[Service]", "StartLimitIntervalSec=0\n[Service]", 1), patient))
	b.keep()
	b.well("web")
	const drop = "--clear-groups --reset-env "
	peers := []struct {
		name, as string
		changes  bool
		actor    string
	}{
		{"root", "", true, "root"},
		{"root, by sudo", "env SUDO_USER=otto ", true, "otto (sudo)"},
		{"a member of the group", "setpriv --reuid=olga --regid=olga " + drop, true, "olga"},
		{"a member who pretends to be another", "setpriv --reuid=olga --regid=olga " + drop + "env SUDO_USER=root SSH_CONNECTION='203.0.113.7 1 2 3' ", true, "olga"},
		{"another user", "setpriv --reuid=otto --regid=otto " + drop, false, ""},
		{"another user who pretends to be root", "setpriv --reuid=otto --regid=otto " + drop + "env SUDO_USER=root USER=root ", false, ""},
		{"another user in a namespace of his own", "setpriv --reuid=otto --regid=otto " + drop + "unshare --user --map-root-user ", false, ""},
		{"nobody", "setpriv --reuid=65534 --regid=65534 --clear-groups ", false, ""},
	}
	changes := []string{
		"restart web", "reload web", "stop web", "start web", "suspend web --for 1h", "resume web", "suspend host", "resume host", "retry web",
		"release web", "resume web", "reconcile", "hold web -- true",
	}
	reads := []string{"status", "status web -o json", "diff", "get services", "describe web", "history", "why web", "version", "actuators"}
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			b := b.on(t)
			before := len(b.deeds("web"))
			for _, line := range changes {
				r := b.try(p.as + "evenkeel " + line)
				switch {
				case p.changes && r.code != 0:
					b.Errorf("%s: exit %d, want 0\n%s%s", line, r.code, r.out, r.err)
				case !p.changes && (r.code != 2 || !strings.Contains(r.err, "evenkeel-op") || !strings.Contains(r.err, "sudo") || r.out != ""):
					b.Errorf("%s: exit %d, want 2, and whom to be\n%s%s", line, r.code, r.out, r.err)
				}
			}
			for _, line := range reads {
				if r := b.try(p.as + "evenkeel " + line); r.code != 0 && r.code != 1 {
					b.Errorf("%s: exit %d\n%s%s", line, r.code, r.out, r.err)
				}
			}
			did := b.deeds("web")[before:]
			if !p.changes && len(did) > 0 {
				b.Errorf("and yet it was done: %+v", did)
			}
			var said []string
			for _, d := range did {
				said = append(said, d.Verb+" "+d.Actor)
			}
			if p.changes {
				want := fmt.Sprintf("[restart %[1]s reload %[1]s stop %[1]s start %[1]s]", p.actor)
				if fmt.Sprint(said) != want {
					b.Errorf("recorded: %v, want %s", said, want)
				}
			}
			b.well("web")
		})
	}
}

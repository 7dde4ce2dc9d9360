package live_test

import (
	"slices"
	"strings"
	"testing"
)

// gated is a unit that does not start before /run/NAME.go is there.
func gated(name string) string {
	return sleeper("ExecStartPre=/bin/sh -c 'until test -e /run/" + name + ".go; do sleep 0.05; done'")
}

// The world changes between two steps of one apply: what rests on the old world
// is not done.
func TestTheRestOfAnOldPlanIsNotDone(t *testing.T) {
	t.Parallel()
	b := boot(t, "between")
	for _, c := range betweenTests {
		t.Run(c.name, func(t *testing.T) {
			alone := b.on(t) // each with a record of its own
			alone.args = []string{"--state-dir", "/root/" + strings.ReplaceAll(c.name, " ", "-")}
			c.f(alone)
		})
	}
}

// during applies a folder, does something while a unit is held up in its start,
// then lets it start, and returns how apply ended.
func (b box) during(dir, gate, by string) result {
	b.Helper()
	ended := make(chan result)
	go func() { ended <- b.evenkeel("apply", "-f", dir, "--timeout", "60s") }()
	b.comes("systemctl show -P ActiveState " + gate + " | grep -qx activating")
	b.sh(by)
	b.sh("touch /run/" + gate + ".go")
	return <-ended
}

// folder declares objects in a folder of its own.
func (b box) folder(name string, objects ...string) string {
	b.Helper()
	dir := "/root/" + name
	b.write(dir+"/all.yaml", strings.Join(objects, "---\n"))
	return dir
}

var betweenTests = []struct {
	name string
	f    func(box)
}{
	{"a later unit is masked", func(b box) {
		dir := b.folder("m", service("m-first", gated("m-first")), service("m-second", sleeper(), "dependsOn: [m-first]"))
		r := b.during(dir, "m-first", "ln -sf /dev/null "+unitDir+"/m-second.service && systemctl daemon-reload")
		if r.code != 1 || !strings.Contains(r.out, "Masked") {
			b.Errorf("apply: exit %d, want 1 and Masked\n%s%s", r.code, r.out, r.err)
		}
		b.sh("systemctl is-active -q m-first && test $(readlink " + unitDir + "/m-second.service) = /dev/null")
		if did := verbs(b.history("m-second")); slices.ContainsFunc(did, func(s string) bool { return strings.HasPrefix(s, "systemd.start") }) {
			b.Errorf("a masked unit was to be started: %q", did)
		}
	}},
	{"a later unit's file is edited", func(b box) {
		dir := b.folder("e", service("e-first", gated("e-first")), service("e-second", sleeper(), "dependsOn: [e-first]"))
		r := b.during(dir, "e-first", "sed -i s/infinity/1h/ "+unitDir+"/e-second.service")
		if r.code != 0 {
			b.Errorf("apply: exit %d\n%s%s", r.code, r.out, r.err)
		}
		b.sh(`tr '\0' ' ' < /proc/$(systemctl show -P MainPID e-second)/cmdline | grep -q infinity`)
		did := verbs(b.history("e-second"))
		if slices.Index(did, "systemd.start NotRunning done") != len(did)-1 || countOf(did, "file.write UnitFileDrift done") != 2 {
			b.Errorf("did %q, want the file written again before the start", did)
		}
	}},
	{"a dependency is killed", func(b box) {
		dir := b.folder("k", service("k-base", sleeper()), service("k-gate", gated("k-gate")), service("k-last", sleeper(), "dependsOn: [k-base, k-gate]"))
		r := b.during(dir, "k-gate", "systemctl is-active -q k-base && touch /run/k-base.dead && systemctl kill -s KILL k-base && sleep 0.1")
		if r.code != 0 {
			b.Errorf("apply: exit %d\n%s%s", r.code, r.out, r.err)
		}
		b.sh("systemctl is-active k-base k-gate k-last")
		b.sh("a() { systemctl show -P ActiveEnterTimestampMonotonic $1; }; test $(a k-base) -lt $(a k-last)")
		if did := verbs(b.history("k-base")); countOf(did, "systemd.start Failed done") != 1 {
			b.Errorf("did %q, want one start after the kill", did)
		}
	}},
	{"a dependency is stopped by hand", func(b box) {
		dir := b.folder("s", service("s-base", sleeper()), service("s-gate", gated("s-gate")), service("s-last", sleeper(), "dependsOn: [s-base, s-gate]"))
		r := b.during(dir, "s-gate", "systemctl stop s-base")
		if r.code != 1 || !strings.Contains(r.out, "ManualStop") || !strings.Contains(r.out, "DependencySick") {
			b.Errorf("apply: exit %d, want 1, ManualStop and DependencySick\n%s%s", r.code, r.out, r.err)
		}
		b.sh("! systemctl is-active -q s-base && ! systemctl is-active -q s-last")
	}},
	{"the kill switch is set", func(b box) {
		dir := b.folder("w", service("w-first", gated("w-first")), service("w-second", sleeper(), "dependsOn: [w-first]"))
		r := b.during(dir, "w-first", "touch "+stopFile)
		b.sh("rm " + stopFile)
		if r.code != 1 || !strings.Contains(r.out, "KillSwitch") {
			b.Errorf("apply: exit %d, want 1 and KillSwitch\n%s%s", r.code, r.out, r.err)
		}
		b.sh("systemctl is-active -q w-first && ! systemctl is-active -q w-second")
	}},
	{"somebody else starts it", func(b box) {
		dir := b.folder("o", service("o-first", gated("o-first")), service("o-second", sleeper(), "dependsOn: [o-first]"))
		r := b.during(dir, "o-first", "systemctl start o-second")
		if r.code != 0 {
			b.Errorf("apply: exit %d\n%s%s", r.code, r.out, r.err)
		}
		if did := verbs(b.history("o-second")); slices.ContainsFunc(did, func(s string) bool { return strings.HasPrefix(s, "systemd.start") }) {
			b.Errorf("it ran already, and yet %q", did)
		}
	}},
}

func countOf(all []string, one string) int {
	n := 0
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

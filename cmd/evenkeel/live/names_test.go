package live_test

import (
	"strings"
	"testing"
)

// template is a unit of the distribution's of which there are many instances.
const template = "/usr/lib/systemd/system/tpl@.service"

// bystanders are named nearly as what is declared.
var bystanders = []string{`tpl@b-c.service`, `tpl@b.service`, `tpl@b\x2dcd.service`, `tpl@.x.service`, "b-c.service", "nearly.service"}

const (
	invocations  = `for u in 'tpl@b-c' tpl@b 'tpl@b\x2dcd' tpl@.x b-c nearly; do systemctl show -P InvocationID -P ActiveState "$u"; done`
	declaredOne  = `'tpl@b\x2dc'`
	escapedLinks = "ls /etc/systemd/system/multi-user.target.wants | grep ^tpl@"
)

// Of an instance with an escaped name, and of a unit that is declared by its
// alias, exactly the one that is meant is touched, whatever is done to it.
func TestOnlyTheUnitThatIsMeantIsTouched(t *testing.T) {
	t.Parallel()
	b := boot(t, "names")
	b.write(template, sleeper())
	for _, name := range []string{"b-c", "nearly", "real"} {
		b.write("/usr/lib/systemd/system/"+name+".service", sleeper())
	}
	b.sh("ln -s real.service /usr/lib/systemd/system/nick.service && systemctl daemon-reload")
	for _, u := range bystanders {
		b.sh("systemctl start '" + u + "'")
	}
	b.declare("first", object("escaped", `unit: 'tpl@b\x2dc.service'`, "boot: enabled", patient), object("nick", "unit: nick.service", patient))
	b.keep()
	b.well("escaped", "nick")
	before := b.sh(invocations)
	for _, c := range nameTests {
		t.Run(c.name, func(t *testing.T) {
			b := b.on(t)
			c.f(b)
			if now := b.sh(invocations); now != before {
				t.Errorf("a bystander was touched:\n%s", changes(before, now))
			}
		})
	}
}

var nameTests = []struct {
	name string
	f    func(box)
}{
	{"an escaped instance is killed", func(b box) {
		did := b.heals("escaped", "systemctl kill -s KILL "+declaredOne, "systemd.start Failed", "systemctl is-active -q "+declaredOne)
		b.only(did, "systemd.start Failed")
	}},
	{"it is disabled", func(b box) {
		b.heals("escaped", "systemctl disable -q "+declaredOne, "systemd.enable NotEnabled", "systemctl is-enabled -q "+declaredOne)
		if links := b.sh(escapedLinks); links != `tpl@b\x2dc.service` {
			b.Errorf("enabled are %q", links)
		}
	}},
	{"it is restarted by hand", func(b box) {
		was := b.sh("systemctl show -P InvocationID " + declaredOne)
		b.must(0, "restart", "escaped")
		if now := b.sh("systemctl show -P InvocationID " + declaredOne); now == was {
			b.Error("it was not restarted")
		}
	}},
	{"it is stopped by hand, and stays so", func(b box) {
		b.holds("escaped", "systemctl stop "+declaredOne, "ManualStop", "! systemctl is-active -q "+declaredOne)
		b.must(0, "start", "escaped")
		b.well("escaped")
	}},
	{"a bystander is none of evenkeel's", func(b box) {
		b.sh("systemctl start tpl@other && systemctl kill -s KILL tpl@other")
		b.comes("systemctl is-failed -q tpl@other")
		b.must(0, "reconcile")
		b.well("escaped")
		b.sh("systemctl is-failed -q tpl@other && systemctl reset-failed tpl@other")
	}},
	{"an alias: its unit is killed, ends, is stopped by hand", func(b box) {
		did := b.heals("nick", "systemctl kill -s KILL real", "systemd.start Failed", "systemctl is-active -q real")
		b.only(did, "systemd.start Failed")
		did = b.heals("nick", "kill -TERM $(systemctl show -P MainPID real)", "systemd.start NotRunning", "systemctl is-active -q real")
		b.only(did, "systemd.start NotRunning")
		b.holds("nick", "systemctl stop real", "ManualStop", "! systemctl is-active -q real")
		b.sh("systemctl start real")
		b.well("nick")
		b.sh("test $(readlink /usr/lib/systemd/system/nick.service) = real.service && ! test -e " + unitDir + "/nick.service")
	}},
	{"a service and its unit are given other names", func(b box) {
		b.write("/usr/lib/systemd/system/stays.service", sleeper())
		b.sh("ln -s stays.service /usr/lib/systemd/system/same.service && systemctl daemon-reload")
		b.declare("second", service("old", sleeper(), "onRemove: delete"), object("moves", "unit: stays.service", "onRemove: stop"))
		b.well("old", "moves")
		pids := b.sh("systemctl show -P MainPID old stays")
		before := b.history("")
		b.declare("second", service("new", sleeper(), "unit: old.service", "onRemove: delete"), object("moves", "unit: same.service", "onRemove: stop"))
		b.well("new", "moves")
		b.must(0, "reconcile")
		b.well("new", "moves")
		if did := b.since(before, ""); len(did) > 0 {
			b.Errorf("only names have changed, and yet: %v", did)
		}
		if now := b.sh("systemctl show -P MainPID old stays"); now != pids {
			b.Errorf("processes changed: %s", changes(pids, now))
		}
		// The new name has the files of the old one, and lets go of them as it says.
		b.declare("second", object("moves", "unit: same.service", "onRemove: stop"))
		b.comes("! test -e " + unitDir + "/old.service && ! systemctl is-active -q old")
		b.sh("systemctl is-active -q stays")
	}},
	{"one unit under two names", func(b box) {
		b.declare("twice", object("twice", "unit: real.service", "state: stopped"))
		b.held("nick", "UnitInvalid")
		b.comes("! systemctl is-active -q real")
		before := b.history("nick")
		b.must(0, "reconcile")
		b.held("nick", "UnitInvalid")
		if did := b.since(before, "nick"); len(did) > 0 {
			b.Errorf("the two fight: %v", did)
		}
		if r := b.row("nick"); !strings.Contains(r.Detail, "declared by Service/twice") {
			b.Errorf("status says %s", r.Detail)
		}
		b.sh("rm " + desiredDir + "/twice.yaml")
		b.until("nick is alone again", func() string {
			if r := b.row("nick"); r.Reason == "UnitInvalid" {
				return r.Reason
			}
			return ""
		})
		b.sh("systemctl start real")
		b.well("nick")
	}},
}

package live_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Whether a unit runs: every row of systemd's own truth, made by hand.
func TestWhatIsDownIsHealedOrHeldAsDeclared(t *testing.T) {
	t.Parallel()
	b := boot(t, "state")
	b.declare("first", service("first", sleeper()))
	b.keep()
	b.well("first")
	for _, w := range downs {
		t.Run(w.name, func(t *testing.T) { w.run(t, b) })
	}
	for name, f := range stateTests {
		t.Run(name, func(t *testing.T) { f(b.on(t)) })
	}
}

const mainPID = "$(systemctl show -P MainPID $S)"

var downs = []way{
	{
		name: "killed", by: "systemctl kill -s KILL $S",
		why: "systemd.start Failed", all: []string{"systemd.start Failed"}, proof: "systemctl is-active -q $S",
	},
	{
		name: "ended-cleanly", by: "kill -TERM " + mainPID,
		why: "systemd.start NotRunning", all: []string{"systemd.start NotRunning"}, proof: "systemctl is-active -q $S",
	},
	{
		name: "started-although-stopped", spec: []string{"state: stopped", "boot: disabled"}, by: "systemctl start $S",
		why: "systemd.stop NotStopped", all: []string{"systemd.stop NotStopped"}, proof: "! systemctl is-active -q $S",
	},
	{
		name: "stopped-by-hand", by: "systemctl stop $S", held: "ManualStop", proof: "! systemctl is-active -q $S",
	},
	{
		name: "stopped-by-hand-briefly", spec: []string{"manualStop: {hold: 2s}"}, by: "systemctl stop $S",
		why: "systemd.start NotRunning", all: []string{"systemd.start NotRunning"}, proof: "systemctl is-active -q $S",
	},
	{
		name: "stopped-and-edited", by: "systemctl stop $S && " + byHand,
		why: "file.write UnitFileDrift", all: []string{"file.write UnitFileDrift"}, proof: "! systemctl is-active -q $S",
		ends: "ManualStop",
	},
	{
		name: "masked", by: "ln -sf /dev/null $U && systemctl daemon-reload && systemctl stop $S", held: "Masked",
		proof: "test $(readlink $U) = /dev/null && ! systemctl is-active -q $S",
	},
	{
		name: "masked-while-it-runs", by: "ln -sf /dev/null $U && systemctl daemon-reload", held: "Masked",
		proof: "test $(readlink $U) = /dev/null && systemctl is-active -q $S",
	},
	{
		name: "masked-and-killed", by: unseen("ln -sf /dev/null $U && systemctl kill -s KILL $S"), held: "Masked",
		proof: "test $(readlink $U) = /dev/null && ! systemctl is-active -q $S",
	},
	{
		name: "kept-by-its-own-leftover", unit: bare("Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/true"), by: "systemctl stop $S", held: "ManualStop",
	},
}

var stateTests = map[string]func(box){
	"a stop by hand is lifted by a start": func(b box) {
		b.declare("lifted", service("lifted", sleeper()))
		b.well("lifted")
		b.holds("lifted", "systemctl stop lifted", "ManualStop", "")
		b.sh("systemctl start lifted")
		b.well("lifted")
		b.heals("lifted", "systemctl kill -s KILL lifted", "systemd.start Failed", "systemctl is-active lifted")
	},
	"a mask stands when a commit changes the unit file": func(b box) {
		b.declare("veiled", service("veiled", sleeper()))
		b.well("veiled")
		b.holds("veiled", unseen("ln -sf /dev/null "+unitDir+"/veiled.service && systemctl daemon-reload && systemctl kill -s KILL veiled"), "Masked", "")
		before := b.history("veiled")
		revision := b.board().Revision
		b.declare("veiled", service("veiled", sleeper("Nice=3")))
		b.until("the commit is in force", func() string {
			if now := b.board().Revision; now == revision {
				return now
			}
			return ""
		})
		b.held("veiled", "Masked")
		b.sh("test $(readlink " + unitDir + "/veiled.service) = /dev/null && ! systemctl is-active -q veiled")
		if did := b.since(before, "veiled"); len(did) > 0 {
			b.Errorf("did %v", did)
		}
		b.sh("rm " + unitDir + "/veiled.service && systemctl daemon-reload")
		b.well("veiled")
		b.sh("test $(systemctl show -P Nice veiled) = 3")
	},
	"a vendor's unit that is masked": func(b box) {
		b.write("/usr/lib/systemd/system/vendored.service", sleeper())
		b.sh("systemctl daemon-reload")
		b.declare("vendored", object("vendored", "unit: vendored.service"))
		b.well("vendored")
		b.holds("vendored", "systemctl mask -q --now vendored", "Masked", "test $(readlink "+unitDir+"/vendored.service) = /dev/null")
		b.sh("systemctl unmask -q vendored")
		b.until("the mask is gone, and with it the hold", func() string {
			r := b.row("vendored")
			if r.State == "OK" || r.Reason == "ManualStop" {
				return ""
			}
			return r.State + " " + r.Reason
		})
	},
	"systemd's own restart is left alone": func(b box) {
		b.declare("restless", service("restless", bare("ExecStart=/bin/sh -c 'echo started >> /run/restless.witness; exec sleep infinity'", "Restart=always", "RestartSec=5")))
		b.well("restless")
		before := b.history("restless")
		for i, by := range []string{"systemctl kill -s KILL restless", "kill -TERM $(systemctl show -P MainPID restless)"} {
			b.sh(by)
			b.held("restless", "SystemdActing")
			b.must(0, "reconcile")
			b.comes(fmt.Sprintf("test $(wc -l < /run/restless.witness) = %d", i+2))
			b.well("restless")
		}
		if did := b.since(before, "restless"); len(did) > 0 {
			b.Errorf("systemd restarts it, and yet: %v", did)
		}
		b.sh("test $(wc -l < /run/restless.witness) = $((1 + $(systemctl show -P NRestarts restless)))")
	},
	"a start that somebody cancels is not begun beside what goes on": func(b box) {
		b.declare("called-off", service("called-off", bare("ExecStartPre=/bin/sh -c 'echo started >> /run/called-off.witness; until test -e /run/called-off.go; do sleep 0.05; done'", "ExecStart=/bin/sleep infinity"), patient))
		b.comes("test $(systemctl show -P ActiveState called-off) = activating && systemctl cancel $(systemctl show -P Job called-off)")
		b.until("the step says who ended it", func() string {
			did := b.history("called-off")
			if last := did[len(did)-1]; last.Verb != "start" || last.Outcome != "refused" || !strings.Contains(last.Detail, "canceled") {
				return last.String()
			}
			return ""
		})
		b.must(0, "reconcile")
		b.held("called-off", "SystemdActing")
		b.sh("test $(wc -l < /run/called-off.witness) = 1 && touch /run/called-off.go")
		b.well("called-off")
		b.sh("test $(wc -l < /run/called-off.witness) = 1")
	},
	"what conflicts with a human's start waits for it": func(b box) {
		slow := "ExecStartPre=/bin/sh -c 'until test -e /run/wanted.go; do sleep 0.05; done'"
		b.write("/usr/lib/systemd/system/wanted.service", bare(slow, "ExecStart=/bin/sleep infinity"))
		b.sh("systemctl daemon-reload && systemd-run -q -r --unit=human systemctl start wanted")
		b.comes("systemctl show -P ActiveState wanted | grep -qx activating")
		b.declare("rival", service("rival", "[Unit]\nConflicts=wanted.service\n"+bare("ExecStart=/bin/sleep infinity"), patient))
		b.until("the start is refused", func() string {
			did := b.history("rival")
			if len(did) == 0 || did[len(did)-1].Verb != "start" || did[len(did)-1].Outcome != "refused" {
				return strings.Join(verbs(did), ", ")
			}
			return ""
		})
		b.sh("systemctl show -P ActiveState wanted | grep -qx activating; touch /run/wanted.go")
		b.comes("systemctl show -P SubState human | grep -qx exited") // his start came to its end
		b.sh("rm " + desiredDir + "/rival.yaml; systemctl stop wanted human")
	},
	"an auto-restart that takes long is not stuck": func(b box) {
		b.declare("slow-restart", service("slow-restart", sleeper("Restart=always", "RestartSec=1h")))
		b.well("slow-restart")
		b.holds("slow-restart", "systemctl kill -s KILL slow-restart", "SystemdActing", "systemctl show -P SubState slow-restart | grep -qx auto-restart")
		if r := b.row("slow-restart"); r.State != "FAIL" {
			b.Errorf("a crash loop is %s on the board, want FAIL", r.State)
		}
	},
	"a timer, and the oneshot that it starts": func(b box) {
		b.declare("tick",
			object("tick-timer", "unit: tick.timer", "unitFile:", "  content: |", indent("[Timer]\nOnCalendar=*-12-24 00:00:00\n[Install]\nWantedBy=timers.target\n", "    ")),
			service("tick", "[Service]\nType=oneshot\nExecStart=/bin/true\n", "state: ignored"))
		b.well("tick", "tick-timer")
		b.sh("systemctl is-active -q tick.timer && systemctl is-enabled -q tick.timer && ! systemctl is-active -q tick.service")
		before := b.history("tick")
		b.sh("systemctl start tick.service")
		b.well("tick")
		if did := b.since(before, "tick"); len(did) > 0 {
			b.Errorf("a oneshot ran and rests, and yet: %v", did)
		}
		b.heals("tick-timer", "systemctl disable -q tick.timer", "systemd.enable NotEnabled", "systemctl is-enabled -q tick.timer")
	},
	"a socket, and the service that it starts": func(b box) {
		b.declare("door",
			object("door-socket", "unit: door.socket", "unitFile:", "  content: |", indent("[Socket]\nListenStream=/run/door.sock\nAccept=no\n[Install]\nWantedBy=sockets.target\n", "    ")),
			service("door", "[Service]\nExecStart=/bin/sleep infinity\n"))
		b.well("door", "door-socket")
		b.sh("systemctl is-active -q door.socket && test -S /run/door.sock")
		if r := b.row("door"); r.Active != "inactive" {
			b.Errorf("door.service is %s, and nobody has knocked", r.Active)
		}
		b.holds("door-socket", "systemctl stop door.socket", "ManualStop", "")
	},
	"a distribution's oneshot": func(b box) {
		b.write("/usr/lib/systemd/system/once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
		b.sh("systemctl daemon-reload")
		b.declare("once", object("once", "unit: once.service"))
		b.well("once")
	},
	"replicas, killed and scaled down": func(b box) {
		unit := sleeper()
		b.declare("worker", service("worker", unit, "unit: worker@.service", "replicas: 3"))
		b.well("worker")
		b.sh("systemctl is-active worker@1 worker@2 worker@3 && systemctl is-enabled worker@1 worker@2 worker@3")
		did := b.heals("worker", "systemctl kill -s KILL worker@2", "systemd.start Failed", "systemctl is-active worker@2")
		b.only(did, "systemd.start Failed")
		before := b.history("worker")
		b.declare("worker", service("worker", unit, "unit: worker@.service", "replicas: 2"))
		b.comes("! systemctl is-active -q worker@3 && ! systemctl is-enabled -q worker@3")
		b.well("worker")
		b.only(b.since(before, "worker"), "systemd.stop NotDeclared", "systemd.disable NotDeclared")
		b.sh("systemctl is-active worker@1 worker@2 && test -e " + unitDir + "/worker@.service")
	},
	"a unit that systemd does not know": func(b box) {
		b.declare("ghost", object("ghost", "unit: ghost.service"))
		b.held("ghost", "UnitInvalid")
		b.must(3, "status", "ghost")
		if did := b.history("ghost"); len(did) > 0 {
			b.Errorf("did %v", did)
		}
		b.write("/usr/lib/systemd/system/ghost.service", sleeper())
		b.sh("systemctl daemon-reload")
		b.well("ghost")
	},
	"a unit whose condition is not met": func(b box) {
		b.declare("picky", service("picky", strings.Replace(sleeper(), "[Service]", "ConditionPathExists=/run/picky.wish\n[Service]", 1)))
		b.comes("systemctl show -P ConditionTimestamp picky | grep -q . && systemctl show -P ConditionResult picky | grep -qx no")
		b.until("the board says that it does not run", func() string {
			if r := b.row("picky"); r.State == "OK" || r.Active != "inactive" {
				return r.State + " " + r.Active
			}
			return ""
		})
		b.sh("touch /run/picky.wish && systemctl start picky")
		b.well("picky")
	},
	"starts that fail are limited, and the limits are kept": func(b box) {
		unit := bare("ExecStartPre=/bin/sh -c '! test -e /run/weak.broken'", "ExecStart=/bin/sleep infinity")
		b.declare("weak", service("weak", unit, "limits: {restarts: 2, per: 1h, backoff: [1s]}"))
		b.well("weak")
		before := b.history("weak")
		b.sh("touch /run/weak.broken; systemctl kill -s KILL weak")
		b.until("its budget is spent", func() string {
			if r := b.row("weak"); r.Reason != "BudgetSpent" || r.State != "FAIL" {
				return r.State + " " + r.Reason + " " + r.Detail
			}
			return ""
		})
		did := verbs(b.since(before, "weak"))
		if want := []string{"systemd.start Failed failed", "systemd.start Failed failed"}; !slices.Equal(did, want) {
			b.Errorf("did %q, want %q", did, want)
		}
		b.sh("rm /run/weak.broken")
		b.sh("systemctl restart evenkeel")
		b.held("weak", "BudgetSpent")
		b.sh("systemctl start weak")
		b.well("weak")
	},
	"what depends on something held waits": func(b box) {
		b.declare("chain", service("ground", sleeper()), service("roof", sleeper(), "dependsOn: [ground]"))
		b.well("ground", "roof")
		before := b.history("roof")
		b.sh(unseen("systemctl stop ground && systemctl kill -s KILL roof"))
		b.held("ground", "ManualStop")
		b.held("roof", "DependencySick")
		if did := b.since(before, "roof"); len(did) > 0 {
			b.Errorf("did %v", did)
		}
		b.sh("systemctl start ground")
		b.well("ground", "roof")
		b.only(b.since(before, "roof"), "systemd.start Failed")
	},
	"a chain that is down is started in order": func(b box) {
		b.declare("row", service("row1", sleeper()), service("row2", sleeper(), "dependsOn: [row1]"), service("row3", sleeper(), "dependsOn: [row2]"))
		b.well("row1", "row2", "row3")
		b.sh(unseen("systemctl kill -s KILL row3 row2 row1; while systemctl is-active -q row1 row2 row3; do sleep 0.01; done"))
		b.comes("systemctl is-active row1 row2 row3")
		b.well("row1", "row2", "row3")
		b.sh("a() { systemctl show -P ActiveEnterTimestampMonotonic $1; }; test $(a row1) -lt $(a row2) && test $(a row2) -lt $(a row3)")
	},
	"systemd's start limit is reset within our own": func(b box) {
		unit := strings.Replace(sleeper(), "[Service]", "StartLimitBurst=3\nStartLimitIntervalSec=1h\n[Service]", 1)
		b.declare("limited", service("limited", unit, "limits: {restarts: 9, per: 1h, backoff: [1s]}"))
		b.well("limited")
		did := b.heals("limited", unseen("for i in 1 2 3 4 5; do systemctl restart limited; done; systemctl show -P Result limited | grep -qx start-limit-hit"),
			"systemd.start NotRunning", "systemctl is-active -q limited")
		b.only(did, "systemd.reset-failed StartLimitHit", "systemd.start NotRunning")
	},
	"the kill switch": func(b box) {
		b.declare("switched", service("switched", sleeper()))
		b.well("switched")
		b.holds("switched", "touch "+stopFile+"; systemctl kill -s KILL switched", "KillSwitch", "! systemctl is-active -q switched")
		b.sh("rm " + stopFile)
		b.well("switched")
	},
}

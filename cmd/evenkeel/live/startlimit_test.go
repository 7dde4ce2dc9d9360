package live_test

import (
	"slices"
	"strings"
	"testing"
)

// limited has systemd refuse a fourth start within the hour.
func limited(unit string) string {
	return strings.Replace(unit, "[Service]", "StartLimitBurst=3\nStartLimitIntervalSec=1h\n[Service]", 1)
}

// systemd refuses to start what was started too often, and says so in the unit's
// Result only where nothing had failed before.
func TestTheStartLimitOfSystemdIsResetWithinOurOwn(t *testing.T) {
	t.Parallel()
	b := boot(t, "startlimit")
	b.declare("first", service("first", sleeper()))
	b.keep()
	b.well("first")
	for _, w := range limits {
		t.Run(w.name, func(t *testing.T) { w.run(t, b) })
	}
	for name, f := range limitTests {
		t.Run(name, func(t *testing.T) { f(b.on(t)) })
	}
}

const (
	roomy   = "limits: {restarts: 9, per: 1h, backoff: [1s]}"
	notTold = "; test $(systemctl show -P Result $S) = "
)

// whileBroken is a program that fails as long as /run/NAME.broken is there.
const whileBroken = "/bin/sh -c 'if test -e /run/%N.broken; then exit 1; fi; exec sleep infinity'"

var limits = []way{
	{
		name: "killed-too-often", unit: limited(sleeper()), spec: []string{roomy},
		by:  unseen("until systemctl kill -s KILL $S; until systemctl is-failed -q $S; do :; done; ! systemctl start $S; do :; done" + notTold + "signal"),
		why: "systemd.start NotRunning", all: []string{"systemd.reset-failed StartLimitHit", "systemd.start NotRunning"},
		proof: "systemctl is-active -q $S",
	},
	{
		name: "crash-loop", unit: limited(bare("ExecStart="+whileBroken, "Restart=always", "RestartSec=0")), spec: []string{roomy},
		by:  unseen("touch /run/$S.broken; systemctl kill -s KILL $S; until systemctl is-failed -q $S; do :; done; rm /run/$S.broken" + notTold + "exit-code"),
		why: "systemd.start NotRunning", all: []string{"systemd.reset-failed StartLimitHit", "systemd.start NotRunning"},
		proof: "systemctl is-active -q $S",
	},
	{
		name: "crash-loop-before-the-start", unit: limited(bare("ExecStartPre=/bin/sh -c '! test -e /run/%N.broken'", "ExecStart=/bin/sleep infinity", "Restart=on-failure", "RestartSec=0")),
		spec: []string{roomy},
		by:   unseen("touch /run/$S.broken; systemctl kill -s KILL $S; until systemctl is-failed -q $S; do :; done; rm /run/$S.broken" + notTold + "exit-code"),
		why:  "systemd.start NotRunning", all: []string{"systemd.reset-failed StartLimitHit", "systemd.start NotRunning"},
		proof: "systemctl is-active -q $S",
	},
	{
		name: "killed-once", unit: limited(sleeper()), spec: []string{roomy},
		by:  unseen("systemctl kill -s KILL $S; until systemctl is-failed -q $S; do :; done"),
		why: "systemd.start Failed", all: []string{"systemd.start Failed"}, proof: "systemctl is-active -q $S",
	},
}

var limitTests = map[string]func(box){
	"what stays broken is given up": func(b box) {
		unit := limited(bare("ExecStart="+whileBroken, "Restart=always", "RestartSec=0"))
		b.declare("hopeless", service("hopeless", unit, "limits: {restarts: 2, per: 1h, backoff: [1s]}"))
		b.well("hopeless")
		before := b.history("hopeless")
		b.sh(unseen("touch /run/hopeless.broken; systemctl kill -s KILL hopeless; until systemctl is-failed -q hopeless; do :; done"))
		b.givenUp("hopeless", before)
	},
	"what never ran is given up, too": func(b box) {
		b.sh("touch /run/stillborn.broken")
		unit := limited(bare("ExecStart="+whileBroken, "Restart=always", "RestartSec=0"))
		b.declare("stillborn", service("stillborn", unit, "limits: {restarts: 2, per: 1h, backoff: [1s]}"))
		b.givenUp("stillborn", nil)
	},
}

// givenUp waits until the budget of a service is spent, and insists that
// systemd's limit was reset no more often than that allows.
func (b box) givenUp(name string, before []step) {
	b.Helper()
	b.held(name, "BudgetSpent")
	resets, charged := 0, 0
	did := b.since(before, name)
	for _, s := range did {
		switch {
		case s.Verb == "reset-failed":
			resets++
		case s.Verb == "start" && resets > 0:
			charged++
		}
	}
	if resets != 2 || charged != 2 {
		b.Errorf("%d resets and %d starts after them, want 2 and 2: %q", resets, charged, verbs(did))
	}
	if !slices.ContainsFunc(did, func(s step) bool { return s.Reason == "StartLimitHit" }) {
		b.Errorf("the start limit was not named: %q", verbs(did))
	}
}

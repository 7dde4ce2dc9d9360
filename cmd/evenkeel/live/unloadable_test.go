package live_test

import (
	"strings"
	"testing"
)

// counted is a unit that writes down each of its starts.
const counted = "[Service]\nExecStartPre=/bin/sh -c 'echo started >> /run/$S.witness'\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"

// unloadables are the ways in which systemd cannot load a unit: its LoadState,
// and what somebody did to the distribution's unit file $V.
var unloadables = []struct{ state, by string }{
	{"not-found", "rm $V"},
	{"bad-setting", "printf '[Service]\\nType=oneshot\\nRestart=always\\nExecStart=/bin/true\\n' > $V"},
	{"error", "{ echo; printf '#'; head -c 2000000 /dev/zero | tr '\\0' x; echo; } >> $V"}, // a line longer than systemd reads
}

// What systemd cannot load is told, and not started, neither by evenkeel itself nor
// for who asks, until it can be loaded again.
func TestWhatSystemdCannotLoadIsNotStarted(t *testing.T) {
	t.Parallel()
	b := boot(t, "unloadable")
	b.declare("first", service("first", sleeper()))
	b.keep()
	b.well("first")
	for _, c := range unloadables {
		t.Run(c.state, func(t *testing.T) {
			b := b.on(t)
			name := "is-" + c.state
			vendor := "/usr/lib/systemd/system/" + name + ".service"
			fill := func(line string) string {
				return strings.ReplaceAll(strings.ReplaceAll(line, "$V", vendor), "$S", name)
			}
			b.write(vendor, fill(counted))
			b.sh("systemctl daemon-reload")
			b.declare(name, object(name, "unit: "+name+".service", patient))
			b.well(name)
			starts := b.sh(fill("wc -l < /run/$S.witness"))
			b.holds(name, unseen(fill(c.by+" && systemctl daemon-reload && systemctl kill -s KILL $S")), "UnitInvalid",
				fill("test $(systemctl show -P LoadState $S) = "+c.state+" && ! systemctl is-active -q $S"))
			before := b.history(name)
			b.must(1, "start", name, "--timeout", "5s")
			b.must(0, "reconcile")
			b.held(name, "UnitInvalid")
			if r := b.row(name); r.State != "FAIL" {
				b.Errorf("on the board it is %s", r.State)
			}
			for _, s := range b.since(before, name) {
				if s.Reason != "ByHand" {
					b.Errorf("did %s", s)
				}
			}
			if now := b.sh(fill("wc -l < /run/$S.witness")); now != starts {
				b.Errorf("it was started %s times, and then %s", starts, now)
			}
			b.write(vendor, fill(counted))
			b.sh("systemctl daemon-reload")
			b.well(name)
		})
	}
}

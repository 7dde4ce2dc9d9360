package live_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// crowd is how many units are stopped at once: four times this many stops are
// to be respected, each of them.
const crowd = 25

// members names the units of a crowd.
func members(name string) (all []string) {
	for i := range crowd {
		all = append(all, fmt.Sprintf("%s-%02d", name, i))
	}
	return all
}

// gather declares a crowd and waits until all of it is well.
func (b box) gather(name, unitFile string, spec ...string) (all []string, line string) {
	b.Helper()
	all = members(name)
	var objects []string
	for _, n := range all {
		objects = append(objects, service(n, strings.ReplaceAll(unitFile, "NAME", n), spec...))
	}
	b.declare(name, objects...)
	b.well(all...)
	return all, strings.Join(all, " ")
}

// stands demands that every stop stands: none of the crowd runs, each is held
// as stopped by hand, and nothing was begun after the stops.
func (b box) stands(all []string) {
	b.Helper()
	b.must(0, "reconcile")
	b.until("all are respected", func() string {
		held := map[string]string{}
		for _, h := range b.diff().Held {
			if h.Reason == "ManualStop" {
				held[h.Object] = h.Until
			}
		}
		rows := map[string]row{}
		for _, r := range b.board().Services {
			rows[r.Object] = r
		}
		for _, n := range all {
			if held["Service/"+n] == "" {
				return n + " is not held as stopped by hand"
			}
			if r := rows["Service/"+n]; r.State != "HELD" || r.Active != "inactive" && r.Active != "failed" {
				return fmt.Sprintf("%s is %s: %s %s", n, r.State, r.Active, r.Reason)
			}
		}
		return ""
	})
	if out := b.try("systemctl is-active " + strings.Join(all, " ")).out; strings.Contains(out, "\nactive") || strings.HasPrefix(out, "active") {
		b.Errorf("some run: %s", out)
	}
	b.Logf("%d of %d stops stand", len(all), len(all))
}

// A human's stop is respected however it came: while evenkeel looks on, while
// it is down, slowly, and while evenkeel itself is starting the unit.
func TestAHumansStopStands(t *testing.T) {
	t.Parallel()
	b := boot(t, "stops")
	b.declare("first", service("first", sleeper()))
	b.keep()
	b.well("first")
	t.Run("live", func(t *testing.T) {
		b := b.on(t)
		all, line := b.gather("live", sleeper("Restart=always"))
		before := b.history("")
		b.sh("systemctl stop " + line)
		b.stands(all)
		b.nothingSince(before)
	})
	t.Run("while the controller is down", func(t *testing.T) {
		b := b.on(t)
		all, line := b.gather("down", sleeper("Restart=always"))
		before := b.history("")
		b.sh("systemctl stop evenkeel && systemctl stop " + line + " && systemctl start evenkeel")
		b.stands(all)
		b.nothingSince(before)
	})
	t.Run("with a slow ExecStop", func(t *testing.T) {
		b := b.on(t)
		all, line := b.gather("slow", sleeper("Restart=always", "ExecStop=/bin/sh -c 'until test -e /run/slow.go; do sleep 0.1; done'"))
		before := b.history("")
		b.sh("systemctl stop --no-block " + line)
		b.comes("test $(systemctl list-units --state=deactivating --no-legend 'slow-*' | wc -l) = " + fmt.Sprint(crowd))
		b.must(0, "reconcile")
		b.held(all[0], "ManualStop")
		b.held(all[crowd-1], "ManualStop")
		b.sh("touch /run/slow.go")
		b.comes("! systemctl list-units --state=deactivating --no-legend 'slow-*' | grep -q .")
		b.stands(all)
		b.nothingSince(before)
	})
	t.Run("of what fails as it is stopped, live and while the controller is down", func(t *testing.T) {
		b := b.on(t)
		all, line := b.gather("sour", bare("ExecStart=/bin/sh -c 'trap \"exit 143\" TERM; while :; do sleep 0.1; done'"))
		before := b.history("")
		half := crowd / 2
		b.sh("systemctl stop " + strings.Join(all[:half], " "))
		b.sh("systemctl stop evenkeel && systemctl stop " + strings.Join(all[half:], " ") + " && systemctl start evenkeel")
		b.sh("test $(systemctl list-units --state=failed --no-legend 'sour-*' | wc -l) = " + fmt.Sprint(len(strings.Fields(line))))
		b.stands(all)
		b.nothingSince(before)
	})
	t.Run("during our own start", func(t *testing.T) {
		b := b.on(t)
		b.sh("touch /run/race.go")
		all, line := b.gather("race", sleeper("ExecStartPre=/bin/sh -c 'until test -e /run/race.go; do sleep 0.05; done'"), patient)
		b.sh("rm /run/race.go && systemctl kill -s KILL " + line)
		b.comes("test $(systemctl list-units --state=activating --no-legend 'race-*' | wc -l) = " + fmt.Sprint(crowd)) // by evenkeel
		b.sh("systemctl stop " + line + " && touch /run/race.go")
		b.stands(all)
		for _, n := range all {
			if did := b.history(n); did[len(did)-1].Verb != "start" || did[len(did)-1].Outcome == "done" {
				b.Errorf("%s: the last step is %s, want the start that was cut off", n, did[len(did)-1])
			}
		}
	})
	t.Run("at any moment of our own restarts", func(t *testing.T) {
		b := b.on(t)
		slow := "ExecStop=/bin/sleep 0.05\nExecStartPre=/bin/sleep 0.05"
		all, line := b.gather("any", sleeper(slow), patient)
		var changed []string
		for _, n := range all {
			changed = append(changed, service(n, sleeper(slow, "Nice=1"), patient))
		}
		b.declare("any", changed...)
		b.comes("systemctl list-units --no-legend --state=deactivating,activating 'any-*' | grep -q .")
		b.sh("i=100; for u in " + line + "; do { sleep $((i / 1000)).$(printf %03d $((i % 1000))); systemctl stop $u; } & i=$((i + 120)); done; wait")
		b.stands(all)
		cut := 0
		for _, n := range all {
			if did := b.history(n); did[len(did)-1].Verb == "restart" {
				cut++
			}
		}
		b.Logf("of %d some were restarted meanwhile: %d", len(all), cut)
	})
	t.Run("for its hour, and no longer", func(t *testing.T) {
		b := b.on(t)
		b.sh("systemctl stop evenkeel")
		before := b.history("")
		down := func() int {
			out := b.try("systemctl list-units --all --no-legend --state=inactive,failed 'live-*' 'down-*' 'slow-*' 'sour-*' 'race-*' 'any-*'").out
			return strings.Count(out, "\n")
		}
		stopped := down()
		if stopped < 6*crowd {
			t.Fatalf("%d are down, want all %d", stopped, 6*crowd)
		}
		if r := b.later(55*time.Minute, "apply", "-f", desiredDir, "--timeout", "20s"); r.code != 1 {
			t.Errorf("apply, 55 minutes later: exit %d, want 1\n%s%s", r.code, r.out, r.err)
		}
		b.nothingSince(before)
		if n := down(); n != stopped {
			t.Errorf("after 55 minutes %d of %d are down", n, stopped)
		}
		if r := b.later(65*time.Minute, "apply", "-f", desiredDir, "--timeout", "60s"); r.code != 0 {
			t.Errorf("apply, 65 minutes later: exit %d, want 0\n%s%s", r.code, r.out, r.err)
		}
		if n := down(); n != 0 {
			t.Errorf("the hour is over, and %d are down", n)
		}
	})
}

// nothingSince demands that no step was begun.
func (b box) nothingSince(before []step) {
	b.Helper()
	if did := b.since(before, ""); len(did) > 0 {
		b.Errorf("stopped by hand, and yet: %v", did)
	}
}

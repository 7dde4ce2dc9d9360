package live_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// conditional lets a unit start only where something is so.
func conditional(unit, condition string) string {
	return strings.Replace(unit, "[Service]", condition+"\n[Service]", 1)
}

// systemd passes over the start of a unit whose condition is not met. That is
// said, and not tried again and again: but at once when a file has changed that
// the condition may be about.
func TestAnUnmetConditionIsToldAndNotTriedAgainAndAgain(t *testing.T) {
	t.Parallel()
	b := boot(t, "condition")
	b.declare("first", service("first", sleeper()))
	b.keep()
	b.well("first")
	for name, f := range conditionTests {
		t.Run(name, func(t *testing.T) { f(b.on(t)) })
	}
}

var conditionTests = map[string]func(box){
	"a file that a deploy brings": func(b box) {
		b.declare("deployed", service("deployed", conditional(sleeper(), "ConditionPathExists=/srv/deployed/current"), "watch: [/srv/deployed/current]"))
		b.passedOver("deployed", nil, "ConditionPathExists=/srv/deployed/current")
		b.sh("mkdir -p /srv/deployed && touch /srv/deployed/current")
		b.well("deployed")
	},
	"a file that a commit brings": func(b box) {
		unit := conditional(sleeper(), "ConditionPathExists=/etc/committed/env")
		b.declare("committed", service("committed", unit))
		b.passedOver("committed", nil, "ConditionPathExists=/etc/committed/env")
		b.declare("committed", service("committed", unit, "files: [{path: /etc/committed/env, content: \"A=1\\n\"}]"))
		b.well("committed")
	},
	"a commit takes the condition away": func(b box) {
		b.declare("freed", service("freed", conditional(sleeper(), "ConditionHost=another")))
		b.passedOver("freed", nil, "ConditionHost=another")
		b.declare("freed", service("freed", sleeper()))
		b.well("freed")
	},
	"a daemon-reload at once": func(b box) {
		b.declare("reloaded", service("reloaded", conditional(sleeper(), "ConditionHost=another")))
		told := b.held("reloaded", "Backoff").Detail
		b.sh("systemctl daemon-reload")
		b.held("reloaded", "Backoff")
		if now := b.row("reloaded").Detail; now != told {
			b.Errorf("told %q, and after a reload %q", told, now)
		}
	},
	"of several, those that are not met": func(b box) {
		b.declare("several", service("several", conditional(sleeper(),
			"ConditionPathExists=/run\nConditionPathExists=|/no/a\nConditionPathIsDirectory=|/no/b\nConditionPathExists=!/run/evenkeel"), "boot: disabled"))
		told := b.passedOver("several", nil, "ConditionPathExists=!/run/evenkeel")
		if strings.Contains(told, "=/run,") || strings.Contains(told, "=/run)") {
			b.Errorf("a condition that is met is told of: %s", told)
		}
	},
	"what had been running": func(b box) {
		b.declare("vetoed", service("vetoed", conditional(sleeper(), "ConditionPathExists=!/run/vetoed.veto"), roomy))
		b.well("vetoed")
		before := b.history("vetoed")
		b.sh("touch /run/vetoed.veto; systemctl kill -s KILL vetoed")
		b.passedOver("vetoed", before, "ConditionPathExists=!/run/vetoed.veto")
		b.sh("rm /run/vetoed.veto && systemctl start vetoed")
		b.well("vetoed")
		b.heals("vetoed", "systemctl kill -s KILL vetoed", "systemd.start Failed", "systemctl is-active -q vetoed")
	},
}

// passedOver waits until a service is held for its condition, which is named,
// for ten minutes after the one start that was tried; it returns what is told.
func (b box) passedOver(name string, before []step, condition string) string {
	b.Helper()
	r := b.held(name, "Backoff")
	if r.State != "FAIL" || !strings.Contains(r.Detail, condition) {
		b.Errorf("%s is %s: %q, want FAIL and %s", name, r.State, r.Detail, condition)
	}
	var starts []step
	for _, s := range b.since(before, name) {
		if s.Verb == "start" {
			starts = append(starts, s)
		}
	}
	if len(starts) != 1 || starts[0].Outcome != "refused" || !strings.Contains(starts[0].Detail, condition) {
		b.Errorf("starts: %v, want one that was refused for %s", starts, condition)
	}
	lines := strings.Split(strings.TrimSpace(b.must(0, "history", "-o", "json", name).out), "\n")
	var last struct{ Time time.Time }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		b.Fatal(err)
	}
	for _, h := range b.diff().Held {
		until, err := time.Parse(time.RFC3339, h.Until)
		if h.Object == "Service/"+name && (err != nil || until.Sub(last.Time) < 9*time.Minute) {
			b.Errorf("tried at %v, held until %q, %v; want ten minutes", last.Time, h.Until, err)
		}
	}
	return r.Detail
}

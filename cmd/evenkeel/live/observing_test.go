package live_test

import (
	"strings"
	"testing"
)

// activity is `report -o json`; the contract has more fields.
type activity struct {
	Steps     int
	WouldHave []struct {
		Object, Action, Reason string
		Targets                []string
		Count, Standing        int
	}
}

const observing = "mode: observe\nunits: [\"*\"]\npaths: [/etc/**]\nsignatures: none\n"

// would waits until the report says what would have been done since a time: a
// line each of object, action, reason, how often, and how often still.
func (b box) would(since string, want ...string) {
	b.Helper()
	b.until("the report", func() string {
		var a activity
		b.data(&a, "report", "--since", since, "-o", "json")
		var got []string
		for _, w := range a.WouldHave {
			got = append(got, strings.Join([]string{w.Object, w.Action, w.Reason, count(w.Count), count(w.Standing)}, " "))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			return "it says\n" + strings.Join(got, "\n") + "\nwant\n" + strings.Join(want, "\n")
		}
		if a.Steps > 0 {
			b.Fatalf("%d steps were done in mode observe", a.Steps)
		}
		return ""
	})
}

func count(n int) string { return string(rune('0' + n)) }

// In mode observe evenkeel does nothing, and can say later what it would have
// done: how often, and whether it still would.
func TestObservingTellsWhatWouldHaveBeenDone(t *testing.T) {
	t.Parallel()
	b := boot(t, "would")
	b.declare("estate", service("web", sleeper()), service("db", sleeper()), service("calm", sleeper()))
	b.must(0, "apply", "-f", desiredDir)
	b.write(policyFile, observing)
	since := b.sh("date -u +%FT%T.%NZ")
	b.keep()
	b.well("web", "db", "calm")
	b.would(since)

	b.holds("web", "systemctl kill -s KILL web", "ObserveOnly", "! systemctl is-active -q web")
	b.holds("db", "echo '# by hand' >> "+unitDir+"/db.service", "ObserveOnly", "grep -q by.hand "+unitDir+"/db.service")
	edited := "Service/db file.write UnitFileDrift 1 1\nService/db systemd.daemon-reload DaemonReloadNeeded 1 1"
	b.would(since, edited, "Service/web systemd.start Failed 1 1")
	b.sh("! systemctl is-active -q web && grep -q by.hand " + unitDir + "/db.service")

	b.sh("systemctl start web")
	b.would(since, edited, "Service/web systemd.start Failed 1 0")
	b.sh("systemctl kill -s KILL web")
	b.would(since, edited, "Service/web systemd.start Failed 2 1")

	// What a human stopped is left to him in mode enforce as well.
	b.sh("systemctl stop calm")
	b.until("the stop is respected", func() string {
		for _, h := range b.diff().Held {
			if h.Object == "Service/calm" && h.Reason == "ManualStop" {
				return ""
			}
		}
		return "no ManualStop"
	})
	stands := []string{edited, "Service/web systemd.start Failed 2 1"}
	b.would(since, stands...)

	// A new process knows what the old one noted, and notes nothing anew.
	b.sh("systemctl restart evenkeel")
	b.held("web", "ObserveOnly")
	b.would(since, stands...)
	b.explained("web", "ObserveOnly", "systemd.start web.service")
	b.sh("systemctl stop evenkeel")
	b.would(since, stands...) // from the record alone
	b.explained("web", "ObserveOnly", "systemd.start web.service")
	for _, form := range []string{"text", "markdown"} {
		if out := b.must(0, "report", "--since", since, "-o", form).out; !strings.Contains(out, "Nothing was done") || !strings.Contains(out, "Service/web") {
			t.Errorf("-o %s: %s", form, out)
		}
	}

	b.write(policyFile, strings.Replace(observing, "observe", "enforce", 1))
	b.sh("systemctl start evenkeel")
	b.well("web", "db")
	var a activity
	b.data(&a, "report", "--since", since, "-o", "json")
	for _, w := range a.WouldHave {
		if w.Standing > 0 {
			t.Errorf("evenkeel acts, and %s of %s is still held back", w.Action, w.Object)
		}
	}
	if a.Steps == 0 {
		t.Error("what was done is not in the report")
	}
}

// explained insists on what why says of a service that is held.
func (b box) explained(name, reason, action string) {
	b.Helper()
	var w struct {
		Object, State, Rule string
		Held                []struct{ Reason string }
		Evidence            []struct{ Fact, Value, At string }
		Budget              struct{ Left *int }
		Unblocks, Commands  []string
	}
	b.data(&w, "why", name, "-o", "json")
	if w.Object != "Service/"+name || w.State != "HELD" || len(w.Held) != 1 || w.Held[0].Reason != reason || !strings.Contains(w.Rule, action) {
		b.Errorf("why says %+v", w)
	}
	if len(w.Evidence) == 0 || len(w.Unblocks) == 0 || w.Budget.Left == nil || !strings.Contains(strings.Join(w.Commands, "\n"), "journalctl -u "+name+".service --since") {
		b.Errorf("why says %+v", w)
	}
	for _, c := range w.Commands {
		if strings.HasPrefix(c, "systemctl") || strings.HasPrefix(c, "journalctl") {
			if r := b.try(c + " > /dev/null"); r.code > 3 || strings.Contains(r.err, "Failed to parse") {
				b.Errorf("%s: exit %d %s", c, r.code, r.err)
			}
		}
	}
	if r := b.must(0, "why", name); !strings.Contains(r.out, reason) {
		b.Errorf("why says %s", r.out)
	}
	b.must(4, "why", "no-such-service")
}

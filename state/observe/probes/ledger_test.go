package probes

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

var (
	good    = ask.Sample{}
	bad     = ask.Sample{Class: state.ClassStatus, Detail: "status 500"}
	refused = ask.Sample{Class: state.ClassRefused, Detail: "nobody listens on 127.0.0.1:80"}
	blind   = ask.Sample{Err: "look up example.org: no answer from DNS"}
)

func second(n int) state.Time {
	return state.Time{Wall: time.Unix(int64(n), 0), Up: time.Duration(n) * time.Second, Boot: "b"}
}

// book feeds samples to a ledger, a second apart from second 1 on: + - ? by the
// schedule, s for a success and f for a failure beside it.
func book(l *ledger, samples string) {
	for i, c := range samples {
		s, counts := good, true
		switch c {
		case '-':
			s = bad
		case '?':
			s = blind
		case 'f':
			s, counts = bad, false
		case 's':
			counts = false
		}
		l.take(s, second(i+1), counts)
	}
}

func tell(l *ledger) string {
	v, text := l.fact.Value, "pending"
	if v.Verdict != state.ProbePending {
		text = fmt.Sprintf("%s since %d", v.Verdict, int(v.Since.Seconds()))
	}
	if v.Failing != 0 {
		text += fmt.Sprintf(", failing since %d", int(v.Failing.Seconds()))
	}
	if v.Class != "" {
		text += ", " + v.Class
	}
	if l.fact.Err != "" {
		text += ", unknown"
	}
	return text
}

func TestTheVerdict(t *testing.T) {
	for _, c := range []struct {
		name                string
		failures, successes int
		samples             string
		want                string
	}{
		{"nothing asked yet", 3, 1, "", "pending"},
		{"the first success", 3, 1, "+", "success since 1"},
		{"failures below the threshold", 3, 1, "--", "pending, failing since 1, status"},
		{"as many failures as the threshold", 3, 1, "---", "failure since 1, failing since 1, status"},
		{"the verdict is as old as its first sample", 3, 1, "+++---", "failure since 4, failing since 4, status"},
		{"more of the same changes nothing", 3, 1, "+------", "failure since 2, failing since 2, status"},
		{"a success between failures", 3, 1, "--+--", "success since 3, failing since 4, status"},
		{"a blip below the threshold", 3, 1, "++-+", "success since 1"},
		{"a success after the verdict", 3, 1, "---+", "success since 4"},
		{"successThreshold", 2, 3, "++", "pending"},
		{"successThreshold reached", 2, 3, "+++", "success since 1"},
		{"successThreshold after a failure", 2, 3, "--++", "failure since 1, status"},
		{"successThreshold after a failure, reached", 2, 3, "--+++", "success since 3"},
		{"successThreshold begins anew", 2, 3, "++-++", "pending"},
		{"failureThreshold 1", 1, 1, "+-", "failure since 2, failing since 2, status"},
		{"an error of ours is no failure", 3, 1, "--?", "pending, failing since 1, status, unknown"},
		{"an error of ours does not end a row of failures", 3, 1, "--?-", "failure since 1, failing since 1, status"},
		{"an error of ours does not end a row of successes", 3, 2, "+?+", "success since 1"},
		{"what was known is kept", 3, 1, "+?", "success since 1, unknown"},
		{"only errors of ours", 1, 1, "?????", "pending, unknown"},
		{"failures beside the schedule never tip it", 3, 1, "+ffffff", "success since 1, failing since 2, status"},
		{"they are the onset of those that do", 3, 1, "+f---", "failure since 2, failing since 2, status"},
		{"they do not add to the schedule's", 3, 1, "+-f-f", "success since 1, failing since 2, status"},
		{"a success beside the schedule counts", 3, 1, "---s", "success since 4"},
		{"it does not where more than one is asked for", 3, 2, "---ssss", "failure since 1, status"},
		{"it ends a row of failures even then", 3, 2, "++--s--", "success since 1, failing since 6, status"},
	} {
		l := &ledger{failures: c.failures, successes: c.successes}
		book(l, c.samples)
		if got := tell(l); got != c.want {
			t.Errorf("%s (%s): %s; want %s", c.name, c.samples, got, c.want)
		}
		if n := len(c.samples); n > 0 && l.fact.At != second(n) {
			t.Errorf("%s: dated %v", c.name, l.fact.At)
		}
	}
}

func TestASampleThatSaysTheSameChangesNothing(t *testing.T) {
	for _, c := range []struct {
		before string
		sample ask.Sample
		want   bool
	}{
		{"", good, true},
		{"+", good, false},
		{"+", bad, true},
		{"+-", bad, false},
		{"+--", bad, true}, // the threshold
		{"+---", bad, false},
		{"+---", refused, true},
		{"+", blind, true},
		{"+?", blind, false},
		{"+?", good, true},
		{"+-", ask.Sample{Class: bad.Class, Detail: bad.Detail, Words: "at noon"}, false},
		{"+", ask.Sample{Says: map[string]string{"redis": "ok"}}, true},
	} {
		l := &ledger{failures: 3, successes: 1}
		book(l, c.before)
		before := l.fact
		changed := l.take(c.sample, second(20), true)
		if differs := l.fact.Err != before.Err || !l.fact.Value.Equal(before.Value); changed != c.want || differs != c.want {
			t.Errorf("%+v after %q: changed %v, and is another %v", c.sample, c.before, changed, differs)
		}
		if l.fact.At != second(20) {
			t.Errorf("%+v after %q is not dated", c.sample, c.before)
		}
	}
}

// Samples overtake each other: one hangs while a later one is answered at once.
func TestAnOvertakenSample(t *testing.T) {
	for _, c := range []struct {
		name         string
		first, later ask.Sample // in the order in which they began; the later one ends first
		want         string
	}{
		{"a success does not undo a later failure", good, bad, "success since 1, failing since 5, status"},
		{"a failure does not undo a later success", bad, good, "success since 1"},
		{"failures agree, and count", bad, bad, "failure since 5, failing since 5, status"},
		{"an error of ours is of no interest", blind, good, "success since 1"},
	} {
		l := &ledger{failures: 2, successes: 1}
		book(l, "+")
		l.take(c.later, second(5), true)
		l.take(c.first, second(4), true)
		if got := tell(l); got != c.want {
			t.Errorf("%s: %s; want %s", c.name, got, c.want)
		}
		if l.fact.At.Before(second(5)) || l.fact.At.Up > second(5).Up+1 {
			t.Errorf("%s: dated %v: it went back in time", c.name, l.fact.At)
		}
	}
}

func TestANewProcessBeginsAnew(t *testing.T) {
	l := &ledger{failures: 3, successes: 1}
	book(l, "---?")
	l.reset("i2", second(10))
	if got := tell(l); got != "pending" || l.fact.Value.Invocation != "i2" || l.fact.At != second(10) {
		t.Errorf("%s of %s at %v", got, l.fact.Value.Invocation, l.fact.At)
	}
	l.take(bad, second(11), true)
	l.take(bad, second(12), true)
	if got := tell(l); !strings.HasPrefix(got, "pending, failing since 11") {
		t.Errorf("what the former process did counts: %s", got)
	}
}

// A fact that was handed out before a change, with an instant of its own, must
// not pass for as young as the change when it arrives after it.
func TestAChangeIsYoungerThanWhatWasBefore(t *testing.T) {
	l := ledger{successes: 1, failures: 3}
	l.reset("i1", state.Time{Up: time.Second, Boot: "b"})
	l.date(state.Time{Up: 5 * time.Second, Boot: "b"})
	pending := l.fact
	if !l.take(ask.Sample{}, state.Time{Up: 3 * time.Second, Boot: "b"}, true) {
		t.Fatal("a success changed nothing")
	}
	w, _ := state.World{}.Merge(state.Facts{Probes: map[string]state.Fact[state.Probe]{"a": l.fact}})
	w, _ = w.Merge(state.Facts{Probes: map[string]state.Fact[state.Probe]{"a": pending}})
	if got := w.Probes["a"].Value.Verdict; got != state.ProbeSuccess {
		t.Fatalf("the world was taken back to %q", got)
	}
	last := l.fact
	l.reset("i2", state.Time{Up: 2 * time.Second, Boot: "b"})
	if !l.fact.At.After(last.At) {
		t.Error("a reset is no younger than what it forgets")
	}
}

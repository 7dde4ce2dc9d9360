package crash_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file"
	"github.com/pakashop/evenkeel/actuators/systemd"
	"github.com/pakashop/evenkeel/state"
)

// trials is how often evenkeel is killed at each point.
func trials(t *testing.T) int {
	s := os.Getenv("EVENKEEL_CRASH_TRIALS")
	if s == "" {
		return 25
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("EVENKEEL_CRASH_TRIALS=%q: want a number", s)
	}
	return n
}

// points asks the program where it can be killed.
func points(b *box) []string {
	r := b.evenkeel(nil, "debug", "failpoints")
	if r.code != 0 {
		b.Fatalf("debug failpoints: exit %d: %s", r.code, r.err)
	}
	return strings.Fields(r.out)
}

// Every kind of Step that has an effect has its points, and a situation here
// in which they are reached.
func TestEveryEffectHasItsFailpoints(t *testing.T) {
	b := newBox(t)
	all := points(b)
	covered := map[string]bool{}
	for _, sc := range scenarios() {
		covered[sc.verb] = true
	}
	for _, a := range []actuators.Actuator{systemd.New(nil, systemd.Options{}), file.New(file.Options{})} {
		info, err := a.Info(t.Context())
		b.ok(err)
		for _, v := range info.Verbs {
			verb := info.Name + "." + v.Name
			if v.Effect == actuators.None {
				continue
			}
			for _, p := range []string{verb + ".before", verb + ".after"} {
				if !slices.Contains(all, p) {
					t.Errorf("%s has no failpoint %s", verb, p)
				}
			}
			if !covered[verb] {
				t.Errorf("%s has no scenario", verb)
			}
		}
	}
	for _, p := range all {
		verb, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(p, ".before"), ".after"), "@")
		// What these move is moved by the outcome that is written down, and by nothing
		// on the host: controller and controller/plan try them cut short.
		turns := slices.Contains([]string{"failover.switch", "scale.set", "state.set", "revision.rollback", "ask.human"}, verb)
		if !covered[verb] && !turns && !slices.Contains([]string{"guard", "notes", "intent", "outcome"}, verb) {
			t.Errorf("the failpoint %s is tried by no scenario", p)
		}
	}
}

// Evenkeel is killed at each point around each act, and goes on when it is
// started again: it converges, forgets nothing, and does nothing twice.
func TestKilledAroundEachAct(t *testing.T) {
	for _, sc := range scenarios() {
		t.Run(sc.verb, func(t *testing.T) {
			b := newBox(t)
			sc.prepare(b)
			b.converge()
			for n := range 2 * trials(t) {
				point := sc.verb + []string{".before", ".after"}[n%2]
				b.trial(sc, n, point)
			}
		})
	}
}

// The same for each write to the record and each reading before an act, in all
// of the scenarios by turns.
func TestKilledAroundEachWriteToTheRecord(t *testing.T) {
	all := scenarios()
	var records []string
	for _, p := range points(newBox(t)) {
		if !strings.Contains(strings.TrimSuffix(strings.TrimSuffix(p, ".before"), ".after"), ".") {
			records = append(records, p)
		}
	}
	if len(records) == 0 {
		t.Fatal("there are no points around the record")
	}
	for i, sc := range all {
		t.Run(sc.verb, func(t *testing.T) {
			b := newBox(t)
			sc.prepare(b)
			b.converge()
			n := 0
			for _, p := range records {
				times := sc.waves
				share := len(all)
				if strings.HasPrefix(p, "notes.") {
					times, share = sc.notes, noting(all)
				}
				if times == 0 {
					continue
				}
				for turn := range (trials(t) + share - 1) / share {
					b.trial(sc, n, p+"@"+strconv.Itoa(1+(turn+i)%times))
					n++
				}
			}
		})
	}
}

// noting counts the scenarios in which something is noted.
func noting(all []scenario) (n int) {
	for _, sc := range all {
		if sc.notes > 0 {
			n++
		}
	}
	return n
}

// trial makes the host differ, kills evenkeel at a point while it mends that,
// lets it go on, and holds the end against what was promised.
func (b *box) trial(sc scenario, n int, point string) {
	b.Helper()
	sc.differ(b, n)
	effects := sc.count(b)
	before, _ := b.past()

	if r := b.apply(point); !r.killed {
		b.Fatalf("round %d: %s: not killed, but exit %d: the point was not reached\n%s%s", n, point, r.code, r.out, r.err)
	}
	atDeath := sc.count(b) - effects
	left, leftPast := b.past()
	if r := b.apply(""); r.code != 0 {
		b.Fatalf("round %d: after %s: apply: exit %d\n%s%s%s", n, point, r.code, r.out, r.err, b.show(left, before))
	}
	b.inSync()
	total := sc.count(b) - effects
	after, past := b.past()

	complain := func(format string, args ...any) {
		b.Helper()
		b.Errorf("round %d: %s: "+format+"\nwhat was done:%s", append(append([]any{n, point}, args...), b.show(after, before))...)
	}
	if w := lost(before, left); w != "" {
		complain("the crash lost %s", w)
	}
	if w := lost(left, after); w != "" {
		complain("the resume lost %s", w)
	}
	for _, l := range after {
		if l.Outcome == "" {
			complain("step %s is still open", l.ID)
		}
	}
	if first, second := attempts(after[len(before):], sc); first.Outcome == state.Cut && second.ID != "" && second.ID != first.ID {
		complain("the interrupted attempt %s was made again as %s", first.ID, second.ID)
	}
	if len(past.Flight) > 0 {
		complain("%d steps are still in flight", len(past.Flight))
	}
	switch {
	case total == 0:
		complain("the effect never happened")
	case total > 1 && (sc.again == "" || total > 2):
		complain("the effect happened %d times", total)
	case atDeath > 0 && total > atDeath && sc.again == "":
		complain("the effect had happened, and happened again")
	}
	if intents := intended(left[len(before):], sc); atDeath > intents {
		complain("%d effects, but %d intents", atDeath, intents)
	}
	if intents := intended(after[len(before):], sc); total > intents {
		complain("%d effects, but %d intents", total, intents)
	}
	for unit, charges := range leftPast.Charges {
		// The oldest are forgotten in the end, so it is the newest that must be there.
		if n := len(charges); n > 0 && !slices.Contains(past.Charges[unit], charges[n-1]) {
			complain("a charge of %s is gone: there were %d, then %d", unit, n, len(past.Charges[unit]))
		}
	}
	if b.Failed() {
		b.FailNow()
	}
}

// intended counts the intents of a scenario's verb.
func intended(lines []state.Line, sc scenario) (n int) {
	for _, l := range lines {
		if l.Actuator+"."+l.Verb == sc.verb && l.Target == sc.target {
			n++
		}
	}
	return n
}

// attempts are the first two intents of a scenario's verb.
func attempts(lines []state.Line, sc scenario) (first, second state.Line) {
	for _, l := range lines {
		switch {
		case l.Actuator+"."+l.Verb != sc.verb || l.Target != sc.target:
		case first.ID == "":
			first = l
		case second.ID == "":
			second = l
		}
	}
	return first, second
}

// lost names the first step that is in the earlier reading of the record and
// not, or not the same, in the later. Only an open step may change: it ends.
func lost(earlier, later []state.Line) string {
	for i, l := range earlier {
		if i >= len(later) {
			return "step " + l.ID
		}
		now := later[i]
		if l.Outcome == "" {
			now.Outcome, now.Detail, now.MS, now.Displaced = "", l.Detail, 0, ""
		}
		if now != l {
			return "what step " + l.ID + " was"
		}
	}
	return ""
}

func (b *box) show(lines, but []state.Line) string {
	var s strings.Builder
	for _, l := range lines[min(len(but), len(lines)):] {
		s.WriteString("\n  " + l.ID + " " + l.Actuator + "." + l.Verb + " " + l.Target + " " + string(l.Reason) + " " + string(l.Outcome) + ": " + l.Detail)
	}
	return s.String()
}

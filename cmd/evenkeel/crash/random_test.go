package crash_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// A controller that runs is killed again and again, at moments that nobody
// chose, while units fail and files are edited under it. Whatever was recorded
// stays, each effect has its intent, no step stays open, and at last the host is
// as declared.
func TestKilledAtAnyMomentWhileUnitsFlap(t *testing.T) {
	b := newBox(t)
	const flapping = 3
	var objects []string
	for i := range flapping {
		name := "crash-" + strconv.Itoa(i)
		objects = append(objects, service(name, spec+"  unitFile:\n    content: "+inline("      ", b.unit(name, "", ""))+
			"  files: [{path: /etc/crash/"+name+", content: declared}]\n"))
	}
	b.declare(objects...)
	b.converge()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	was, _ := b.past()
	for range trials(t) {
		died := b.running()
		for range 1 + dice.IntN(3) {
			name := "crash-" + strconv.Itoa(dice.IntN(flapping))
			if dice.IntN(2) == 0 {
				_ = b.try("systemctl", "kill", "-s", "KILL", name+".service") // it may be down already
			} else {
				b.put("/etc/crash/"+name, fmt.Sprint("by hand ", dice.Uint64()))
			}
		}
		time.Sleep(time.Duration(dice.IntN(150)) * time.Millisecond) // the moment of death
		died()
		now, _ := b.past()
		if w := lost(was, now); w != "" {
			t.Fatalf("the crash lost %s", w)
		}
		was = now
	}
	b.converge()
	lines, past := b.past()
	if w := lost(was, lines); w != "" {
		t.Errorf("the resume lost %s", w)
	}
	for i := range flapping {
		name := "crash-" + strconv.Itoa(i)
		starts, intents := b.seen(name, "start"), 0
		for _, l := range lines {
			if l.Target == name+".service" && (l.Verb == "start" || l.Verb == "restart") {
				intents++
			}
		}
		if starts == 0 || starts > intents {
			t.Errorf("%s was started %d times, on %d intents", name, starts, intents)
		}
	}
	open(t, lines, past)
}

func open(t *testing.T, lines []state.Line, past *state.Past) {
	t.Helper()
	for _, l := range lines {
		if l.Outcome == "" {
			t.Errorf("step %s is still open", l.ID)
		}
	}
	if len(past.Flight) > 0 {
		t.Errorf("%d steps are still in flight", len(past.Flight))
	}
}

// running starts a controller, and returns when it has its lock, with the
// function that kills it.
func (b *box) running() (kill func()) {
	b.Helper()
	cmd := b.command(nil, "run", "-f", b.desired)
	var log bytes.Buffer
	cmd.Stderr = &log
	b.ok(cmd.Start())
	return func() {
		b.Helper()
		b.ok(cmd.Process.Kill())
		err := cmd.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			b.Fatalf("the controller was not killed, but ended: %v\n%s", err, log.Bytes())
		}
	}
}

// A unit that fails whenever it is repaired gets as many repairs as its limits
// allow, however often evenkeel dies over them.
func TestNoCrashRefillsABudget(t *testing.T) {
	for _, point := range []string{"intent.after", "systemd.start.before", "systemd.start.after", "outcome.before", "outcome.after"} {
		t.Run(point, func(t *testing.T) {
			b := newBox(t)
			b.declare(service("crash-x", "  limits: {restarts: 3, per: 1h, backoff: [0s]}\n  unitFile:\n    content: "+inline("      ", b.unit("crash-x", "", ""))))
			b.converge()
			began := b.seen("crash-x", "start")
			for n := range 3 {
				b.isDown()
				at := point
				if n > 0 && point == "outcome.before" {
					at += "@2" // at the first, it writes down how the last one ended
				}
				if r := b.apply(at); !r.killed {
					t.Fatalf("not killed: exit %d\n%s%s", r.code, r.out, r.err)
				}
			}
			// Three repairs were charged, whatever came of them.
			b.isDown()
			if r := b.apply(""); r.code != 1 {
				t.Errorf("apply: exit %d, want 1: the budget is spent\n%s%s", r.code, r.out, r.err)
			}
			if got := b.seen("crash-x", "start") - began; got > 3 {
				t.Errorf("%d repairs, want no more than 3", got)
			}
			_, past := b.past()
			if got := len(past.Charges["crash-x.service"]); got != 3 {
				t.Errorf("%d repairs are charged, want 3", got)
			}
		})
	}
}

// isDown makes sure that crash-x has failed.
func (b *box) isDown() {
	b.Helper()
	if bus(b.T).active("crash-x.service") == "active" {
		b.fails("crash-x.service")
	}
}

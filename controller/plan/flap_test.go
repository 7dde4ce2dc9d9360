package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A unit that systemd restarts again and again is no restart's to mend: somebody
// is told, once.
func TestFlapping(t *testing.T) {
	h := newHost("web")
	restarted := func(n uint32) {
		h.later(30 * time.Second)
		h.see()
		at := h.now.Up
		h.unit("web.service", func(u *state.Unit) { u.Restarts, u.Invocation, u.Entered = n, fmt.Sprint("i", n), at })
		h.settle()
	}
	for n := range uint32(4) {
		restarted(n + 1)
		h.hasNot(t, "Flapping")
	}
	restarted(5)
	h.has(t, "held Service/web Escalated\nheld Service/web Flapping")
	h.hasNot(t, "systemd.restart")
	for n := range uint32(20) {
		restarted(n + 6)
		h.has(t, "Flapping") // also when counting begins anew
	}
	if n := h.past.Closed["Service/web web.service"]; n > 0 {
		t.Errorf("%d cases were closed meanwhile", n)
	}
	h.later(11 * time.Minute)
	h.see()
	h.hasNot(t, "Flapping")
	h.later(11 * time.Minute)
	h.see()
	h.settle()
	if got := tell(h.make()); got != "" {
		t.Errorf("it goes no more up and down:\n%s", got)
	}
}

// What was over and comes again calls nobody twice; something else does, once.
func TestTheHostsCaseIsAnotherOne(t *testing.T) {
	h := newHost("web")
	h.manySick(5, 0, 0)
	var told []state.Reason
	look := func(how func(name string)) {
		for i := range 5 {
			how(fmt.Sprintf("s%d", i+1))
		}
		p := h.make()
		for _, n := range p.Notes {
			if n.Kind == state.NoteCase && n.Case.Unit == "" && n.Detail != "" {
				told = append(told, n.Case.Reason)
			}
		}
		h.fold(p)
		h.later(10 * time.Second)
	}
	blind := func(name string) { h.blindTo(name, desired.LivenessProbe) }
	sick := func(name string) { h.fails(name, desired.LivenessProbe, time.Minute) }
	well := func(name string) {
		h.probe(name, desired.LivenessProbe, state.Probe{Verdict: state.ProbeSuccess, Since: 3 * time.Minute})
	}
	for range 3 {
		for _, how := range []func(string){blind, blind, sick, well, blind, well, sick, sick, well} {
			look(how)
		}
	}
	if want := []state.Reason{state.Unobserved, state.TooManySick}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
}

// When the host itself cannot be seen, somebody is told after a while, once, and
// nothing is done; a moment of it, or one after another, is nobody's concern.
func TestTheHostIsNotSeen(t *testing.T) {
	h := newHost("web")
	told := 0
	look := func(err string) {
		t.Helper()
		h.have.Host.At, h.have.Host.Err = h.now, err
		h.have.Units["web.service"] = state.Fact[state.Unit]{At: h.now, Err: err, Value: h.have.Units["web.service"].Value}
		if err == "" {
			h.have.Blind = state.Time{}
		} else if h.have.Blind.IsZero() {
			h.have.Blind = h.now
		}
		p := h.make()
		if len(p.Steps) > 0 {
			t.Fatalf("a step:\n%s", tell(p))
		}
		for _, n := range p.Notes {
			if n.Kind == state.NoteCase && n.Detail != "" {
				told++
			}
		}
		if again := !h.have.Blind.IsZero() && told == 0; again != (p.Again != nil) {
			t.Fatalf("plan again: %v, told %d times", p.Again, told)
		}
		h.fold(p)
	}
	for range 5 { // as with one daemon-reexec after another
		look("no answer")
		h.later(blink)
		look("")
		h.later(blink)
	}
	if told > 0 {
		t.Errorf("told %d times of a moment", told)
	}
	for range 10 {
		look("no answer")
		h.later(blink)
	}
	if told != 1 {
		t.Errorf("told %d times of ten times %s", told, blink)
	}
}

const blink = 15 * time.Second

// When so many probes say nothing at once that it must be the eyes, somebody is
// told once, and nothing is done.
func TestBlindEyes(t *testing.T) {
	h := newHost("web")
	h.manySick(5, 0, 0)
	for i := range 5 {
		h.blindTo(fmt.Sprintf("s%d", i+1), desired.LivenessProbe)
	}
	told := 0
	for range 10 {
		p := h.make()
		if len(p.Steps) > 0 {
			t.Fatalf("a step:\n%s", tell(p))
		}
		for _, n := range p.Notes {
			if n.Kind == state.NoteCase && n.Detail != "" {
				told++
			}
		}
		h.fold(p)
		h.later(time.Minute)
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

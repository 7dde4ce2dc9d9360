package live_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// step is a line of `history -o json`; the contract has more fields.
type step struct {
	ID, Object, Actuator, Verb, Reason, Outcome, Detail, Revision, Case string
}

func (s step) String() string {
	return fmt.Sprintf("%s.%s %s %s %s (%s)", s.Actuator, s.Verb, s.Object, s.Reason, s.Outcome, s.Detail)
}

// row is a unit on the board.
type row struct {
	Name, Object, Unit, State, Active, Sub, Boot, Reason, Detail string
	Restarts                                                     int
}

// board is `status -o json`.
type board struct {
	Host, Revision, Wanted string
	Healthy                bool
	Services               []row
}

// plan is `diff -o json`.
type plan struct {
	Revision, Host string
	InSync         bool
	History        bool
	Steps          []struct {
		ID, Object, Actuator, Verb, Effect, Reason, Detail, Diff string
		Needs                                                    []string
	}
	Held []struct{ Object, Reason, Detail, Until string }
	Gaps []struct{ Object, Source, Detail string }
}

// ids lists the plan's steps.
func (p plan) ids() []string {
	var out []string
	for _, s := range p.Steps {
		out = append(out, s.ID)
	}
	slices.Sort(out)
	return out
}

// history lists the steps on one object, or on all for "", oldest first.
func (b box) history(object string) []step {
	b.Helper()
	args := []string{"history", "-o", "json", "-n", "10000"}
	if object != "" {
		args = append(args, object)
	}
	r := b.must(0, args...)
	var out []step
	for line := range strings.Lines(r.out) {
		var s step
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			b.Fatalf("history: %v: %s", err, line)
		}
		out = append(out, s)
	}
	return out
}

// board reads how things stand.
func (b box) board() board {
	b.Helper()
	var s board
	b.data(&s, "status", "-o", "json")
	return s
}

// row finds a service on the board; of replicas, the first.
func (b box) row(name string) row {
	b.Helper()
	for _, r := range b.board().Services {
		if r.Name == name || r.Object == "Service/"+name || r.Unit == name {
			return r
		}
	}
	return row{State: "absent"}
}

// diff asks the running controller for its plan.
func (b box) diff() plan {
	b.Helper()
	var p plan
	b.data(&p, "diff", "-o", "json")
	return p
}

// well waits until all units of the services are as declared.
func (b box) well(names ...string) {
	b.Helper()
	b.until("well", func() string {
		s := b.board()
		for _, n := range names {
			found := false
			for _, r := range s.Services {
				if r.Object != "Service/"+n {
					continue
				}
				found = true
				if r.State != "OK" {
					return fmt.Sprintf("%s is %s: %s %s", r.Unit, r.State, r.Reason, r.Detail)
				}
			}
			if !found {
				return n + " is not on the board"
			}
		}
		return ""
	})
}

// since returns what was done on an object after some steps of it were.
func (b box) since(before []step, object string) []step {
	b.Helper()
	now := b.history(object)
	if len(now) < len(before) {
		b.Fatalf("history of %s has shrunk from %d to %d steps", object, len(before), len(now))
	}
	return now[len(before):]
}

// verbs shortens steps to "actuator.verb Reason outcome".
func verbs(steps []step) []string {
	out := []string{}
	for _, s := range steps {
		out = append(out, s.Actuator+"."+s.Verb+" "+s.Reason+" "+s.Outcome)
	}
	return out
}

// heals breaks a service by hand and waits until it is well again; it returns
// what evenkeel did about it, and insists on one step that is wanted.
func (b box) heals(name, by, want, proof string) []step {
	b.Helper()
	return b.healsTo("", name, by, want, proof)
}

// healsTo is heals for what is left held in the end.
func (b box) healsTo(ends, name, by, want, proof string) []step {
	b.Helper()
	before := b.history(name)
	b.sh(by)
	var did []step
	b.until("healed", func() string {
		did = b.since(before, name)
		if !slices.Contains(verbs(did), want+" done") {
			return fmt.Sprintf("no step %q in %q", want, verbs(did))
		}
		if r := b.try(proof); r.code != 0 {
			return fmt.Sprintf("%s: exit %d %s%s", proof, r.code, r.out, r.err)
		}
		return ""
	})
	if ends != "" {
		b.held(name, ends)
	} else {
		b.well(name)
	}
	for _, s := range b.since(before, name) {
		if s.Outcome != "done" {
			b.Errorf("a step did not end well: %s", s)
		}
	}
	return b.since(before, name)
}

// holds breaks a service by hand and waits until the board says that it is
// held, and why; then nothing may be done or planned about it.
func (b box) holds(name, by, reason, proof string) {
	b.Helper()
	before := b.history(name)
	b.sh(by)
	b.held(name, reason)
	if proof != "" {
		b.sh(proof)
	}
	if did := b.since(before, name); len(did) > 0 {
		b.Errorf("%s is held, and yet: %v", name, did)
	}
}

// held waits until a reason is what the board shows for a service, and the plan
// has no step for it.
func (b box) held(name, reason string) row {
	b.Helper()
	var r row
	b.until("held for "+reason, func() string {
		if r = b.row(name); r.Reason != reason {
			return fmt.Sprintf("%s is %s: %s %s", name, r.State, r.Reason, r.Detail)
		}
		p := b.diff()
		for _, s := range p.Steps {
			if s.Object == "Service/"+name {
				return fmt.Sprintf("the plan has %s.%s %s for it", s.Actuator, s.Verb, s.Reason)
			}
		}
		for _, h := range p.Held {
			if h.Object == "Service/"+name && h.Reason == reason {
				return ""
			}
		}
		return fmt.Sprintf("no %s in held: %v", reason, p.Held)
	})
	return r
}

// only insists on exactly these steps, in any order.
func (b box) only(did []step, want ...string) {
	b.Helper()
	got := verbs(did)
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	for i := range want {
		want[i] += " done"
	}
	if !slices.Equal(got, want) {
		b.Errorf("did %q\nwant %q", got, want)
	}
}

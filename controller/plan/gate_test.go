package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// The first repair is immediate, the next wait as backoff says, the last of the
// limit is the last; after the window there is a budget again.
func TestLimits(t *testing.T) {
	h := newHost("web")
	crash := func() {
		h.unit("web.service", func(u *state.Unit) { u.Active, u.Sub, u.Result, u.Exited = "failed", "failed", "signal", h.now.Up })
	}
	repair := func() {
		p := h.make()
		if len(p.Steps) != 1 {
			t.Fatalf("no repair at %v:\n%s", h.now.Up, tell(p))
		}
		h.did(t, p.Steps[0])
		h.unit("web.service", func(u *state.Unit) {
			u.Active, u.Sub, u.Result, u.Entered = "active", "running", "success", h.now.Up
			u.Invocation += "+"
		})
		h.settle()
		h.later(time.Second)
	}
	held := func(r state.Reason, in time.Duration) {
		t.Helper()
		p := h.make()
		if len(p.Steps) != 0 || len(p.Held) == 0 || p.Held[0].Reason != r {
			t.Fatalf("want %s, got:\n%s", r, tell(p))
		}
		if left := p.Held[0].Until.Up - h.now.Up; left != in {
			t.Errorf("%s for %v, want %v", r, left, in)
		}
		if p.Again == nil || p.Again.Up > p.Held[0].Until.Up {
			t.Errorf("nobody plans again when %s ends", r)
		}
		h.later(in)
		h.see()
	}
	crash()
	repair() // at once
	crash()
	held(state.Backoff, 9*time.Second)
	repair()
	crash()
	held(state.Backoff, 19*time.Second)
	repair()
	crash()
	held(state.BudgetSpent, 30*time.Minute-31*time.Second)
	repair()
}

// A long run excuses the next repair from a pause for what was repaired before, and
// not for a repair that ended the run, or that it went on after for a while only.
func TestARepairOfALongRunCounts(t *testing.T) {
	const start, held = "Service/web systemd.start web.service Failed charged\n", "held Service/web Backoff\n"
	h := newHost("web")
	h.now = state.Time{Wall: boot0.Add(20 * time.Minute), Up: 20 * time.Minute, Boot: "b1"}
	h.svc("web").Spec.Limits.Backoff = []desired.Duration{desired.Duration(10 * time.Second), desired.Duration(5 * time.Minute)}
	for _, c := range []struct {
		name     string
		repaired []time.Duration
		want     string
	}{
		{"that ended the run, and did not help", []time.Duration{19*time.Minute + 58*time.Second}, held},
		{"it was well for ten minutes after the first", []time.Duration{9*time.Minute + 59*time.Second, 19*time.Minute + 30*time.Second}, start},
		{"it was not", []time.Duration{10 * time.Minute, 19*time.Minute + 30*time.Second}, held},
	} {
		h.past.Charges["web.service"] = nil
		for _, at := range c.repaired {
			h.past.Charges["web.service"] = append(h.past.Charges["web.service"], state.Time{Wall: boot0.Add(at), Up: at, Boot: "b1"})
		}
		h.unit("web.service", func(u *state.Unit) {
			hasFailed(u)
			u.Entered, u.Exited = 2*time.Minute, 19*time.Minute+59*time.Second
		})
		h.see()
		if got := tell(h.make()); got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, got, c.want)
		}
	}
}

// What may begin together is within the limits together.
func TestLimitsOfWhatBeginsTogether(t *testing.T) {
	h := newHost("db", "web")
	h.want.Policy.Budgets.InFlight, h.want.Policy.Budgets.Disruptive = 2, 1
	for _, n := range []string{"db", "web"} {
		h.probed(n, desired.LivenessProbe)
		h.fails(n, desired.LivenessProbe, time.Minute)
	}
	want := "Service/db systemd.restart db.service LivenessFailed charged\nheld Service/db LivenessFailed\nheld Service/web BudgetSpent\nheld Service/web LivenessFailed\n"
	if got := tell(h.make()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// Limits that were spent begin anew, once.
func TestRetried(t *testing.T) {
	h := newHost("web")
	h.past.Charges["web.service"] = []state.Time{t0, t0, t0}
	h.past.Failures["Service/web systemd start web.service"] = state.Failure{Count: 9, At: t0}
	h.unit("web.service", hasFailed)
	if p := h.make(); len(p.Steps) > 0 {
		t.Fatalf("plan:\n%s", tell(p))
	}
	h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteRetried, Object: "Service/web", Name: "web.service"}})
	if d := cmp.Diff("Service/web systemd.start web.service Failed charged\n", tell(h.make())); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

// Where the host's budget holds a repair, a human may let the next one of a unit
// pass: that one, and no other.
func TestLetPassTheHostsBudget(t *testing.T) {
	h := newHost("db", "web")
	h.want.Policy.Budgets.Disruptive = 1
	h.past.Upheaval = []state.Time{t0}
	for _, n := range []string{"db", "web"} {
		h.unit(n+".service", func(u *state.Unit) { u.Active, u.Sub, u.Changed = "activating", "start-pre", time.Minute })
	}
	if d := cmp.Diff("held Service/db BudgetSpent\nheld Service/web BudgetSpent\n", tell(h.make())); d != "" {
		t.Fatalf("plan (-want +got):\n%s", d)
	}
	h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteLet, Object: "Service/web", Name: "web.service"}})
	p := h.make()
	if d := cmp.Diff("Service/web systemd.restart web.service StuckActivating charged\nheld Service/db BudgetSpent\n", tell(p)); d != "" {
		t.Fatalf("plan (-want +got):\n%s", d)
	}
	h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: p.Steps[0]}})
	h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: p.Steps[0].ID, Status: state.StepFailed}})
	h.later(time.Minute)
	h.see()
	if d := cmp.Diff("held Service/db BudgetSpent\nheld Service/web BudgetSpent\n", tell(h.make())); d != "" {
		t.Errorf("once more (-want +got):\n%s", d)
	}
}

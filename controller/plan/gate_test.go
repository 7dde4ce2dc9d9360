package plan_test

import (
	"testing"
	"time"

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

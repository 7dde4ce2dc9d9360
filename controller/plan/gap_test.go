package plan_test

import (
	"testing"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// What was read before our own last step on a unit had ended says nothing about
// it now: it is a gap, and nothing is done on its word.
func TestAFactOlderThanOurOwnStepIsAGap(t *testing.T) {
	h := newHost("web")
	f := h.have.Units["web.service"]
	f.Value.Active, f.Value.Sub, f.Value.Result = "failed", "failed", "signal"
	h.have.Units["web.service"] = f
	if p := h.make(); len(p.Steps) != 1 {
		t.Fatalf("a unit that failed should be started:\n%s", tell(p))
	}
	ref := state.Ref{Kind: state.RefUnit, Name: "web.service"}
	h.past.Ended[ref.String()] = f.At.Add(time.Millisecond)
	p := h.make()
	if len(p.Steps) != 0 {
		t.Errorf("something is done on the word of an old fact:\n%s", tell(p))
	}
	if len(p.Gaps) == 0 || p.Gaps[0].Source != ref {
		t.Errorf("there is no gap for %s:\n%s", ref, tell(p))
	}
}

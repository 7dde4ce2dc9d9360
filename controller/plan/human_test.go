package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

// A human's stop is respected as long as declared, then the service is started;
// a human who starts it earlier ends the hold.
func TestManualStop(t *testing.T) {
	h := newHost("web")
	h.unit("web.service", func(u *state.Unit) { u.Active, u.Sub, u.Stop = "inactive", "dead", state.StopByJob })
	p := h.make()
	if p.Held[0].Reason != state.ManualStop || p.Held[0].Until == nil || p.Held[0].Until.Up != h.now.Up+time.Hour {
		t.Fatalf("plan:\n%s", tell(p))
	}
	h.fold(p)
	h.later(59 * time.Minute)
	h.see()
	if d := cmp.Diff("held Service/web ManualStop\n", tell(h.make())); d != "" {
		t.Errorf("before the hold ends (-want +got):\n%s", d)
	}
	h.later(2 * time.Minute)
	h.see()
	p = h.make()
	if d := cmp.Diff("Service/web systemd.start web.service NotRunning\n", tell(p)); d != "" {
		t.Errorf("after the hold (-want +got):\n%s", d)
	}
	fixpoint(t, h, p)
}

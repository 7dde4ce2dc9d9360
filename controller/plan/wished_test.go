package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// notes are what a plan notes of wishes, in a line each.
func wishNotes(p state.Plan) []string {
	var out []string
	for _, n := range p.Notes {
		if n.Kind == state.NoteWished || n.Kind == state.NoteWishedNot {
			out = append(out, fmt.Sprintf("%s %s %s.%s %s", n.Kind, n.Object, n.Wish.Action.Actuator, n.Wish.Action.Verb, n.Wish.Reason))
		}
	}
	return out
}

func (h *host) kill(name string) {
	h.unit(name+".service", func(u *state.Unit) { u.Active, u.Sub, u.Result = "failed", "failed", "signal" })
}

func TestWhatObservingHoldsBackIsNoted(t *testing.T) {
	start, gone := "wished Service/a systemd.start Failed", "wished-not Service/a systemd.start Failed"
	for name, c := range map[string]struct {
		before, bend func(h *host)
		want         []string
	}{
		"nothing differs":           {bend: func(*host) {}},
		"something is down":         {bend: func(h *host) { h.kill("a") }, want: []string{start}},
		"it was noted before":       {before: func(h *host) { h.kill("a") }, bend: func(h *host) { h.later(time.Minute); h.see() }},
		"it runs again":             {before: func(h *host) { h.kill("a") }, bend: func(h *host) { h.up("a") }, want: []string{gone}},
		"it is suspended, too":      {bend: func(h *host) { h.kill("a"); h.suspend("a") }},
		"it is suspended later":     {before: func(h *host) { h.kill("a") }, bend: func(h *host) { h.suspend("a") }},
		"its unit cannot be read":   {before: func(h *host) { h.kill("a") }, bend: func(h *host) { h.blind("a") }},
		"nothing was looked at yet": {before: func(h *host) { h.kill("a") }, bend: func(h *host) { h.have = state.World{} }},
		"evenkeel may act at last":  {before: func(h *host) { h.kill("a") }, bend: func(h *host) { h.want.Policy.Mode = desired.Enforce }, want: []string{gone}},
		"it is no longer declared":  {before: func(h *host) { h.kill("a") }, bend: func(h *host) { h.want.Services = nil }, want: []string{gone}},
		"its reason is another one": {
			before: func(h *host) { h.kill("a") },
			bend: func(h *host) {
				h.unit("a.service", func(u *state.Unit) {
					u.Active, u.Sub, u.Result, u.Stop = "inactive", "dead", "success", state.StopByExit
				})
			},
			want: []string{"wished Service/a systemd.start NotRunning"},
		},
		"a file is edited": {
			bend: func(h *host) { h.lies("/etc/systemd/system/a.service", "edited") },
			want: []string{"wished Service/a file.write UnitFileDrift"},
		},
		"the record is not believed": {bend: func(h *host) { h.kill("a"); h.past.Distrust = "it was emptied" }},
		"the past is not known":      {bend: func(h *host) { h.kill("a"); h.past.Known = false }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost("a", "b")
			h.want.Policy.Mode = desired.Observe
			if c.before != nil {
				c.before(h)
				h.settle()
			}
			c.bend(h)
			if d := cmp.Diff(c.want, wishNotes(h.make())); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func (h *host) up(name string) {
	h.unit(name+".service", func(u *state.Unit) { u.Active, u.Sub, u.Result = "active", "running", "success" })
}

func (h *host) suspend(name string) {
	hold := state.Hold{Reason: state.Suspended, Object: "Service/" + name, Since: h.now}
	h.past.Holds[hold.Key()] = hold
}

func (h *host) blind(name string) {
	h.have.Units[name+".service"] = state.Fact[state.Unit]{At: h.now, Err: "no answer"}
}

// The store holds so many and no more; the rest must not be noted again and again.
func TestMoreWishesThanARecordHolds(t *testing.T) {
	h := newHost()
	h.want.Policy.Mode = desired.Observe
	for i := range state.MaxWishes + 5 {
		name := fmt.Sprintf("s%04d", i)
		h.declare(name)
		h.kill(name)
	}
	h.fold(h.make())
	if n := len(h.past.Wished); n != state.MaxWishes {
		t.Fatalf("%d are remembered, want %d", n, state.MaxWishes)
	}
	if again := wishNotes(h.make()); len(again) > 0 {
		t.Errorf("noted again: %v", again)
	}
	h.up("s0000")
	if n := wishNotes(h.make()); len(n) != 2 {
		t.Errorf("one has gone, and noted is %v, want that and one more in its place", n)
	}
}

// Whatever happens while evenkeel observes, its notes tell what stands.
func TestNotedWishesAreThoseThatStand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHost("a", "b", "c")
		h.want.Policy.Mode = desired.Observe
		for range rapid.IntRange(1, 5).Draw(t, "changes") {
			h.vary(t, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "which"))
			h.later(time.Second)
			h.see()
			p := h.make()
			h.fold(p)
			if again := wishNotes(h.make()); len(again) > 0 {
				t.Fatalf("noted again: %v", again)
			}
			for id, w := range h.past.Wished {
				if len(p.Gaps) == 0 && !slices.ContainsFunc(p.Held, func(s state.Held) bool { return wishes(s, id) }) {
					t.Fatalf("%v is remembered, and held is only %v", w, p.Held)
				}
			}
		}
	})
}

func wishes(h state.Held, id string) bool {
	return h.Reason == state.ObserveOnly && slices.ContainsFunc(h.Wishes, func(w state.Wish) bool { return w.ID == id })
}

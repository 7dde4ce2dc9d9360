package state

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A silence stands from its Note until its time is over or a human ends it. What has
// ended is forgotten with the next one, so that the record of them is bounded.
func TestSilences(t *testing.T) {
	p := NewPast()
	silenced := func(i int, id string, length time.Duration) {
		s := &Silence{ID: id, Matchers: []string{`severity=page`}, Actor: "ada", At: when(i), For: length}
		p.Fold(Entry{At: when(i), Note: &Note{Kind: NoteSilenced, Silence: s}})
	}
	remembered := func(want ...string) {
		t.Helper()
		if d := cmp.Diff(want, slices.Sorted(maps.Keys(p.Silences))); d != "" {
			t.Error(d)
		}
	}
	silenced(1, "a", 4*time.Second)
	silenced(2, "b", time.Hour)
	remembered("a", "b")
	if a := p.Silences["a"]; a.Ended(when(4)) || !a.Ended(when(5)) || !a.Until(when(3)).Wall.Equal(when(5).Wall) {
		t.Errorf("a ends at %v", a.Until(when(3)))
	}
	silenced(6, "c", time.Hour)
	remembered("b", "c")
	p.Fold(Entry{At: when(7), Note: &Note{Kind: NoteUnsilenced, Silence: &Silence{ID: "b"}}})
	remembered("c")
	if c := p.Silences["c"]; c.Ended(Time{Wall: when(6).Wall.Add(24 * time.Hour), Up: time.Minute, Boot: "another"}) {
		t.Error("a reboot shortens a silence")
	}
}

func TestASilenceSaysWhoseItIs(t *testing.T) {
	for want, s := range map[string]Silence{
		"silenced by a human":         {},
		"silenced by ada":             {Actor: "ada"},
		"silenced by ada: the backup": {Actor: "ada", Why: "the backup"},
	} {
		if got := s.Says(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

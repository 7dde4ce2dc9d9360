package record

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

// wished are entries as the loop writes them: what goes carries what came.
func wished(s *Store, sec int, id string, goes bool) state.Entry {
	w := state.Wish{ID: id, Object: "Service/" + id, Reason: state.NotRunning}
	kind := state.NoteWished
	if goes {
		kind, w = state.NoteWishedNot, s.Past().Wished[id]
	}
	return state.Entry{At: at(sec), Note: &state.Note{Kind: kind, Object: w.Object, Name: id, Wish: &w}}
}

func TestWishesAreTheOnesThatStandAndThoseThatWent(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	mustAppend(t, s, wished(s, 1, "long-gone", false))
	mustAppend(t, s, wished(s, 2, "long-gone", true))
	mustAppend(t, s, wished(s, 3, "gone", false), wished(s, 4, "stands", false), intent(5, "step", "x"))
	for i := range 2 * chunkSize {
		mustAppend(t, s, intent(6, fmt.Sprint(i), "x"))
	}
	mustAppend(t, s, wished(s, 7, "gone", true), wished(s, 8, "new", false))
	for name, c := range map[string]struct {
		since int
		want  []string
	}{
		"all":              {0, []string{"long-gone 1-2", "gone 3-7", "stands 4-", "new 8-"}},
		"what still stood": {5, []string{"gone 3-7", "stands 4-", "new 8-"}},
		"what stands":      {9, []string{"stands 4-", "new 8-"}},
	} {
		list, err := s.Wishes(at(c.since).Wall)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range list {
			line := fmt.Sprintf("%s %d-", w.ID, int(w.Since.Wall.Sub(clock).Seconds()))
			if !w.Until.IsZero() {
				line += fmt.Sprint(int(w.Until.Wall.Sub(clock).Seconds()))
			}
			got = append(got, line)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

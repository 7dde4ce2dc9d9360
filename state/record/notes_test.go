package record

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

func TestNotes(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	revision := func(i int, name string) state.Entry {
		return state.Entry{At: at(i), Note: &state.Note{Kind: state.NoteRevision, Revision: &state.Revision{Name: name}}}
	}
	mustAppend(t, s,
		revision(1, "r1"), intent(2, "a", "redis"), outcome(3, "a", state.Done),
		state.Entry{At: at(4), Note: &state.Note{Kind: state.NoteForgot, Object: "Service/x"}},
	)
	for i := range 2 * chunkSize { // many of no interest between
		mustAppend(t, s, intent(5+i, fmt.Sprint("n", i), "web"))
	}
	late := 5 + 2*chunkSize
	hold := state.Hold{Reason: state.Suspended, Object: "Service/redis", Since: at(late)}
	mustAppend(t, s, revision(late, "r2"), state.Entry{At: at(late + 1), Note: &state.Note{Kind: state.NoteHold, Object: "Service/redis", Hold: &hold}})

	revisions := []state.NoteKind{state.NoteRevision}
	for name, c := range map[string]struct {
		f    NoteFilter
		want []string
	}{
		"one kind":       {NoteFilter{Kinds: revisions}, []string{"r2", "r1"}},
		"two kinds":      {NoteFilter{Kinds: []state.NoteKind{state.NoteRevision, state.NoteHold}}, []string{"hold", "r2", "r1"}},
		"since":          {NoteFilter{Kinds: revisions, Since: at(2).Wall}, []string{"r2"}},
		"limit":          {NoteFilter{Kinds: revisions, Limit: 1}, []string{"r2"}},
		"no kind at all": {NoteFilter{}, nil},
	} {
		entries, err := s.Notes(c.f)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			if e.Note.Revision != nil {
				got = append(got, e.Note.Revision.Name)
			} else {
				got = append(got, string(e.Note.Kind))
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

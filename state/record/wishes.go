package record

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// Wishes lists what only mode observe or management held back at some time since
// then, the oldest first. It reads a few entries at a time, as History does.
func (s *Store) Wishes(since time.Time) ([]state.Wished, error) {
	var out []state.Wished
	for _, w := range s.Past().Wished {
		out = append(out, state.Wished{Wish: w})
	}
	for w := (backwards{next: ^uint64(0)}); !w.end; {
		err := s.walk(&w, func(r row) error {
			// Most entries are something else: their bulk is not decoded.
			if r.wall < since.UnixNano() && !since.IsZero() || !bytes.Contains(r.body, []byte(state.NoteWishedNot)) {
				return nil
			}
			e, err := r.entry()
			if err == nil && e.Note != nil && e.Note.Kind == state.NoteWishedNot && e.Note.Wish != nil {
				out = append(out, state.Wished{Wish: *e.Note.Wish, Until: e.At})
			}
			return err
		})
		if err != nil {
			return out, fmt.Errorf("read the record: %w", err)
		}
	}
	slices.SortFunc(out, func(a, b state.Wished) int {
		return cmp.Or(a.Since.Wall.Compare(b.Since.Wall), cmp.Compare(a.Object, b.Object), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

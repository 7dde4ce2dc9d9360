package record

import (
	"fmt"
	"slices"

	"github.com/pakashop/evenkeel/state"
)

// Entries returns everything that is kept, the oldest first: for whoever audits a
// record, or replays it. What retention has dropped is missing at its beginning,
// so that the first one has another number than 1.
func (s *Store) Entries() ([]state.Entry, error) {
	return s.Select(func(e state.Entry) (state.Entry, bool) { return e, true })
}

// Select returns of what is kept what somebody wants, and as much of it as he wants, the
// oldest first.
func (s *Store) Select(want func(state.Entry) (state.Entry, bool)) ([]state.Entry, error) {
	var all []state.Entry
	for w := (backwards{next: ^uint64(0)}); !w.end; {
		err := s.walk(&w, func(r row) error {
			e, err := r.entry()
			if err != nil {
				return err
			}
			if e, ok := want(e); ok {
				all = append(all, e)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the record: %w", err)
		}
	}
	slices.Reverse(all)
	return all, nil
}

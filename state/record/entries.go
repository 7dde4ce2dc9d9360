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
	var all []state.Entry
	for w := (backwards{next: ^uint64(0)}); !w.end; {
		err := s.walk(&w, func(r row) error {
			e, err := r.entry()
			all = append(all, e)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the record: %w", err)
		}
	}
	slices.Reverse(all)
	return all, nil
}

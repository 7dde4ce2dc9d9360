package record

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/pakashop/evenkeel/state"
)

// NoteFilter says which notes Notes returns.
type NoteFilter struct {
	Kinds []state.NoteKind
	Since time.Time // written then or later; zero: as far back as the record goes
	Limit int       // at most so many; zero: all
}

// Notes returns what was remembered though nothing was done, the newest first:
// revisions put in force, holds that came and went. Like History it lets others
// append between a few entries and the next.
func (s *Store) Notes(f NoteFilter) ([]state.Entry, error) {
	var all []state.Entry
	for next, more := ^uint64(0), true; more; {
		var err error
		if next, more, err = s.someNotes(f, next, &all); err != nil {
			return all, fmt.Errorf("read the record: %w", err)
		}
	}
	return all, nil
}

// someNotes reads a few entries before one with a number, and tells where to go
// on, if anywhere.
func (s *Store) someNotes(f NoteFilter, before uint64, all *[]state.Entry) (next uint64, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	since := int64(0)
	if !f.Since.IsZero() {
		since = f.Since.UnixNano()
	}
	err = s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketEntries).Cursor()
		k, v := last(c, before)
		for n := 0; k != nil; k, v = c.Prev() {
			if n++; n > chunkSize {
				more = true
				return nil
			}
			row, err := readRow(k, v)
			if err != nil {
				return err
			}
			next = row.seq
			if row.wall < since || !bytes.Contains(row.body, []byte(`"note":`)) {
				continue
			}
			e, err := row.entry()
			if err != nil {
				return err
			}
			if e.Note == nil || !slices.Contains(f.Kinds, e.Note.Kind) {
				continue
			}
			if *all = append(*all, e); len(*all) == f.Limit {
				return nil
			}
		}
		return nil
	})
	return next, more, err
}

package record

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/pakashop/evenkeel/state"
)

// folding is a snapshot that is about to be written, and what it makes
// superfluous.
type folding struct {
	at   point
	past *state.Past
	drop point // the new anchor
	s    *Store
}

// fold prepares a snapshot at a point, after entries that are not folded yet.
func (s *Store) fold(at point, more []state.Entry) *folding {
	past := s.past.Clone()
	for _, e := range more {
		past.Fold(e)
	}
	return &folding{at: at, past: past, drop: s.anchor, s: s}
}

// put writes the snapshot and drops what is older than the retention. A nil
// folding does nothing.
func (f *folding) put(tx *bolt.Tx) error {
	if f == nil {
		return nil
	}
	if err := putFold(tx, f.at, f.past); err != nil {
		return err
	}
	return f.retain(tx)
}

func (f *folding) retain(tx *bolt.Tx) error {
	c := tx.Bucket(bucketEntries).Cursor()
	oldest := f.s.o.Now().Add(-f.s.o.Retention.Age).UnixNano()
	for n := 0; n < dropAtOnce; n++ {
		k, v := c.First()
		if k == nil {
			break
		}
		r, err := readRow(k, v)
		if err != nil {
			return err
		}
		kept := f.at.seq - r.seq + 1
		if kept <= keepAtLeast || kept <= uint64(f.s.o.Retention.Entries) && r.wall >= oldest {
			break
		}
		f.drop = r.point
		if err := c.Delete(); err != nil {
			return fmt.Errorf("drop entry %d: %w", r.seq, err)
		}
	}
	if f.drop == f.s.anchor {
		return nil
	}
	return tx.Bucket(bucketMeta).Put(keyAnchor, f.drop.bytes())
}

// take makes a snapshot that was written the Store's own.
func (s *Store) take(f *folding) {
	s.past, s.anchor, s.folded = f.past, f.drop, f.at.seq
}

// snapshot writes the Past as it is now.
func (s *Store) snapshot() error {
	f := s.fold(s.at, nil)
	if err := s.update(f.put); err != nil {
		return fmt.Errorf("write a snapshot: %w", err)
	}
	s.take(f)
	return nil
}

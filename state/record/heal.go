package record

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Heal tries to end what keeps entries from being written: it opens and
// verifies the store again. It does nothing where nothing is wrong. After a nil
// the caller takes Past anew: where the store could not be read before, it was
// empty. What is doubted stays doubted; that is for Accept.
func (s *Store) Heal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readOnly || s.trouble == nil {
		return nil
	}
	return s.heal()
}

func (s *Store) heal() error {
	s.retried = time.Now()
	if s.txid == 0 || s.side == nil || !s.read {
		if err := s.letGo(); err != nil {
			s.o.Log.Warn("the store is not let go", "err", err)
		}
		if err := s.start(); err != nil {
			s.trouble = err
		}
		return s.trouble
	}
	acked, txid := s.content, s.txid
	err := s.reopen(acked, txid)
	if err != nil {
		s.content, s.txid, s.trouble = acked, txid, err
	}
	return err
}

// reopen verifies the file after a commit that failed, and makes it hold what
// was acknowledged: no more and no less.
func (s *Store) reopen(acked content, txid int) error {
	if err := s.closeDB(); err != nil {
		s.o.Log.Warn("the database is not closed", "err", err)
	}
	s.trouble = nil
	m := s.mark()
	if err := s.loadFile(m, true, true); err != nil {
		return err
	}
	if s.at.seq < acked.at.seq {
		// An older state of the file: numbers must not come twice in one life.
		if err := s.replace(m, "evenkeel.db lost entries while it was in use"); err != nil {
			return err
		}
	}
	if s.at != acked.at || s.txid != txid {
		if err := s.takeBack(acked); err != nil {
			return err
		}
	}
	s.shaken = s.shaken || s.doubt != "" && acked.doubt == ""
	s.o.Log.Info("the store was opened again", "seq", s.at.seq)
	return s.settle()
}

// takeBack makes the file that of the acknowledged entries: what a failed
// commit left in it is removed, and what memory remembers is its fold. All of
// it is written anew, for after a failed sync nobody knows which pages are
// really on the disk.
func (s *Store) takeBack(acked content) error {
	err := s.update(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketEntries).Cursor()
		for k, _ := c.Seek(key(acked.at.seq + 1)); k != nil; k, _ = c.Seek(key(acked.at.seq + 1)) {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return putFold(tx, acked.at, acked.past)
	})
	if err != nil {
		return fmt.Errorf("take a failed commit back: %w", err)
	}
	s.at, s.past, s.folded = acked.at, acked.past, acked.at.seq
	return s.compact()
}

// Accept says that a human has looked: what the store holds now is believed
// from here on. A record of a newer evenkeel is set aside and a fresh one begun.
func (s *Store) Accept() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readOnly {
		return errReadOnly
	}
	if errors.Is(s.trouble, ErrNewer) {
		return s.startOver()
	}
	if s.trouble != nil {
		return fmt.Errorf("accept the record: %w", s.trouble)
	}
	s.doubt, s.shaken = "", false
	if err := s.settle(); err != nil {
		return fmt.Errorf("accept the record: %w", err)
	}
	s.o.Log.Warn("the record was accepted", "seq", s.at.seq)
	return nil
}

func (s *Store) startOver() error {
	m, _, err := s.side.read()
	if err != nil && !errors.Is(err, errDamaged) {
		return err
	}
	s.trouble = nil
	if err := s.replace(m, ""); err != nil {
		s.trouble = err
		return err
	}
	s.read = true
	return s.settle()
}

// Accept is Store.Accept where no controller runs.
func Accept(dir string, o Options) error {
	s, err := Open(dir, o)
	if err != nil {
		return fmt.Errorf("accept the record: %w", err)
	}
	return errors.Join(s.Accept(), s.Close())
}

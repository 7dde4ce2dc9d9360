package record

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/pakashop/evenkeel/state"
)

// Options of a Store; the zero value is useful.
type Options struct {
	Log         *slog.Logger     // default: nothing is logged
	Now         func() time.Time // wall clock, for retention and the names of files set aside; default time.Now
	Retention   Retention
	OpenTimeout time.Duration // how long Open waits for another evenkeel to let go; default 3 s
}

// Retention bounds the history. What was folded is remembered for ever.
type Retention struct {
	Age     time.Duration // default 90 days; the newest 1,000 entries stay whatever their age, so that no clock can empty the history
	Entries int           // default 50,000, at least 1,000
}

const (
	keepAtLeast   = 1000 // entries that no clock can drop
	snapshotEvery = 1024 // entries from one snapshot to the next
	dropAtOnce    = 4096 // entries dropped in one transaction
)

func (o *Options) setDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OpenTimeout == 0 {
		o.OpenTimeout = 3 * time.Second
	}
	if o.Retention.Age == 0 {
		o.Retention.Age = 90 * 24 * time.Hour
	}
	if o.Retention.Entries == 0 {
		o.Retention.Entries = 50_000
	}
	o.Retention.Entries = max(o.Retention.Entries, keepAtLeast)
}

// Store is the record of one host. It is safe for concurrent use.
//
// Its Past is a second copy that the Store folds for its own snapshots; the
// owner of the loop folds the entries that Append returns into its own.
type Store struct {
	dir      string
	o        Options
	known    migrations
	readOnly bool // opened to be read; never writes anything

	mu      sync.Mutex
	side    *sidecar
	db      *bolt.DB // nil where nothing can be read
	file    *os.File // the database's own
	txid    int      // the last transaction that is known to be on disk
	read    bool     // content holds what the file holds
	content          // doubt here is why the record is not believed, wherever that was found
	shaken  bool     // the doubt came up while the store was in use
	trouble error    // why nothing can be written now; Heal may clear it
	retried time.Time

	// commit is (*bolt.DB).Update but in tests of disks that fail.
	commit func(*bolt.DB, func(*bolt.Tx) error) error
}

func (s *Store) path() string     { return filepath.Join(s.dir, "evenkeel.db") }
func (s *Store) sidePath() string { return filepath.Join(s.dir, "state.seq") }

// Past returns a copy of what folding every entry gives, with Distrust set
// where it is not to be believed, and Known false where it could not be read.
func (s *Store) Past() *state.Past {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.past.Clone()
	p.Known, p.Distrust = s.read, s.distrust()
	return p
}

// Distrust says in one sentence why nothing may be done on the word of this
// store, with the command that mends it; empty: all is well. It changes when an
// Append fails, and when Heal or Accept mends.
func (s *Store) Distrust() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.distrust()
}

func (s *Store) distrust() string {
	switch {
	case s.doubt != "":
		return "the record of the past cannot be believed: " + s.doubt + "; look into it, then run: evenkeel check --accept-store"
	case errors.Is(s.trouble, ErrNewer):
		return s.trouble.Error() + "; install that version again, or set the record aside with: evenkeel check --accept-store"
	case s.trouble != nil:
		return "nothing can be recorded, so nothing is done: " + s.trouble.Error()
	}
	return ""
}

// Append writes entries in one transaction, all or none, and returns them with
// their Seq. When it returns without error they are on disk. On an error the
// caller must take none of them as written, and do nothing that rests on them:
// the store is distrusted until Heal, or the next Append, has opened and
// verified it again. If that finds it damaged, Append refuses until Accept or a
// restart: the Past of the caller has become doubtful under him. Without
// entries it writes nothing and tells whether it could.
func (s *Store) Append(entries []state.Entry) ([]state.Entry, error) {
	for _, e := range entries {
		if err := e.Check(); err != nil {
			return nil, fmt.Errorf("append to the record: %w", err)
		}
	}
	if s.readOnly {
		return nil, fmt.Errorf("append to the record: %w", errReadOnly)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return nil, fmt.Errorf("append to the record: %w", err)
	}
	if len(entries) == 0 {
		return nil, nil
	}
	out, err := s.append(entries)
	if err != nil {
		return nil, fmt.Errorf("append to the record: %w", err)
	}
	return out, nil
}

// ready tells whether entries can be written. A store that was well before
// tries to heal itself, but not at every call.
func (s *Store) ready() error {
	if s.trouble != nil {
		if s.side == nil || s.txid == 0 || !s.read || time.Since(s.retried) < time.Second {
			return s.trouble
		}
		if err := s.heal(); err != nil {
			return err
		}
	}
	if s.shaken {
		return errors.New(s.distrust())
	}
	return nil
}

func (s *Store) append(entries []state.Entry) ([]state.Entry, error) {
	out := make([]state.Entry, len(entries))
	values := make([][]byte, len(entries))
	at := s.at
	for i, e := range entries {
		e.Seq = at.seq + 1
		var err error
		if at, values[i], err = pack(at, e); err != nil {
			return nil, err
		}
		out[i] = e
	}
	var fold *folding
	if at.seq-s.folded >= snapshotEvery {
		fold = s.fold(at, out)
	}
	err := s.update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketEntries)
		b.FillPercent = 1 // keys only grow
		for i, v := range values {
			if err := b.Put(key(out[i].Seq), v); err != nil {
				return err
			}
		}
		return fold.put(tx)
	})
	if err != nil {
		return nil, err
	}
	s.at = at
	if fold != nil {
		s.take(fold)
	} else {
		for _, e := range out {
			s.past.Fold(e)
		}
	}
	if err := s.side.write(s.mark(), false); err != nil {
		// The entries are on disk; a mark that stays behind is no harm.
		s.o.Log.Warn("state.seq is not written", "err", err)
	}
	return out, nil
}

func (s *Store) mark() mark {
	return mark{Install: s.install, Seq: s.at.seq, Chain: fmt.Sprintf("%x", s.at.chain), Doubt: s.doubt}
}

// update runs one transaction. A commit that fails leaves the file in doubt:
// whether it landed is unknown, and bbolt may go on to read it.
func (s *Store) update(f func(*bolt.Tx) error) error {
	if s.db == nil {
		return errors.New("the database is not open")
	}
	var id int
	var own error
	err := s.guarded(func() error {
		return s.commit(s.db, func(tx *bolt.Tx) error {
			id = tx.ID()
			own = f(tx)
			return own
		})
	})
	switch {
	case err == nil:
		s.txid = id
	case own == nil:
		s.trouble, s.retried = fmt.Errorf("commit: %w", err), time.Now()
	}
	return err
}

// view runs one short reading transaction.
func (s *Store) view(f func(*bolt.Tx) error) error {
	if s.db == nil {
		return nil
	}
	return s.guarded(func() error { return s.db.View(f) })
}

// guarded runs what uses the database, and abandons it after a panic.
func (s *Store) guarded(f func() error) error {
	panicked, err := guard(f)
	if panicked {
		s.db = nil
		if s.file != nil {
			// Its mapping stays, and would keep the lock.
			_ = syscall.Flock(int(s.file.Fd()), syscall.LOCK_UN)
			_ = s.file.Close()
		}
	}
	return err
}

// Close writes a snapshot and lets go of the files. The Store is of no use
// afterwards.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if !s.readOnly && s.trouble == nil && s.db != nil {
		if s.at.seq > s.folded {
			err = s.snapshot()
		}
		if err == nil {
			err = s.side.write(s.mark(), true)
		}
	}
	return errors.Join(err, s.letGo())
}

func (s *Store) closeDB() error {
	if s.db == nil {
		return nil
	}
	err := s.guarded(s.db.Close)
	s.db = nil
	return err
}

func (s *Store) letGo() error {
	err := s.closeDB()
	if s.side != nil {
		err = errors.Join(err, s.side.close())
		s.side = nil
	}
	if s.trouble == nil {
		s.trouble = errors.New("the store is closed")
	}
	return err
}

package record

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"

	"github.com/pakashop/evenkeel/state"
)

// Open opens the store in a folder, and makes it where there is none. It
// returns an error only if another evenkeel has it open: ErrLocked. Whatever
// else is wrong, the Store says so by Distrust, and Append refuses where
// nothing can be written.
func Open(dir string, o Options) (*Store, error) { return open(dir, o, released) }

func open(dir string, o Options, known migrations) (*Store, error) {
	o.setDefaults()
	s := &Store{dir: dir, o: o, known: known, commit: (*bolt.DB).Update}
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, nil
}

// start locks the store and loads it. The only error is ErrLocked.
func (s *Store) start() error {
	s.content, s.read, s.trouble, s.txid = content{past: state.NewPast()}, false, nil, 0
	err := s.lock()
	if errors.Is(err, ErrLocked) {
		return err
	}
	if err == nil {
		err = s.load()
	}
	if err != nil {
		s.trouble = err
		s.o.Log.Error("the store cannot be written", "dir", s.dir, "err", err)
		if s.db == nil && !errors.Is(err, ErrNewer) {
			s.peek()
		}
	}
	if s.doubt != "" {
		s.o.Log.Error("the store is not believed", "dir", s.dir, "reason", s.doubt)
	}
	return nil
}

// lock makes the folder and takes the lock of the one who writes.
func (s *Store) lock() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	if st, err := os.Stat(s.dir); err == nil && st.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(s.dir, 0o700); err != nil {
			s.o.Log.Warn("the state folder is open to others", "dir", s.dir, "err", err)
		}
	}
	var err error
	s.side, err = openSidecar(s.sidePath(), s.o.OpenTimeout)
	return err
}

// load opens the database, verifies it and settles what is to be believed.
func (s *Store) load() error {
	m, had, err := s.side.read()
	if err != nil && !errors.Is(err, errDamaged) {
		return err
	}
	marked := had || err != nil // something was here before
	if err := s.loadFile(m, had, marked); err != nil {
		return err
	}
	if marked && !had && s.doubt == "" {
		s.doubt = "state.seq is damaged"
	}
	s.read = true
	return s.settle()
}

func (s *Store) loadFile(m mark, had, marked bool) error {
	_ = os.Remove(s.path() + ".new") // a compaction that was cut short
	st, err := os.Lstat(s.path())
	switch {
	case errors.Is(err, fs.ErrNotExist) && !marked:
		return s.begin(mark{}, "")
	case errors.Is(err, fs.ErrNotExist):
		return s.begin(m, "evenkeel.db is missing")
	case err != nil:
		return fmt.Errorf("look at the database: %w", err)
	case !st.Mode().IsRegular():
		return fmt.Errorf("open %s: it is no regular file", s.path())
	}
	err = s.adopt(m, had)
	switch {
	case errors.Is(err, errEmpty) && !marked:
		return s.begin(mark{}, "")
	case errors.Is(err, errEmpty):
		return s.replace(m, "evenkeel.db was emptied")
	case errors.Is(err, errDamaged):
		return s.replace(m, "evenkeel.db: "+err.Error())
	}
	return err
}

// errEmpty says that a database holds nothing, not even a version.
var errEmpty = errors.New("the database is empty")

// adopt opens the database that is there.
func (s *Store) adopt(m mark, had bool) error {
	p, err := walkFile(s.path())
	if err != nil {
		return err
	}
	err = s.openDB(s.o.OpenTimeout / 2)
	if errors.Is(err, bolterr.ErrTimeout) {
		return fmt.Errorf("open %s: another program has it locked", s.path())
	}
	if err != nil {
		return err
	}
	if err := s.adoptContent(m, had, p); err != nil {
		return errors.Join(err, s.closeDB())
	}
	if p.free() > 1<<20 && p.free() > int64(p.count)*p.size/2 {
		if err := s.compact(); err != nil {
			s.o.Log.Warn("the database is not compacted", "err", err)
		}
	}
	return s.trouble
}

func (s *Store) adoptContent(m mark, had bool, p pages) error {
	if err := s.bring(); err != nil {
		return err
	}
	err := s.view(func(tx *bolt.Tx) error {
		var err error
		if s.content, err = inspect(tx, true); err != nil {
			return err
		}
		known := s.doubt != "" || m.Doubt != ""
		s.doubt = judge(tx, s.content, m, had)
		if s.doubt == "" && p.badMeta != "" {
			s.doubt = badMeta(p.badMeta)
		}
		if s.doubt != "" && !known {
			s.keepCopy()
		}
		return nil
	})
	return err
}

// bring leads the file to the version of this evenkeel.
func (s *Store) bring() error {
	var v int
	err := s.view(func(tx *bolt.Tx) (err error) {
		v, err = versionOf(tx)
		return err
	})
	switch {
	case err != nil:
		return err
	case v == 0:
		return errEmpty
	case v > s.known.version():
		return fmt.Errorf("%w (version %d, this one knows %d)", ErrNewer, v, s.known.version())
	case v == s.known.version():
		return nil
	}
	s.o.Log.Info("the record is migrated", "from", v, "to", s.known.version())
	return s.update(func(tx *bolt.Tx) error { return s.known.migrate(tx, v) })
}

// begin makes a fresh database that goes on after what state.seq knows.
func (s *Store) begin(m mark, doubt string) error {
	from, err := m.point()
	if err != nil {
		from = point{seq: m.Seq}
	}
	install := m.Install
	if install == "" {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails
		install = hex.EncodeToString(b[:])
	}
	past := state.NewPast()
	past.Seq = from.seq
	err = s.build(func(db *bolt.DB) error {
		return db.Update(func(tx *bolt.Tx) error {
			if err := lay(tx, s.known.version(), install, from); err != nil {
				return err
			}
			// With the doubt: it must not be lost to a crash that comes now.
			return errors.Join(putFold(tx, from, past), tx.Bucket(bucketMeta).Put(keyDoubt, []byte(doubt)))
		})
	})
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	s.content = content{install: install, anchor: from, at: from, folded: from.seq, past: past, doubt: doubt}
	return nil
}

// build fills a new file, puts it in the place of the database once it is
// whole and on the disk, and opens it.
func (s *Store) build(fill func(*bolt.DB) error) error {
	tmp := s.path() + ".new"
	_ = os.Remove(tmp)
	err := s.guarded(func() error {
		dst, err := bolt.Open(tmp, 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
		if err != nil {
			return err
		}
		if err := fill(dst); err != nil {
			return errors.Join(err, dst.Close())
		}
		return errors.Join(dst.Sync(), dst.Close())
	})
	if err != nil {
		_ = os.Remove(tmp)
		return err
	}
	if err := s.closeDB(); err != nil {
		return err
	}
	return errors.Join(os.Rename(tmp, s.path()), syncDir(s.dir), s.openDB(s.o.OpenTimeout/2))
}

// settle writes down what was found: the doubt, the mark, a snapshot where
// many entries came after the last.
func (s *Store) settle() error {
	err := s.update(func(tx *bolt.Tx) error {
		m := tx.Bucket(bucketMeta)
		if string(m.Get(keyDoubt)) == s.doubt {
			return errNothing
		}
		return m.Put(keyDoubt, []byte(s.doubt))
	})
	if err != nil && !errors.Is(err, errNothing) {
		return fmt.Errorf("write the doubt: %w", err)
	}
	if s.at.seq-s.folded > snapshotEvery/4 {
		if err := s.snapshot(); err != nil {
			return err
		}
	}
	if m := s.mark(); s.side.last != (mark{N: s.side.last.N, Install: m.Install, Seq: m.Seq, Chain: m.Chain, Doubt: m.Doubt}) {
		return s.side.write(m, true)
	}
	return nil
}

// errNothing ends a transaction that has nothing to write.
var errNothing = errors.New("nothing to write")

// openDB opens the database to write.
func (s *Store) openDB(wait time.Duration) error {
	return s.openBolt(&bolt.Options{Timeout: max(wait, 1), NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
}

func (s *Store) openBolt(o *bolt.Options) error {
	o.OpenFile = func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
		f, err = os.OpenFile(name, flag|syscall.O_NOFOLLOW, mode)
		s.file = f
		return f, err
	}
	err := s.guarded(func() (err error) {
		s.db, err = bolt.Open(s.path(), 0o600, o)
		return err
	})
	if err != nil {
		s.db = nil
		return fmt.Errorf("open the database: %w", err)
	}
	return s.view(func(tx *bolt.Tx) error {
		s.txid = tx.ID()
		return nil
	})
}

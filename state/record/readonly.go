package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"

	"github.com/pakashop/evenkeel/state"
)

var errReadOnly = errors.New("the store is open to be read only")

// OpenReadOnly opens the store for whoever only reads, while no controller
// runs. It writes nothing, not even a lock file. ErrNone: nothing was ever
// recorded. ErrLocked, at once: a controller runs, ask it. fs.ErrPermission:
// the caller may not read. A damaged store is no error: Past says so.
func OpenReadOnly(dir string) (*Store, error) {
	s := &Store{dir: dir, known: released, readOnly: true, content: content{past: state.NewPast()}}
	s.o.setDefaults()
	if err := s.peek(); err != nil {
		return nil, err
	}
	return s, nil
}

// peek reads what can be read without writing: the snapshot and what came
// after it.
func (s *Store) peek() error {
	m, had, err := peekMark(s.sidePath())
	if err != nil && !errors.Is(err, errDamaged) {
		return err
	}
	marked := had || err != nil
	err = s.peekDB(m, had)
	switch {
	case err == nil && marked && !had && s.doubt == "":
		s.doubt = "state.seq is damaged"
	case err == nil:
	case errors.Is(err, ErrNewer):
		s.trouble = err
	case errors.Is(err, errDamaged):
		s.doubt = damage(err)
	case marked && errors.Is(err, fs.ErrNotExist):
		s.doubt = "evenkeel.db is missing"
	case marked && errors.Is(err, errEmpty):
		s.doubt = "evenkeel.db was emptied"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errEmpty):
		err = fmt.Errorf("%w in %s", ErrNone, s.dir)
		return errors.Join(err, s.closeDB())
	default:
		return errors.Join(err, s.closeDB())
	}
	if err != nil {
		s.content.past = state.NewPast()
		return s.closeDB()
	}
	s.read = true
	return nil
}

func (s *Store) peekDB(m mark, had bool) error {
	bad, err := checkMetas(s.path())
	if err != nil {
		return err
	}
	err = s.openBolt(&bolt.Options{ReadOnly: true, Timeout: 1})
	if errors.Is(err, bolterr.ErrTimeout) {
		return ErrLocked
	}
	if err != nil {
		return err
	}
	s.txid = 0 // that is for who writes
	err = s.view(func(tx *bolt.Tx) error { return s.peekContent(tx, m, had) })
	if err == nil && bad != "" && s.doubt == "" {
		s.doubt = badMeta(bad)
	}
	return err
}

func (s *Store) peekContent(tx *bolt.Tx, m mark, had bool) error {
	v, err := versionOf(tx)
	switch {
	case err != nil:
		return err
	case v == 0:
		return errEmpty
	case v > s.known.version():
		return fmt.Errorf("%w (version %d, this one knows %d)", ErrNewer, v, s.known.version())
	case v < s.known.version():
		return fmt.Errorf("read the record: it is of version %d; let evenkeel run once to bring it to %d", v, s.known.version())
	}
	if s.content, err = inspect(tx, false); err != nil {
		return err
	}
	s.doubt = judge(tx, s.content, m, had)
	return nil
}

// checkMetas looks at what bbolt itself would not: a file that is empty or cut
// off, one of two meta pages that is damaged.
func checkMetas(path string) (bad string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open the database: %w", err)
	}
	defer f.Close()
	_, bad, err = metasOf(f)
	return bad, err
}

func peekMark(path string) (mark, bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return mark{}, false, nil
	}
	if err != nil {
		return mark{}, false, fmt.Errorf("open state.seq: %w", err)
	}
	defer f.Close()
	return readMark(f)
}

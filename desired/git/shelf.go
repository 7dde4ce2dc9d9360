package git

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	maxShelved  = 64        // revisions on a shelf
	maxRevision = 128 << 20 // bytes of one revision's file
	maxFloor    = 64 << 10  // bytes of the floor's file
	shelfMagic  = "evenkeel-shelf-1"
	shelfSuffix = ".tree"
	shelfTemp   = ".new-"
)

// ErrDamaged is of what was shelved and is no longer what was put there.
var ErrDamaged = errors.New("damaged: it is not what was put there")

// goodID is what names a revision, and is the name of its file.
var goodID = lazily(`^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$`)

// Shelf is a folder that keeps the Trees of some revisions, so that they are there
// when the remote, the mirror or this process is not. What is on it was believed:
// the folder must be this process' user's own. Each file bears a digest of what is
// in it, and is there whole or not at all. A Shelf may be used by one at a time.
type Shelf struct{ dir string }

// OpenShelf makes the folder if it is not there, and clears away what a process
// that was killed left half written.
func OpenShelf(dir string) (*Shelf, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the shelf of revisions: %w", err)
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("open the shelf of revisions: %w", err)
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !fi.IsDir() || !ok || int(st.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("the shelf of revisions %s must be a folder of the user whom evenkeel runs as: remove it, it is made anew", dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the shelf of revisions: %w", err)
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the shelf of revisions: %w", err)
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), shelfTemp) {
			_ = os.Remove(filepath.Join(dir, n.Name()))
		}
	}
	return &Shelf{dir: dir}, nil
}

// shelved is a Tree as it is written down.
type shelved struct {
	Commit Commit            `json:"commit"`
	Files  map[string][]byte `json:"files"`
}

// Put keeps a Tree under the ID of its commit. The one that is there under this ID
// is kept if it is the same, and replaced if not.
func (s *Shelf) Put(t *Tree) error {
	name, err := s.file(t.Commit.ID)
	if err != nil {
		return err
	}
	content, err := json.Marshal(shelved{Commit: t.Commit, Files: t.files})
	if err != nil {
		return fmt.Errorf("shelve revision %s: %w", t.Commit.ID, err)
	}
	if len(content) > maxRevision {
		return fmt.Errorf("shelve revision %s: it has %d bytes: at most %d", t.Commit.ID, len(content), maxRevision)
	}
	content = sealed(content)
	if there, err := os.ReadFile(name); err == nil && bytes.Equal(there, content) {
		return nil
	}
	ids, err := s.IDs()
	if err != nil {
		return err
	}
	if len(ids) >= maxShelved && !slices.Contains(ids, t.Commit.ID) {
		return fmt.Errorf("shelve revision %s: the shelf %s is full, %d are on it", t.Commit.ID, s.dir, len(ids))
	}
	if err := s.write(name, content); err != nil {
		return fmt.Errorf("shelve revision %s: %w", t.Commit.ID, err)
	}
	return nil
}

// Get is the Tree that was put there under an ID. What is not there is a
// fs.ErrNotExist, what is not what was put there an ErrDamaged.
func (s *Shelf) Get(id string) (*Tree, error) {
	name, err := s.file(id)
	if err != nil {
		return nil, err
	}
	content, err := unsealed(name, maxRevision)
	if err != nil {
		return nil, fmt.Errorf("take revision %s from the shelf: %w", id, err)
	}
	var r shelved
	if err := json.Unmarshal(content, &r); err != nil || r.Commit.ID != id {
		return nil, fmt.Errorf("take revision %s from the shelf: %w", id, ErrDamaged)
	}
	t, err := NewTree(r.Commit, r.Files)
	if err != nil {
		return nil, fmt.Errorf("take revision %s from the shelf: %w", id, err)
	}
	return t, nil
}

// IDs lists what is on the shelf, damaged or not.
func (s *Shelf) IDs() ([]string, error) {
	names, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list the shelf of revisions: %w", err)
	}
	var ids []string
	for _, n := range names {
		if id, ok := strings.CutSuffix(n.Name(), shelfSuffix); ok && goodID().MatchString(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Keep drops all revisions but these.
func (s *Shelf) Keep(ids ...string) error {
	there, err := s.IDs()
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range there {
		if slices.Contains(ids, id) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, id+shelfSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("drop revision %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// Floor is what SetFloor wrote down last; nothing if it never did, and an error
// if it is no longer that: then nobody knows what was believed.
func (s *Shelf) Floor() ([]string, error) {
	content, err := unsealed(filepath.Join(s.dir, "floor"), maxFloor)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read which commits were believed: %w", err)
	}
	return strings.Fields(string(content)), nil
}

// SetFloor remembers the commits that what comes must descend from.
func (s *Shelf) SetFloor(ids ...string) error {
	for _, id := range ids {
		if !goodID().MatchString(id) {
			return fmt.Errorf("remember which commits were believed: %q is no commit", id)
		}
	}
	content := []byte(strings.Join(ids, "\n") + "\n")
	if len(content) > maxFloor {
		return fmt.Errorf("remember which commits were believed: %d are too many", len(ids))
	}
	if err := s.write(filepath.Join(s.dir, "floor"), sealed(content)); err != nil {
		return fmt.Errorf("remember which commits were believed: %w", err)
	}
	return nil
}

func (s *Shelf) file(id string) (string, error) {
	if !goodID().MatchString(id) {
		return "", fmt.Errorf("%q is no revision", id)
	}
	return filepath.Join(s.dir, id+shelfSuffix), nil
}

// sealed puts the digest in front of what is written.
func sealed(content []byte) []byte {
	head := fmt.Appendf(nil, "%s %x\n", shelfMagic, sha256.Sum256(content))
	return append(head, content...)
}

// unsealed reads a file, and takes it for damaged if the digest is another's.
func unsealed(name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := io.ReadAll(io.LimitReader(f, limit+int64(len(sealed(nil)))+1))
	if err != nil {
		return nil, err
	}
	_, content, ok := bytes.Cut(all, []byte("\n"))
	if !ok || !bytes.Equal(all, sealed(content)) {
		return nil, fmt.Errorf("%s: %w", name, ErrDamaged)
	}
	return content, nil
}

// write replaces a file: after a crash the old one is there, or the new one.
func (s *Shelf) write(name string, content []byte) (err error) {
	f, err := os.CreateTemp(s.dir, shelfTemp)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	d, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

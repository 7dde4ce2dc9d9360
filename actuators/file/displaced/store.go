package displaced

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Copy describes one version that was displaced.
type Copy struct {
	ID     string    `json:"id"`
	Path   string    `json:"path"`             // where it lay
	Object string    `json:"object,omitempty"` // the object for whose sake it was displaced
	Reason string    `json:"reason,omitempty"` // what displaced it: write, remove
	Digest string    `json:"digest"`           // SHA-256 of the content, in hexadecimal
	Size   int64     `json:"size"`             // bytes
	Mode   uint32    `json:"mode"`             // as chmod(2) takes it
	Owner  string    `json:"owner"`            // a name, or a number where there is none
	Group  string    `json:"group"`
	Link   string    `json:"link,omitempty"` // where it led, if it was a link: that is its content, too
	At     time.Time `json:"at"`
}

// ErrUnknown says that there is no copy with an ID: there never was, or it was
// pruned.
var ErrUnknown = errors.New("no such displaced copy")

// ErrTooLarge says that a copy alone is larger than all that may be kept.
var ErrTooLarge = errors.New("larger than everything that may be kept")

// ErrChanged says that the content was no longer what the description says.
var ErrChanged = errors.New("the content changed while it was being kept")

// Options of a Store; the zero value is useful.
type Options struct {
	MaxAge  time.Duration    // after which a copy is dropped; 0: 30 days
	MaxSize int64            // bytes of content of all copies together; 0: 64 MiB
	Now     func() time.Time // nil: time.Now
}

// Store is a folder of copies. It is safe for concurrent use by one process;
// others may read beside it.
type Store struct {
	dir string
	opt Options

	mu    sync.Mutex // one writer at a time; guards what follows
	list  []Copy     // what the folder held at stamp
	stamp time.Time  // when the folder had last changed; zero: list says nothing
	swept time.Time
}

// New returns the Store in a folder, which is made when the first copy comes.
func New(dir string, o Options) *Store {
	if o.MaxAge == 0 {
		o.MaxAge = 30 * 24 * time.Hour
	}
	if o.MaxSize == 0 {
		o.MaxSize = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{dir: dir, opt: o}
}

// again is how long a second copy of the same is taken for the first: an
// attempt that is repeated must not fill the store.
const again = time.Hour

// Keep stores a copy durably and returns its ID. c says all but ID, Size and
// At. Copies that are too old are dropped, then the oldest as far as room is
// needed. An error means that nothing was kept.
func (s *Store) Keep(c Copy, content io.Reader) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.At = s.opt.Now().UTC().Round(time.Second)
	id, err := s.keep(c, content)
	if err != nil {
		return "", fmt.Errorf("keep a copy of %s: %w", c.Path, err)
	}
	return id, nil
}

func (s *Store) keep(c Copy, content io.Reader) (string, error) {
	if err := s.open(); err != nil {
		return "", err
	}
	old, err := s.known()
	if err != nil {
		return "", err
	}
	for _, o := range old {
		if o.Path == c.Path && o.Digest == c.Digest && c.At.Sub(o.At) >= 0 && c.At.Sub(o.At) < again {
			return o.ID, nil
		}
	}
	if c.ID, err = newID(c.At); err != nil {
		return "", err
	}
	temp := filepath.Join(s.dir, tempPrefix+c.ID)
	defer os.Remove(temp) // gone already where all went well
	if c.Size, err = s.fill(temp, c.Digest, content); err != nil {
		return "", err
	}
	rest, err := s.prune(old, c)
	if err != nil {
		return "", err
	}
	meta, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", err
	}
	if err := s.commit(temp, c.ID, append(meta, '\n')); err != nil {
		return "", err
	}
	s.note(append(rest, c))
	return c.ID, nil
}

// known is List, from memory where the folder has not changed since.
func (s *Store) known() ([]Copy, error) {
	if info, err := os.Stat(s.dir); err == nil && !s.stamp.IsZero() && info.ModTime().Equal(s.stamp) {
		return s.list, nil
	}
	return s.List()
}

// note remembers what the folder holds now.
func (s *Store) note(list []Copy) {
	s.list, s.stamp = list, time.Time{}
	if info, err := os.Stat(s.dir); err == nil {
		s.stamp = info.ModTime()
	}
}

// open makes the folder, and sees to it that it is for nobody else.
func (s *Store) open() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(s.dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no folder", s.dir)
	}
	if info.Mode().Perm() != 0o700 {
		return os.Chmod(s.dir, 0o700)
	}
	return nil
}

// List returns all copies, the oldest first. A description that cannot be read
// is passed over: it must not hide the others.
func (s *Store) List() ([]Copy, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list displaced copies: %w", err)
	}
	var out []Copy
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), metaSuffix)
		if !ok || !validID.MatchString(id) {
			continue
		}
		if c, err := s.describe(id); err == nil {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Copy) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// Get returns one copy with its content, or an error that is ErrUnknown.
func (s *Store) Get(id string) (Copy, []byte, error) {
	if !validID.MatchString(id) {
		return Copy{}, nil, fmt.Errorf("%w: %q", ErrUnknown, id)
	}
	c, err := s.describe(id)
	if errors.Is(err, fs.ErrNotExist) {
		return Copy{}, nil, fmt.Errorf("%w: %q", ErrUnknown, id)
	}
	if err != nil {
		return Copy{}, nil, fmt.Errorf("read the displaced copy %s: %w", id, err)
	}
	content, err := readFile(filepath.Join(s.dir, id), s.opt.MaxSize)
	if err != nil {
		return Copy{}, nil, fmt.Errorf("read the displaced copy %s: %w", id, err)
	}
	if digest(content) != c.Digest {
		return Copy{}, nil, fmt.Errorf("read the displaced copy %s: its content is damaged", id)
	}
	return c, content, nil
}

func (s *Store) describe(id string) (Copy, error) {
	var c Copy
	b, err := readFile(filepath.Join(s.dir, id+metaSuffix), maxMeta)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, err
	}
	c.ID = id
	return c, nil
}

var validID = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$`)

const (
	metaSuffix = ".json"
	tempPrefix = ".new-"
	maxMeta    = 64 << 10
)

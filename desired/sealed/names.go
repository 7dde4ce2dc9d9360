package sealed

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/pakashop/evenkeel/desired"
)

// namesFile is where a host's key lies, and which paths it is for.
const namesFile = "sealed.json"

// keySize is the size of the key in bytes.
const keySize = 32

// Names are the digests of what lies where sealed files go, keyed so that nobody
// can find a secret by trying. What looks at files and what writes them ask it,
// path by path, so that all who compare digests compare the same.
//
// The key is of this host alone and outlasts its identity: whoever gives the host
// another one restarts nothing. A path that was sealed once stays so until
// something else is declared there, because what evenkeel remembers of it is keyed.
// It is safe for concurrent use.
type Names struct {
	file string

	mu    sync.RWMutex // guards what follows
	key   []byte
	paths map[string]bool
	keeps bool // what changes is written down
}

// stored is the file.
type stored struct {
	Key   []byte   `json:"key"`
	Paths []string `json:"paths"`
}

// Open reads what is kept in the state folder. Where nothing is, or nobody but
// root can read it, the key is a new one that lasts as long as the process: good
// for looking. See Keep.
func Open(folder string) (*Names, error) {
	n := &Names{file: filepath.Join(folder, namesFile), key: make([]byte, keySize), paths: map[string]bool{}}
	rand.Read(n.key) // it never fails
	b, err := os.ReadFile(n.file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return n, nil
	}
	var s stored
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err == nil && len(s.Key) != keySize {
		err = errors.New("it holds no key")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w; without it what reads encrypted files is restarted once: to begin anew, remove it", n.file, err)
	}
	n.key = s.Key
	for _, p := range s.Paths {
		n.paths[p] = true
	}
	return n, nil
}

// Keep writes down the key, now and whenever the paths change: from now on others
// than this process rest on it. Whoever only looks does not call it.
func (n *Names) Keep() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keeps = true
	return n.save(n.paths)
}

// Use learns which paths a Set seals that is in force from now on, before anybody
// compares anything with it. An error says that it is not kept.
func (n *Names) Use(set *desired.Set) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := make(map[string]bool, len(n.paths))
	for p := range n.paths {
		next[p] = true
	}
	for i := range set.Services {
		for _, a := range set.Services[i].Files {
			if a.Sealed != nil {
				next[a.Path] = true
			} else {
				delete(next, a.Path)
			}
		}
	}
	if maps.Equal(next, n.paths) {
		return nil
	}
	n.paths = next
	if n.keeps {
		return n.save(next)
	}
	return nil
}

// Name is how the content with a SHA-256 is called at a path: by its keyed digest
// where the path is sealed, by the SHA-256 itself elsewhere.
func (n *Names) Name(path, digest string) string {
	n.mu.RLock()
	sealed := n.paths[path]
	n.mu.RUnlock()
	if !sealed || digest == "" {
		return digest
	}
	return n.keyed(digest)
}

// keyed has the form of a SHA-256: to everybody it is only a name.
func (n *Names) keyed(digest string) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	h := hmac.New(sha256.New, n.key)
	h.Write([]byte(digest))
	return hex.EncodeToString(h.Sum(nil))
}

// save replaces the file in one step.
func (n *Names) save(paths map[string]bool) error {
	s := stored{Key: n.key, Paths: []string{}}
	for p := range paths {
		s.Paths = append(s.Paths, p)
	}
	slices.Sort(s.Paths)
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := replace(n.file, b); err != nil {
		return fmt.Errorf("keep the key that names what is encrypted: %w", err)
	}
	return nil
}

func replace(file string, b []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone once it has its name
	_, err = temp.Write(b)
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}

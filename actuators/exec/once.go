package exec

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// remembered is how long it is known what was done by a Key.
const remembered = 30 * 24 * time.Hour

// once has each Key carried out once: that it was begun is on disk before, how
// it ended after.
type once struct {
	dir string

	mu   sync.Mutex
	busy map[string]chan struct{} // by Key; closed when it is over
}

// entry is what is on disk of a Key.
type entry struct {
	Key    string          `json:"key"`
	Began  time.Time       `json:"began"`
	Ended  bool            `json:"ended,omitempty"`
	Detail string          `json:"detail,omitempty"`
	Kind   *actuators.Kind `json:"kind,omitempty"` // of an error
}

func newOnce(dir string) *once { return &once{dir: dir, busy: make(map[string]chan struct{})} }

// do carries out what nobody has carried out by the Key of the request, or
// returns what came of it then.
func (o *once) do(ctx context.Context, r actuators.Request, run func() (actuators.Result, error)) (actuators.Result, error) {
	release, err := o.claim(ctx, r.Key)
	if err != nil {
		return actuators.Result{}, err
	}
	defer release()
	e, known, err := o.look(r.Key)
	if err != nil {
		return actuators.Result{}, err
	}
	if known {
		return e.again(r)
	}
	e = entry{Key: r.Key, Began: time.Now().UTC()}
	if err := o.put(e); err != nil {
		return actuators.Result{}, actuators.Errorf(actuators.Unavailable, "%s: remember that it begins: %w", r.Action, err)
	}
	res, err := run()
	switch kind := actuators.KindOf(err); {
	case err == nil:
		e.Detail = res.Detail
	case kind == actuators.Failed:
		e.Detail, e.Kind = err.Error(), &kind
	case kind == actuators.Timeout || kind == actuators.Unknown:
		return res, err // nobody knows, and that stays so
	default:
		return res, errors.Join(err, o.forget(r.Key)) // it was not run
	}
	e.Ended = true
	_ = o.put(e) // at worst nobody knows how it ended
	return res, err
}

// again is what a second request gets.
func (e entry) again(r actuators.Request) (actuators.Result, error) {
	switch {
	case !e.Ended:
		return actuators.Result{}, actuators.Errorf(actuators.Unknown, "%s: it was begun at %s, and nobody knows how it ended; it is not done twice", r.Action, e.Began.Format(time.RFC3339))
	case e.Kind != nil:
		return actuators.Result{}, actuators.Errorf(*e.Kind, "%s", e.Detail)
	}
	return actuators.Result{Detail: "done at " + e.Began.Format(time.RFC3339) + ": " + e.Detail}, nil
}

// claim waits until nobody else is at work on a Key.
func (o *once) claim(ctx context.Context, key string) (release func(), err error) {
	for {
		o.mu.Lock()
		others, taken := o.busy[key]
		if !taken {
			mine := make(chan struct{})
			o.busy[key] = mine
			o.mu.Unlock()
			return func() {
				o.mu.Lock()
				delete(o.busy, key)
				o.mu.Unlock()
				close(mine)
			}, nil
		}
		o.mu.Unlock()
		select {
		case <-others:
		case <-ctx.Done():
			return nil, actuators.Errorf(actuators.Timeout, "wait for another run of it: %w", ctx.Err())
		}
	}
}

func (o *once) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(o.dir, hex.EncodeToString(sum[:16])+".json")
}

func (o *once) look(key string) (e entry, known bool, err error) {
	b, err := os.ReadFile(o.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err == nil && e.Key != key {
		err = fmt.Errorf("it is about %q", e.Key)
	}
	if err != nil {
		return e, false, actuators.Errorf(actuators.Unavailable, "read what was done by a key: %w", err)
	}
	return e, true, nil
}

// put writes an entry down for good, and forgets those that are old.
func (o *once) put(e entry) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	o.sweep()
	f, err := os.CreateTemp(o.dir, ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // in vain once it is renamed
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), o.path(e.Key)); err != nil {
		return err
	}
	return o.sync()
}

func (o *once) forget(key string) error {
	if err := os.Remove(o.path(key)); err != nil {
		return err
	}
	return o.sync()
}

func (o *once) sync() error {
	d, err := os.Open(o.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (o *once) sweep() {
	all, _ := os.ReadDir(o.dir) // what cannot be read is not swept
	for _, f := range all {
		if fi, err := f.Info(); err == nil && time.Since(fi.ModTime()) > remembered {
			_ = os.Remove(filepath.Join(o.dir, f.Name()))
		}
	}
}

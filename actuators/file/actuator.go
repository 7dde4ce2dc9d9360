package file

import (
	"context"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file/displaced"
)

// TempPrefix begins the names of temporary files. One that a crash left behind
// is removed when evenkeel next writes into its folder.
const TempPrefix = ".evenkeel-"

// MaxSize is the largest file that is replaced or removed, in bytes: what lies
// there must be read first.
const MaxSize = 64 << 20

// Options of an Actuator; the zero value is right for a real host.
type Options struct {
	Root      string           // the folder that targets begin at; empty: /
	Displaced string           // where displaced copies are kept; empty: /var/lib/evenkeel/displaced
	Now       func() time.Time // dates displaced copies; nil: time.Now

	// Name is how callers call content with a SHA-256 at a path, in digest and in
	// was; nil: by that.
	Name func(path, digest string) string
}

// Actuator writes and removes files. It is safe for concurrent use with
// different targets.
type Actuator struct {
	root string
	kept *displaced.Store
	name func(path, digest string) string

	mu    sync.Mutex               // guards what follows
	live  map[string]bool          // names of temporary files in use
	busy  map[string]chan struct{} // targets at work; closed when one is done
	swept map[folderID]bool
}

// New returns an Actuator.
func New(o Options) *Actuator {
	if o.Root == "" {
		o.Root = "/"
	}
	if o.Displaced == "" {
		o.Displaced = "/var/lib/evenkeel/displaced"
	}
	if o.Name == nil {
		o.Name = func(_, digest string) string { return digest }
	}
	return &Actuator{
		name: o.Name, root: o.Root, kept: displaced.New(o.Displaced, displaced.Options{Now: o.Now}),
		live: make(map[string]bool), busy: make(map[string]chan struct{}), swept: make(map[folderID]bool),
	}
}

// Displaced is the store of what was displaced.
func (a *Actuator) Displaced() *displaced.Store { return a.kept }

// Info lists the two verbs.
func (a *Actuator) Info(context.Context) (actuators.Info, error) { return info, nil }

var info = actuators.Info{
	Name: "file", Version: "1",
	Verbs: []actuators.Verb{
		{
			Name: "write", Effect: actuators.Benign, Content: true,
			Args: []string{"digest", "mode", "owner", "group", "link", "was", "wasLink", "keep", "object"},
			Help: "Makes a file be as declared, if what lies there has the digest `was` (absent: if nothing does). Empty content with digest equal to was sets mode and owner only. With `link` and empty content it is a symlink to that folder, which must be there; a link that was seen there is named by `wasLink`.",
		},
		{
			Name: "remove", Effect: actuators.Benign,
			Args: []string{"was", "wasLink", "keep", "object"},
			Help: "Removes a file that has the digest `was`, or a link that leads to `wasLink`.",
		},
	},
}

// Apply does a write or a remove. What is already so is left alone. An error of
// kind Conflict or Refused says that nothing was changed; so does Failed, with
// nothing left behind; Unknown says that the file is in place and that the disk
// did not confirm it.
func (a *Actuator) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	w, err := a.parse(r)
	if err != nil {
		return actuators.Result{}, err
	}
	release, err := a.claim(ctx, w)
	if err != nil {
		return actuators.Result{}, err
	}
	defer release()
	if w.remove {
		return a.remove(ctx, w)
	}
	return a.write(ctx, w)
}

// claim waits until nobody else in this process is at work on the target, and
// returns how to let it go.
func (a *Actuator) claim(ctx context.Context, w wish) (release func(), err error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, late(w, err)
		}
		a.mu.Lock()
		others, taken := a.busy[w.path]
		if !taken {
			mine := make(chan struct{})
			a.busy[w.path] = mine
			a.mu.Unlock()
			return func() {
				a.mu.Lock()
				delete(a.busy, w.path)
				a.mu.Unlock()
				close(mine)
			}, nil
		}
		a.mu.Unlock()
		select {
		case <-others:
		case <-ctx.Done():
		}
	}
}

// late is the error of a context that ended before anything was changed.
func late(w wish, err error) error {
	return actuators.Errorf(actuators.Timeout, "%s: nothing was done: %w", w.action, err)
}

// Preview says what Apply would do, and changes nothing.
func (a *Actuator) Preview(_ context.Context, r actuators.Request) (actuators.Result, error) {
	w, err := a.parse(r)
	if err != nil {
		return actuators.Result{}, err
	}
	dir, err := a.walk(w, false)
	if err != nil {
		return actuators.Result{}, err
	}
	var have target
	if dir != nil {
		defer dir.close()
		if have, err = dir.look(w); err != nil {
			return actuators.Result{}, err
		}
	}
	defer have.close()
	if done, err := w.compare(have); done || err != nil {
		return actuators.Result{Detail: w.path + " is already so"}, err
	}
	if err := a.leads(w); err != nil {
		return actuators.Result{}, err
	}
	return actuators.Result{Changed: true, Detail: w.detail(have)}, nil
}

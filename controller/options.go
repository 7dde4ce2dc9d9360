package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/act"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Observer reads the host.
type Observer interface {
	// Observe reads the named facts. It never fails as a whole: what could
	// not be read is a fact with its error.
	Observe(ctx context.Context, refs []state.Ref) state.Facts
	// KeepLoaded has facts that are to be read again and again soon kept where
	// they are cheap to read, until let is called. It changes nothing else.
	KeepLoaded(ctx context.Context, refs []state.Ref) (let func())
	// Probe says which probes are to be run from now on, while Watch runs. It
	// must be quick.
	Probe([]desired.Probing)
	// Evaluate says which rules of alerts are evaluated from now on, while Watch
	// runs, and what is read for it. It must be quick.
	Evaluate([]desired.RuleFile, []desired.Target)
	// Watch reports which facts may have changed until ctx ends; no names at
	// all means that anything may have. refs tells which are of interest. Facts
	// that come by themselves, as probes and alerts do, it brings as they change.
	Watch(ctx context.Context, refs func() []state.Ref, dirty func([]state.Ref), seen func(state.Facts)) error
	Now() state.Time
}

// Source brings desired state.
type Source interface {
	// Load returns the Set, or why there is none. Problems that are warnings
	// come with a Set.
	Load(ctx context.Context) (*desired.Set, []string, error)
	// Watch calls changed when Load may return something else, until ctx ends.
	Watch(ctx context.Context, changed func()) error
}

// Store remembers.
type Store interface {
	Past() *state.Past
	// Append writes entries durably, all or none, and returns them with their
	// numbers.
	Append([]state.Entry) ([]state.Entry, error)
	// Heal mends what can be mended of a record that is not to be believed. On
	// nil, Past is to be taken anew.
	Heal() error
}

// Kept finds a version of a file that was displaced, with its content.
type Kept func(id string) (state.Kept, []byte, error)

// Plugins are the actuators that run as processes of their own: evenkeel's, and
// those of the operator.
type Plugins interface {
	act.Plugins
	// Declare says which plugins of the operator there are from now on. It must
	// be quick. The error names those that cannot be; the others are declared.
	Declare([]desired.Actuator) error
}

// Secret resolves a reference to a value that never lies in git. Its error must
// not tell the value.
type Secret func(ctx context.Context, s desired.Secret) (string, error)

// Remote is what the actuator git is told: the remotes of desired state, and the
// credentials for them. Its error must not tell those.
type Remote func(context.Context) ([]byte, error)

// Options are what a Controller is made of. All but the last group are required.
type Options struct {
	Source    Source
	Observer  Observer
	Store     Store
	Actuators map[string]actuators.Actuator
	Log       *slog.Logger

	Plugins Plugins                         // nil: there are none
	Secret  Secret                          // nil: what needs a secret is refused
	Remote  Remote                          // where desired state comes from and can be pushed to; nil: there is no such place
	Kept    Kept                            // versions of files that were displaced; nil: none can be restored by hand
	Version string                          // of evenkeel; a change of it is remembered; empty: it is not
	Stopped func() bool                     // the kill switch, read before each act; nil: none
	Resync  time.Duration                   // how often everything is looked at again; default 1 m, with jitter
	Grace   time.Duration                   // how long a shutdown waits for Steps under way; default 20 s
	Ready   func()                          // called once, when the first Plan was made
	InForce func(*desired.Set)              // told what is in force from now on, before anything is compared with it; must be quick
	Tell    func(text string)               // shows a few lines to those who are logged in; must not block; nil: nobody does
	Done    func(state.Step, state.Outcome) // called for each Step that ended, on the loop's goroutine
}

func (o *Options) defaults() error {
	if o.Kept == nil {
		o.Kept = func(id string) (state.Kept, []byte, error) {
			return state.Kept{}, nil, fmt.Errorf("no displaced version %s", id)
		}
	}
	if o.Source == nil || o.Observer == nil || o.Store == nil || o.Log == nil {
		return errors.New("controller: Source, Observer, Store and Log are required")
	}
	if o.Resync == 0 {
		o.Resync = time.Minute
	}
	if o.Grace == 0 {
		o.Grace = 20 * time.Second
	}
	if o.Ready == nil {
		o.Ready = func() {}
	}
	if o.InForce == nil {
		o.InForce = func(*desired.Set) {}
	}
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	if o.Done == nil {
		o.Done = func(state.Step, state.Outcome) {}
	}
	return nil
}

package units

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
)

// Bus is what the observer needs of a connection to systemd; *bus.Conn has it.
type Bus interface {
	Look(ctx context.Context, names []string, props []bus.Property) ([]bus.UnitStatus, []bus.Reply, error)
	Get(ctx context.Context, props []bus.Property) ([]bus.Reply, error)
	Ref(ctx context.Context, units []string)
	Unref(ctx context.Context, units []string)
	Watch(ctx context.Context, interested func(unit string) bool, dirty func(units []string, all bool)) error
}

// Options has a useful zero value.
type Options struct {
	// Lean reads less of a service that is running: what a plan rests on, not
	// what the board shows. Only the states, Job, NeedReload, CanReload, MainPID,
	// Exe, ExeStale, Invocation and Entered are then filled. Whoever merges facts
	// into one World must not mix lean and full ones.
	Lean bool

	Root string // of /proc and /run, for tests; default "/"
}

// Observer reads units. It is safe for concurrent use.
type Observer struct {
	bus  Bus
	now  func() state.Time
	opts Options

	mu      sync.Mutex // guards what follows
	memory  memory
	only    bool                // SetNames was called: wanted is what matters
	wanted  map[string]struct{} // names that were asked for
	aliases map[string][]string // primary name → other names it was asked by
}

// New makes an Observer. now is the clock that dates the facts.
func New(b Bus, now func() state.Time, opts Options) *Observer {
	if opts.Root == "" {
		opts.Root = "/"
	}
	return &Observer{bus: b, now: now, opts: opts, memory: newMemory(), wanted: map[string]struct{}{}, aliases: map[string][]string{}}
}

// Observe reads the units now. Every name gets a fact under the name that was
// asked for; its ID is the primary name. A unit that does not exist is a known
// fact with Load "not-found"; what could not be read, or is no unit's name, is a
// fact with Err.
func (o *Observer) Observe(ctx context.Context, names []string) map[string]state.Fact[state.Unit] {
	at := o.now()
	facts := make(map[string]state.Fact[state.Unit], len(names))
	ask := make([]string, 0, len(names))
	for _, n := range names {
		if _, twice := facts[n]; twice {
			continue
		}
		facts[n] = state.Fact[state.Unit]{At: at}
		if why := badName(n); why != "" {
			facts[n] = state.Fact[state.Unit]{At: at, Err: fmt.Sprintf("read unit %s: %s", n, why)}
			continue
		}
		ask = append(ask, n)
	}
	o.read(ctx, ask, func(name string, u state.Unit, err error) {
		f := state.Fact[state.Unit]{Value: u, At: at}
		if err != nil {
			f = state.Fact[state.Unit]{At: at, Err: fmt.Sprintf("read unit %s: %v", name, err)}
		}
		facts[name] = f
	})
	return facts
}

// learn remembers what was asked for, and by which other names.
func (o *Observer) learn(units []reading) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range units {
		n, id := units[i].name, units[i].unit.ID
		if _, ok := o.wanted[n]; !ok {
			if o.only {
				continue
			}
			o.wanted[n] = struct{}{}
		}
		if id != "" && id != n && !slices.Contains(o.aliases[id], n) {
			o.aliases[id] = append(o.aliases[id], n)
		}
	}
}

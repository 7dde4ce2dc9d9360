package units

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
)

// Bus is what the observer needs of a connection to systemd; *bus.Conn has it.
type Bus interface {
	ListUnitsByNames(ctx context.Context, names []string) ([]bus.UnitStatus, error)
	Get(ctx context.Context, props []bus.Property) ([]bus.Reply, error)
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

	mu      sync.Mutex
	only    bool                // SetNames was called: wanted is what matters
	wanted  map[string]struct{} // names that were asked for
	aliases map[string][]string // primary name → other names it was asked by
}

// New makes an Observer. now is the clock that dates the facts.
func New(b Bus, now func() state.Time, opts Options) *Observer {
	if opts.Root == "" {
		opts.Root = "/"
	}
	return &Observer{bus: b, now: now, opts: opts, wanted: map[string]struct{}{}, aliases: map[string][]string{}}
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

// read reads the units of valid names and gives each to put.
func (o *Observer) read(ctx context.Context, names []string, put func(string, state.Unit, error)) {
	listed, err := o.list(ctx, names)
	var units map[string]*reading
	if err == nil {
		o.learn(names, listed)
		units, err = o.detail(ctx, listed)
	}
	for i, n := range names {
		switch {
		case err != nil:
			put(n, state.Unit{}, err)
		case listed[i].err != nil:
			put(n, state.Unit{}, listed[i].err)
		default:
			r := units[listed[i].status.Name]
			put(n, r.unit, r.err)
		}
	}
}

// listing is what the first call tells of one asked name.
type listing struct {
	status bus.UnitStatus
	err    error
}

// list asks for all names at once. If systemd refuses them together, it asks
// for each alone, so that one name cannot hide the others.
func (o *Observer) list(ctx context.Context, names []string) ([]listing, error) {
	out := make([]listing, len(names))
	all, err := o.bus.ListUnitsByNames(ctx, names)
	if err == nil && len(all) == len(names) {
		for i, s := range all {
			out[i].status = s
		}
		return out, nil
	}
	if err == nil {
		err = fmt.Errorf("systemd told of %d units of %d", len(all), len(names))
	}
	if len(names) == 1 || wayLost(err) {
		return nil, err
	}
	for i, n := range names {
		one, err := o.bus.ListUnitsByNames(ctx, []string{n})
		switch {
		case err != nil && wayLost(err):
			return nil, err
		case err == nil && len(one) != 1:
			err = errors.New("systemd does not take it for a unit's name")
		case err == nil:
			out[i].status = one[0]
		}
		out[i].err = err
	}
	return out, nil
}

// wayLost tells an error that concerns the connection and not a name.
func wayLost(err error) bool {
	return errors.Is(err, bus.ErrNoServer) || errors.Is(err, bus.ErrDisconnected) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// learn remembers what was asked for, and by which other names.
func (o *Observer) learn(names []string, listed []listing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, n := range names {
		if _, ok := o.wanted[n]; !ok {
			if o.only {
				continue
			}
			o.wanted[n] = struct{}{}
		}
		if id := listed[i].status.Name; id != "" && id != n && !contains(o.aliases[id], n) {
			o.aliases[id] = append(o.aliases[id], n)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

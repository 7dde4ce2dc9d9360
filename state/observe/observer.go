package observe

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/units"
)

// Units reads units and what systemd says of itself; *units.Observer has it.
type Units interface {
	Observe(ctx context.Context, names []string) map[string]state.Fact[state.Unit]
	Host(ctx context.Context) state.Fact[units.Manager]
	Rivals(ctx context.Context, names []string) (map[string]map[string]uint32, error)
	KeepLoaded(ctx context.Context, names []string) (let func())
	Watch(ctx context.Context, dirty func(names []string, all bool)) error
}

// Files reads files and folders; *files.Observer has it.
type Files interface {
	Observe(ctx context.Context, paths []string) map[string]state.Fact[state.File]
	Dirs(ctx context.Context, paths []string) map[string]state.Fact[state.Dir]
}

// Links tells how units are enabled, and in which folders that is written;
// *files.Links has it.
type Links interface {
	Boot(names []string) (map[string]string, error)
	Folders() []string
	Watch() (stop func(), err error)
}

// Host reads what systemd does not know of the host; *host.Host has it.
type Host interface {
	Observe() (state.Host, error)
	Stop() string
	Watch(ctx context.Context, dirty func())
}

// Journal knows how units ended; *journal.Journal has it.
type Journal interface {
	StopCauses(ctx context.Context, units []string) (map[string]state.StopCause, error)
	StoppedFor(ctx context.Context, rivals map[string]map[string]uint32) (map[string]string, error)
	StartedBefore(ctx context.Context, units []string) (map[string][]string, error)
}

// Probes asks whether what runs is well; *probes.Prober has it.
type Probes interface {
	Set([]desired.Probing)
	Units(map[string]state.Fact[state.Unit])
	Observe(ctx context.Context, names []string) map[string]state.Fact[state.Probe]
	Watch(ctx context.Context, seen func(map[string]state.Fact[state.Probe]))
}

// Metrics has rules evaluated; *metrics.Evaluator has it.
type Metrics interface {
	Set([]desired.RuleFile, []desired.Target)
	Observe(ctx context.Context, sources, queries []string) state.Facts
	Watch(ctx context.Context, seen func(map[string]state.Fact[state.Alerts]))
}

// Options are the parts of an Observer. All are required but the last four.
type Options struct {
	Now     func() state.Time
	Units   Units
	Files   Files
	Links   Links
	Host    Host
	Journal Journal
	Probes  Probes       // nil: nothing is probed
	Alerts  []Alerts     // beside those of Metrics
	Metrics Metrics      // nil: no rules are evaluated
	Log     *slog.Logger // nil: nothing is logged
}

// Observer reads facts of every kind. It is safe for concurrent use.
type Observer struct {
	opt    Options
	ended  *ended
	scopes *scopes
}

// New returns an Observer of the given parts.
func New(o Options) *Observer {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics != nil {
		o.Alerts = append(slices.Clip(o.Alerts), evaluated{o.Metrics})
	}
	return &Observer{opt: o, ended: newEnded(o.Journal, o.Units, o.Log), scopes: newScopes()}
}

// Now is this instant.
func (o *Observer) Now() state.Time { return o.opt.Now() }

// Observe reads the named facts now, each kind beside the others. Every name
// is in the answer; what could not be read is there with its error. Each fact
// is dated with the moment at which its reading began.
func (o *Observer) Observe(ctx context.Context, refs []state.Ref) state.Facts {
	names := make(map[state.RefKind][]string)
	for _, r := range refs {
		names[r.Kind] = append(names[r.Kind], r.Name)
	}
	o.scopes.add(names[state.RefFile], names[state.RefDir])
	var out state.Facts
	var wg sync.WaitGroup
	if list := names[state.RefUnit]; len(list) > 0 {
		wg.Go(func() { out.Units = o.units(ctx, list) })
	}
	if list := names[state.RefFile]; len(list) > 0 {
		wg.Go(func() { out.Files = o.files(ctx, list) })
	}
	if list := names[state.RefDir]; len(list) > 0 {
		wg.Go(func() { out.Dirs = o.opt.Files.Dirs(ctx, list) })
	}
	if len(names[state.RefHost]) > 0 {
		wg.Go(func() { out.Host = o.host(ctx) })
	}
	if list := names[state.RefProbe]; len(list) > 0 && o.opt.Probes != nil {
		wg.Go(func() { out.Probes = o.opt.Probes.Observe(ctx, list) })
	}
	if list := names[state.RefAlerts]; len(list) > 0 {
		wg.Go(func() { out.Alerts = o.alerts(ctx, list) })
	}
	if list := names[state.RefQuery]; len(list) > 0 && o.opt.Metrics != nil {
		wg.Go(func() { out.Queries = o.opt.Metrics.Observe(ctx, nil, list).Queries })
	}
	wg.Wait()
	return out
}

// Probe says which probes are to be run from now on.
func (o *Observer) Probe(list []desired.Probing) {
	if o.opt.Probes != nil {
		o.opt.Probes.Set(list)
	}
}

// Evaluate says which rules are to be evaluated from now on, and what is read for it.
func (o *Observer) Evaluate(rules []desired.RuleFile, targets []desired.Target) {
	if o.opt.Metrics != nil {
		o.opt.Metrics.Set(rules, targets)
	}
}

// KeepLoaded keeps the named units loaded until let is called, so that reading them
// again is cheap. Facts of other kinds need no such thing.
func (o *Observer) KeepLoaded(ctx context.Context, refs []state.Ref) (let func()) {
	var names []string
	for _, r := range refs {
		if r.Kind == state.RefUnit {
			names = append(names, r.Name)
		}
	}
	return o.opt.Units.KeepLoaded(ctx, names)
}

// host puts systemd's word and the host's own together. If either is missing,
// so is the fact: what is not known to be running, unlocked and allowed is not.
func (o *Observer) host(ctx context.Context) *state.Fact[state.Host] {
	own, err := o.opt.Host.Observe()
	m := o.opt.Units.Host(ctx)
	own.System, own.Systemd, own.UnitsLoaded, own.Jobs = m.Value.System, m.Value.Systemd, m.Value.UnitsLoaded, m.Value.Jobs
	f := state.Fact[state.Host]{Value: own, At: m.At}
	if m.Err != "" {
		err = errors.Join(err, errors.New(m.Err))
	}
	if err != nil {
		f.Err = err.Error()
	}
	o.scopes.system(own.System)
	return &f
}

func (o *Observer) files(ctx context.Context, paths []string) map[string]state.Fact[state.File] {
	facts := o.opt.Files.Observe(ctx, paths)
	for p, f := range facts {
		if f.Value.Kind == state.Folder {
			o.scopes.enter(p)
		}
	}
	return facts
}

// units reads units, how they are enabled, and of those that are down without a
// failure, why.
func (o *Observer) units(ctx context.Context, names []string) map[string]state.Fact[state.Unit] {
	var boot map[string]string
	var bootErr error
	var wg sync.WaitGroup
	wg.Go(func() { boot, bootErr = o.opt.Links.Boot(names) })
	facts := o.opt.Units.Observe(ctx, names)
	wg.Wait()
	for n, f := range facts {
		switch {
		case f.Err != "":
			continue
		case bootErr != nil:
			f.Err = bootErr.Error()
		default:
			f.Value.Boot = boot[n]
		}
		facts[n] = f
	}
	if o.opt.Probes != nil {
		o.opt.Probes.Units(facts)
	}
	o.scopes.boots(boot)
	o.ended.explain(ctx, facts)
	return facts
}

// tick is how often a host that is on its way up or down is looked at: systemd
// does not tell of each change of its own state.
const tick = time.Second

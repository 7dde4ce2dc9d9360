package probes

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// Options are the parts of a Prober. Now is required.
type Options struct {
	Now    func() state.Time
	Secret func(context.Context, desired.Secret) (string, error) // nil: no value can be had
	Log    *slog.Logger                                          // nil: nothing is logged
	// Ask takes one sample; it must end with its context. nil: package ask does.
	Ask func(context.Context, desired.Probing) ask.Sample
}

// Prober asks what runs on this host how it is. It is safe for concurrent use.
type Prober struct {
	opt   Options
	wake  chan struct{}    // size 1: the agenda begins with something else
	news  chan struct{}    // size 1: some fact changed
	looks [2]chan struct{} // a place for each sample that Observe takes, commands apart

	// mu guards everything that follows.
	mu      sync.Mutex
	base    time.Time // ticks fall on whole seconds after it; zero: nobody has watched yet
	rows    map[string]*row
	units   map[string]unit
	ofUnit  map[string][]*row
	agenda  agenda
	alarm   time.Time // when the watching looks at the agenda again; zero: not before it is woken
	lanes   [2]lane
	changed map[string]bool
}

// unit is what is known of a unit.
type unit struct {
	at         state.Time
	up         bool
	invocation string
	entered    time.Duration // CLOCK_MONOTONIC of becoming active
}

// New returns a Prober that asks nothing yet.
func New(o Options) *Prober {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Ask == nil {
		o.Ask = ask.New(ask.Options{Secret: o.Secret}).Ask
	}
	p := &Prober{
		opt: o, wake: make(chan struct{}, 1), news: make(chan struct{}, 1),
		rows: make(map[string]*row), units: make(map[string]unit), ofUnit: make(map[string][]*row), changed: make(map[string]bool),
	}
	p.lanes = [2]lane{{free: maxAsking}, {free: maxCommands}}
	p.looks = [2]chan struct{}{make(chan struct{}, maxAsking), make(chan struct{}, maxCommands)}
	return p
}

// Set says what is asked from now on. A probe that was asked in the same way
// before keeps what is known of it.
func (p *Prober) Set(probings []desired.Probing) {
	now := p.opt.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.rows
	p.rows, p.ofUnit = make(map[string]*row, len(probings)), make(map[string][]*row)
	var fresh []*row
	taken := make(seats)
	for _, one := range probings {
		r := old[one.Name]
		if r == nil || !reflect.DeepEqual(r.probing, one) {
			r = newRow(one, now)
			r.fact.Value.Invocation = p.units[one.Unit].invocation
			p.changed[one.Name] = true
			fresh = append(fresh, r)
		} else {
			taken.sit(r)
		}
		p.rows[one.Name] = r
		if one.Unit != "" {
			p.ofUnit[one.Unit] = append(p.ofUnit[one.Unit], r)
		}
	}
	for name, r := range old {
		if p.rows[name] != r {
			p.shut(r)
		}
	}
	for _, r := range fresh {
		r.slot = taken.find(r)
		taken.sit(r)
	}
	for _, r := range p.rows {
		p.turn(r)
	}
	stir(p.news)
}

// Units tells what was seen of units. A probe is asked while its unit is up; of
// another process than before everything is forgotten.
func (p *Prober) Units(facts map[string]state.Fact[state.Unit]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, f := range facts {
		was, seen := p.units[name]
		if f.Err != "" || seen && f.At.Before(was.at) {
			continue
		}
		is := unit{at: f.At, up: f.Value.Up()}
		if is.up {
			is.invocation, is.entered = f.Value.Invocation, f.Value.Entered
		}
		p.units[name] = is
		if is.up == was.up && is.invocation == was.invocation {
			continue
		}
		for _, r := range p.ofUnit[name] {
			p.shut(r)
			r.reset(is.invocation, f.At)
			p.changed[r.probing.Name] = true
		}
		for _, r := range p.ofUnit[name] {
			p.turn(r)
		}
		stir(p.news)
	}
}

// mayAsk tells whether a probe is asked at all: its unit is up, and its startup
// probe has succeeded, unless that was declared when this one had its verdict
// already. A startup probe that has succeeded has done its work.
func (p *Prober) mayAsk(r *row) bool {
	if r.probing.Unit == "" {
		return true
	}
	if !p.units[r.probing.Unit].up {
		return false
	}
	if r.probing.Kind == desired.StartupProbe {
		return r.fact.Value.Verdict != state.ProbeSuccess
	}
	if r.fact.Value.Verdict != state.ProbePending {
		return true
	}
	for _, other := range p.ofUnit[r.probing.Unit] {
		if other.probing.Kind == desired.StartupProbe {
			return other.fact.Value.Verdict == state.ProbeSuccess
		}
	}
	return true
}

// turn has a row asked, or not, as it may be.
func (p *Prober) turn(r *row) {
	switch may := p.mayAsk(r); {
	case may && !r.open:
		r.begin(p.base, time.Now().Add(p.delay(r, p.opt.Now())))
		if r.cut == nil {
			p.agenda.put(r)
			p.hasten(r)
		}
	case !may && r.open:
		p.shut(r)
	}
}

// delay is how long a row is not asked yet because its process is young.
func (p *Prober) delay(r *row, now state.Time) time.Duration {
	if r.probing.Unit == "" {
		return 0
	}
	return max(0, r.delay()-(now.Up-p.units[r.probing.Unit].entered))
}

// shut stops the asking of a row. What is being asked is given up.
func (p *Prober) shut(r *row) {
	r.close()
	p.agenda.take(r)
}

// book takes what came of a sample of a row, unless the row is about something
// else by now.
func (p *Prober) book(r *row, epoch int, s ask.Sample, began state.Time, counts bool) {
	if r.epoch != epoch {
		return
	}
	if r.take(s, began, counts) {
		p.changed[r.probing.Name] = true
		stir(p.news)
	}
	if r.probing.Kind == desired.StartupProbe {
		for _, other := range p.ofUnit[r.probing.Unit] {
			p.turn(other)
		}
	}
}

// stir wakes whoever waits on a channel of size 1.
func stir(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

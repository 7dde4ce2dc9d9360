package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/metrics/lines"
)

// Role is what this program gets as its argument when it is started to evaluate.
const Role = "evenkeel-metrics"

// patience is how long an answer may take. A child that takes longer is ended.
const patience = 30 * time.Second

// Options are the parts of an Evaluator. Now and Dir are required.
type Options struct {
	Now    func() state.Time
	Dir    string                                                // for the child's series; it is made, and given to the child's user
	Secret func(context.Context, desired.Secret) (string, error) // nil: no value can be had
	// Collect says what a target says that is not read over HTTP, as Prometheus
	// text; it must end with its context. nil: such a target cannot be read.
	Collect func(context.Context, desired.Target) ([]byte, error)
	Log     *slog.Logger // nil: nothing is logged

	first time.Duration // for tests: the first wait before a child is started anew
}

// Evaluator has rules evaluated. It is safe for concurrent use.
type Evaluator struct {
	opt  Options
	wake chan struct{} // size 1: something else is wanted
	news chan struct{} // size 1: some fact changed

	// mu guards what follows.
	mu      sync.Mutex
	want    lines.Set
	told    map[string]state.Fact[state.Alerts] // by source, as last reported
	changed map[string]bool
	child   *child // nil: none runs
	why     string // why none runs
}

// New returns an Evaluator that evaluates nothing yet.
func New(o Options) *Evaluator {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.first == 0 {
		o.first = time.Second
	}
	return &Evaluator{
		opt: o, wake: make(chan struct{}, 1), news: make(chan struct{}, 1),
		told: map[string]state.Fact[state.Alerts]{}, changed: map[string]bool{}, why: "there are no rules",
	}
}

// Set says what is evaluated from now on while Watch runs, and what is read for it.
func (e *Evaluator) Set(rules []desired.RuleFile, targets []desired.Target) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if reflect.DeepEqual(rules, e.want.Rules) && reflect.DeepEqual(targets, e.want.Targets) {
		return
	}
	e.want = lines.Set{Rules: rules, Targets: targets}
	stir(e.wake)
}

// Observe reads sources of alerts and expressions as they are now. Every name is in
// the answer.
func (e *Evaluator) Observe(ctx context.Context, sources, queries []string) state.Facts {
	r, err := e.order(ctx, lines.Order{Read: &lines.Read{Alerts: sources, Queries: queries}})
	now := e.opt.Now()
	out := state.Facts{}
	for _, name := range sources {
		f, ok := r.Facts.Alerts[name]
		if f.At = dated(f.At, now); err != nil || !ok {
			f = state.Fact[state.Alerts]{At: now, Err: unknown(err)}
		}
		out.Add(state.Facts{Alerts: map[string]state.Fact[state.Alerts]{name: f}})
	}
	for _, expr := range queries {
		f, ok := r.Facts.Queries[expr]
		if f.At = dated(f.At, now); err != nil || !ok {
			f = state.Fact[state.QueryResult]{At: now, Err: unknown(err)}
		}
		out.Add(state.Facts{Queries: map[string]state.Fact[state.QueryResult]{expr: f}})
	}
	return out
}

func unknown(err error) string {
	if err == nil {
		err = errors.New("no answer")
	}
	return err.Error()
}

// dated puts an instant that the child told on the clocks of this process. It cannot
// be later than now.
func dated(at, now state.Time) state.Time { return now.Add(min(0, at.Up-now.Up)) }

// Query is what an expression comes to at a moment (zero: now), as text for people;
// with exemplars, those of what it selects follow.
func (e *Evaluator) Query(ctx context.Context, expr string, at time.Time, exemplars bool) (string, error) {
	r, err := e.order(ctx, lines.Order{Ask: &lines.Ask{Expr: expr, At: at, Exemplars: exemplars}})
	if err == nil && r.Err != "" {
		err = errors.New(r.Err)
	}
	if err != nil {
		return r.Text, fmt.Errorf("query %s: %w", expr, err)
	}
	return r.Text, nil
}

// order has the child carry out an order, and waits for its answer.
func (e *Evaluator) order(ctx context.Context, o lines.Order) (lines.Report, error) {
	e.mu.Lock()
	c, why := e.child, e.why
	e.mu.Unlock()
	if c == nil {
		return lines.Report{}, fmt.Errorf("rules are not evaluated: %s", why)
	}
	return c.order(ctx, o)
}

// take takes what the child reports of its own accord.
func (e *Evaluator) take(f state.Facts) {
	now := e.opt.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, f := range f.Alerts {
		f.At = dated(f.At, now)
		e.told[name] = f
		e.changed[name] = true
	}
	stir(e.news)
}

// away says that no child runs, and why: from now on nothing is known.
func (e *Evaluator) away(why string, gone bool) {
	now := e.opt.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.child, e.why = nil, why
	for name := range e.told {
		f := state.Fact[state.Alerts]{At: now, Err: "rules are not evaluated: " + why}
		if gone {
			f.Err = "" // nobody wants to know
		}
		e.told[name] = f
		e.changed[name] = true
	}
	stir(e.news)
}

// report brings what changed.
func (e *Evaluator) report(ctx context.Context, seen func(map[string]state.Fact[state.Alerts])) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.news:
		}
		e.mu.Lock()
		facts := make(map[string]state.Fact[state.Alerts], len(e.changed))
		for name := range e.changed {
			facts[name] = e.told[name]
		}
		clear(e.changed)
		e.mu.Unlock()
		if len(facts) > 0 {
			seen(maps.Clone(facts))
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

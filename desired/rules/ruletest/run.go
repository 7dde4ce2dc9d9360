package ruletest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	promrules "github.com/prometheus/prometheus/rules"
)

// Run runs the tests of a file, those whose names match; nil: all.
func Run(ctx context.Context, name string, match *regexp.Regexp) Result {
	r := Result{File: name, Errors: []string{}, Warnings: []string{}, Tests: []Test{}}
	f, err := read(name, &r)
	if err != nil {
		r.Errors = append(r.Errors, err.Error())
		return r
	}
	order, err := f.order()
	if err != nil {
		r.Errors = append(r.Errors, err.Error())
		return r
	}
	r.OK = true
	for i := range f.Tests {
		g := &f.Tests[i]
		if !chosen(match, g.Name) {
			continue
		}
		if g.Interval == 0 {
			g.Interval = f.EvaluationInterval
		}
		t := Test{Name: g.name(i), Errors: []string{}}
		for _, err := range f.run(ctx, g, order) {
			t.Errors = append(t.Errors, err.Error())
		}
		t.OK = len(t.Errors) == 0
		r.OK = r.OK && t.OK
		r.Tests = append(r.Tests, t)
	}
	return r
}

// trial is one test while it runs.
type trial struct {
	*group
	b      *bench
	groups []*promrules.Group
	from   time.Time
	every  time.Duration
	equal  func(x, y float64) bool
	errs   []error
}

func (t *trial) fail(format string, args ...any) {
	t.errs = append(t.errs, fmt.Errorf(format, args...))
}

// run runs one test.
func (f *file) run(ctx context.Context, g *group, order map[string]int) (errs []error) {
	every := time.Duration(f.EvaluationInterval)
	b, err := newBench(g, every)
	if err != nil {
		return []error{err}
	}
	defer func() {
		if err := b.close(); err != nil {
			errs = append(errs, err)
		}
	}()
	groups, errs := b.groups(ctx, f, g)
	if errs != nil {
		return errs
	}
	slices.SortStableFunc(groups, func(a, b *promrules.Group) int { return order[a.Name()] - order[b.Name()] })
	t := trial{group: g, b: b, groups: groups, every: every, from: time.Unix(0, 0).UTC(), equal: exactly}
	if !g.Start.IsZero() {
		t.from = g.Start.Time
	}
	if f.FuzzyCompare {
		t.equal = nearly
	}
	if t.evaluate(ctx) {
		for _, e := range g.Expressions {
			t.expression(ctx, e)
		}
	}
	return t.errs
}

// groups loads the rules, in an order that does not change.
func (b *bench) groups(ctx context.Context, f *file, g *group) ([]*promrules.Group, []error) {
	m := promrules.NewManager(&promrules.ManagerOptions{
		QueryFunc:   promrules.EngineQueryFunc(b.engine, b.db),
		Appendable:  b.db,
		Context:     ctx,
		NotifyFunc:  func(context.Context, string, ...*promrules.Alert) {},
		Logger:      slog.New(slog.DiscardHandler),
		Parser:      promQL,
		GroupLoader: loader{},
	})
	byKey, errs := m.LoadGroups(time.Duration(g.Interval), g.ExternalLabels, g.ExternalURL, nil, false, f.RuleFiles...)
	if errs != nil {
		return nil, errs
	}
	groups := make([]*promrules.Group, 0, len(byKey))
	for _, one := range byKey {
		groups = append(groups, one)
	}
	slices.SortFunc(groups, func(a, b *promrules.Group) int {
		return cmp.Or(cmp.Compare(a.File(), b.File()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, one := range groups {
		for _, r := range one.Rules() {
			if a, ok := r.(*promrules.AlertingRule); ok {
				a.SetRestored(true) // otherwise there would be no series ALERTS
			}
		}
	}
	return groups, nil
}

// evaluate lets time pass, and holds the alerts of each moment to what is expected. It
// tells whether rules could be evaluated to the end.
func (t *trial) evaluate(ctx context.Context) bool {
	at := map[model.Duration][]alertCase{}
	var times []model.Duration
	for _, a := range t.Alerts {
		if a.Name == "" {
			t.fail("%w, at eval_time %v", errNoName, a.At)
			return false
		}
		if at[a.At] == nil {
			times = append(times, a.At)
		}
		at[a.At] = append(at[a.At], a)
	}
	slices.Sort(times)
	for now := t.from; !now.After(t.from.Add(t.last())); now = now.Add(t.every) {
		if !t.step(ctx, now) {
			return false
		}
		// What is expected between two evaluations is held against the earlier one.
		for len(times) > 0 && now.Sub(t.from) <= time.Duration(times[0]) && time.Duration(times[0]) < now.Add(t.every).Sub(t.from) {
			t.alerts(at[times[0]])
			times = times[1:]
		}
	}
	return true
}

// step evaluates all rules once.
func (t *trial) step(ctx context.Context, now time.Time) bool {
	if err := ctx.Err(); err != nil {
		t.fail("%w", err)
		return false
	}
	if err := t.b.until(ctx, now); err != nil {
		t.fail("%w", err)
		return true // as promtool, which goes on with what there is
	}
	good := true
	for _, g := range t.groups {
		g.Eval(ctx, now)
		for _, r := range g.Rules() {
			if err := r.LastError(); err != nil {
				t.fail("rule %s, at %s: %w", r.Name(), now.Sub(t.from), err)
				good = false
			}
		}
	}
	return good
}

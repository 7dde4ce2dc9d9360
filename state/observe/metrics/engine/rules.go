package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"

	"github.com/pakashop/evenkeel/desired"
)

// file is a file of rules that is evaluated, by a manager of its own.
type file struct {
	is     desired.RuleFile
	token  string
	err    error          // why it is not evaluated
	manage *rules.Manager // nil: there are no groups
	stop   context.CancelFunc
	wg     sync.WaitGroup
	rules  []*rule // of all groups
	remote *remote // the Prometheus whose data they rest on; nil: what is read here
}

func (f *file) close() {
	if f.stop == nil {
		return
	}
	if f.manage != nil {
		f.manage.Stop()
	}
	f.stop()
	f.wg.Wait()
}

// of are the rules of a group, in order: as Prometheus' manager has them.
func (f *file) of(group string) (all []*rule) {
	for _, r := range f.rules {
		if r.group == group {
			all = append(all, r)
		}
	}
	return all
}

// rule is one of a group.
type rule struct {
	file     *file
	group    string
	interval time.Duration
	alert    string // the name; empty: it records
	record   string
	expr     parser.Expr
	set      labels.Labels // what it puts on its alerts itself
	source   string        // under which its alerts are told; guarded by Engine.mu

	// Of the last evaluation, and all before; guarded by Engine.mu.
	places map[place]bool // on what it rests
	others map[string]bool
	ran    time.Time // when it was evaluated last
	oldest time.Time // of the readings that it rested on then; zero: there were none
	poor   []string  // why what it said then is nothing to go by, whatever targets say since

	restoring bool // it was active before the start: until Prometheus' manager has restored that, what it says does not count
}

// sourceOf is the name under which the alerts of a rule are told; the n-th of that
// name in that group, in whichever file, has a source of its own, so that what one
// says is not taken for what the other does.
func sourceOf(group, alert string, n int) string {
	if n == 1 {
		return "rule/" + group + "/" + alert
	}
	return "rule/" + group + "/" + alert + "#" + strconv.Itoa(n)
}

// setRules has these files evaluated and no others.
func (e *Engine) setRules(list []desired.RuleFile, tokens, refused map[string]string) (sources []string) {
	next := map[string]*file{}
	var fresh []*file
	var stale []*file
	e.mu.Lock()
	old := e.files
	for _, is := range list {
		f := old[is.Name]
		if f != nil && f.err == nil && reflect.DeepEqual(f.is, is) && f.token == tokens[is.Name] && refused[is.Name] == "" {
			next[is.Name] = f
			continue
		}
		f = &file{is: is, token: tokens[is.Name]}
		if why := refused[is.Name]; why != "" {
			f.err = errors.New(why)
		}
		next[is.Name] = f
		fresh = append(fresh, f)
	}
	for name, f := range old {
		if next[name] != f {
			stale = append(stale, f)
		}
	}
	e.mu.Unlock()
	// A group keeps its state over a change of its file through the series that
	// Prometheus' manager writes of it, as over a restart.
	for _, f := range stale {
		f.close()
	}
	for _, f := range fresh {
		if f.err == nil {
			f.err = e.begin(f)
		}
		if f.err != nil {
			e.opt.Log.Warn("rules are not evaluated", "file", f.is.Name, "error", f.err)
		}
	}
	e.mu.Lock()
	e.files = next
	sources = e.index()
	e.mu.Unlock()
	for _, f := range fresh {
		if f.manage != nil {
			f.wg.Go(f.manage.Run)
		}
	}
	e.news(nil)
	return sources
}

// name gives every alerting rule its source. One that goes on keeps it.
func (e *Engine) name() {
	taken := map[string]bool{}
	for _, f := range e.files {
		for _, r := range f.rules {
			taken[r.source] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.files)) {
		for _, r := range e.files[name].rules {
			if r.alert == "" || r.source != "" {
				continue
			}
			for n := 1; r.source == "" || taken[r.source]; n++ {
				r.source = sourceOf(r.group, r.alert, n)
			}
			taken[r.source] = true
			r.places, r.restoring = e.memory.places(r.source), e.memory.has(r.source)
		}
	}
}

// index finds the rules of all files by what they are asked for. It returns the
// sources, if all files could be read.
func (e *Engine) index() []string {
	e.name()
	was := e.sources
	e.sources, e.records = map[string]*source{}, map[string][]*rule{}
	source := func(name string) *source {
		s := e.sources[name]
		if s == nil {
			s = newSource(name, was[name])
			e.sources[name] = s
		}
		return s
	}
	names := map[string]bool{}
	for _, f := range e.files {
		for _, r := range f.rules {
			if r.alert == "" {
				e.records[r.record] = append(e.records[r.record], r)
				names[r.record] = true
				continue
			}
			source(r.source).rule = r
		}
		if f.is.Prometheus != nil && len(f.rules) == 0 {
			s := source("prometheus/" + f.is.Name)
			s.file = f
		}
	}
	e.recorded.Store(&names)
	for _, f := range e.files {
		if f.err != nil {
			return nil
		}
	}
	e.memory.forget(e.sources)
	return slices.AppendSeq([]string{}, maps.Keys(e.sources))
}

func (e *Engine) isRecorded(name string) bool { return (*e.recorded.Load())[name] }

// begin makes the manager of a file, which waits for its Run.
func (e *Engine) begin(f *file) error {
	if f.is.Prometheus != nil {
		r, err := newRemote(*f.is.Prometheus, f.token, e.parser)
		if err != nil {
			return err
		}
		f.remote = r
	}
	var groups *rulefmt.RuleGroups
	if len(bytes.TrimSpace(f.is.Text)) > 0 {
		var err error
		if groups, err = e.parse(f.is.Text); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(e.ctx)
	f.stop = stop
	if groups == nil || len(groups.Groups) == 0 {
		if f.remote != nil {
			f.wg.Go(func() { e.ask(ctx, f) })
		}
		return nil
	}
	f.manage = rules.NewManager(&rules.ManagerOptions{
		ExternalURL: &url.URL{}, Context: ctx, Logger: slog.New(slog.DiscardHandler),
		QueryFunc: e.query(f), NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Appendable: e.db, Queryable: e.db,
		OutageTolerance: time.Hour, ForGracePeriod: 0, ResendDelay: time.Minute,
		GroupLoader: loader{groups, e.parser}, Parser: e.parser, NameValidationScheme: validation,
	})
	f.rules = rulesOf(f, groups, e.opt.interval, e.parser)
	return f.manage.Update(e.opt.interval, []string{f.is.Name}, labels.EmptyLabels(), "", e.evaluate)
}

func rulesOf(f *file, groups *rulefmt.RuleGroups, interval time.Duration, p parser.Parser) (all []*rule) {
	for _, g := range groups.Groups {
		every := interval
		if g.Interval != 0 {
			every = time.Duration(g.Interval)
		}
		for _, is := range g.Rules {
			expr, err := p.ParseExpr(is.Expr)
			if err != nil {
				continue // parse has refused it
			}
			all = append(all, &rule{
				file: f, group: g.Name, interval: every, alert: is.Alert, record: is.Record, expr: expr,
				set: rules.FromMaps(g.Labels, is.Labels), places: map[place]bool{}, others: map[string]bool{},
			})
		}
	}
	return all
}

// parse reads a file of rules as Prometheus does, and refuses what looks back too far.
func (e *Engine) parse(text []byte) (*rulefmt.RuleGroups, error) {
	groups, errs := rulefmt.Parse(text, false, validation, e.parser, slog.New(slog.DiscardHandler))
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			expr, err := e.parser.ParseExpr(r.Expr)
			if err == nil {
				err = affordable(expr)
			}
			if err != nil {
				return nil, fmt.Errorf("read rules: group %s: %s%s: %w", g.Name, r.Alert, r.Record, err)
			}
		}
	}
	return groups, nil
}

// loader brings groups from memory.
type loader struct {
	groups *rulefmt.RuleGroups
	parser parser.Parser
}

// Load is for Prometheus' manager.
func (l loader) Load(string, bool, model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	return l.groups, nil
}

// Parse is for Prometheus' manager.
func (l loader) Parse(expr string) (parser.Expr, error) { return l.parser.ParseExpr(expr) }

// round is one evaluation of a group.
type round struct {
	group  string
	before map[place]condition // of targets, before anything was selected
}

type roundKey struct{}

// evaluate is what a group does each time.
func (e *Engine) evaluate(ctx context.Context, g *rules.Group, at time.Time) {
	restored := map[rules.Rule]bool{}
	for _, r := range g.AlertingRules() {
		restored[r] = r.Restored()
	}
	began := time.Now()
	r := &round{g.Name(), e.scraper.conditions()}
	rules.DefaultEvalIterationFunc(context.WithValue(ctx, roundKey{}, r), g, at)
	e.scraper.meanwhile(r.before, began, at.Add(-g.QueryOffset()))
	e.evaluated(g, restored, r.before)
}

// query asks for a rule, and notes what it rests on.
func (e *Engine) query(f *file) rules.QueryFunc {
	here := rules.EngineQueryFunc(e.promql, watched{e.db, e.isRecorded})
	return func(ctx context.Context, expr string, at time.Time) (promql.Vector, error) {
		if f.remote != nil {
			return f.remote.query(ctx, expr, at)
		}
		s := newSeen()
		out, err := here(withSeen(ctx, s), expr, at)
		if r, ok := ctx.Value(roundKey{}).(*round); ok && err == nil {
			e.noteSeen(f, r, rules.FromOriginContext(ctx), s)
		}
		return out, err
	}
}

// noteSeen adds to what a rule rests on.
func (e *Engine) noteSeen(f *file, r *round, of rules.RuleDetail, s *seen) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, is := range f.rules {
		if is.group != r.group || is.alert+is.record != of.Name || is.expr.String() != of.Query {
			continue
		}
		for p := range s.places {
			is.places[p] = true
		}
		for name := range s.others {
			is.others[name] = true
		}
		is.oldest = e.oldest(s, r.before)
	}
}

// oldest is when the oldest reading began of those that a result rests on; zero:
// there is none.
func (e *Engine) oldest(s *seen, before map[place]condition) time.Time {
	var at time.Time
	take := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for p := range s.places {
		take(before[p].at)
	}
	for name := range s.others {
		for _, r := range e.records[name] {
			take(r.oldest)
		}
	}
	return at
}

package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/rules"

	"github.com/pakashop/evenkeel/state"
)

// What is told of a source. More alerts than that are an error, and text is cut.
const (
	maxAlerts = 200
	maxText   = 2 << 10
)

// unevaluated is the error of a source of which nothing is known yet.
const unevaluated = "it was not evaluated yet"

// source is where alerts come from: a rule, or a Prometheus. Guarded by Engine.mu.
type source struct {
	name string
	rule *rule // nil: it is a Prometheus
	file *file // of a Prometheus

	at     time.Time          // of the last evaluation; zero: there was none
	dated  state.Time         // the same, or when it was first asked for; once worked out, so that it goes to and fro by no clock
	err    string             // why it failed; or that there was none yet
	active map[string]*active // by ID
	told   *state.Fact[state.Alerts]
}

// active is an alert, and what it rests on.
type active struct {
	state.ActiveAlert
	places map[place]bool
	why    string   // why it is no ground for anything, whatever the data are
	poor   []string // why it was none when its rule was evaluated, whatever targets say since
	over   bool     // its rule no longer says it; it stays while that cannot be known
	rule   *rule    // nil: it was remembered, or is a Prometheus'
}

func newSource(name string, was *source) *source {
	s := &source{name: name, err: unevaluated, dated: state.Time{Up: boottime()}, active: map[string]*active{}}
	if was != nil {
		s.dated, s.at, s.err, s.active, s.told = was.dated, was.at, was.err, was.active, was.told
	}
	return s
}

// evaluated takes what the rules of a group say now.
// before is how targets stood when it began.
func (e *Engine) evaluated(g *rules.Group, restored map[rules.Rule]bool, before map[place]condition) {
	e.mu.Lock()
	f := e.files[g.File()]
	if f == nil {
		e.mu.Unlock()
		return
	}
	mine := f.of(g.Name())
	if len(mine) != len(g.Rules()) {
		e.mu.Unlock()
		return // it is of a file that has just been replaced
	}
	var names []string
	for i, is := range g.Rules() {
		r := mine[i]
		r.ran = is.GetEvaluationTimestamp()
		r.poor = e.poor(r, before)
		alerting, ok := is.(*rules.AlertingRule)
		src := e.sources[r.source]
		if !ok || src == nil {
			continue
		}
		var errs []string
		var alerts []*active
		if err := is.LastError(); err != nil {
			errs = append(errs, brief(err.Error(), 300))
		} else {
			alerts = e.alertsOf(r, alerting, before)
		}
		e.take(src, alerts, errs, r.ran, restored[is], before)
		names = append(names, src.name)
	}
	e.mu.Unlock()
	e.news(names)
}

// alertsOf are the active alerts of a rule.
func (e *Engine) alertsOf(of *rule, is *rules.AlertingRule, before map[place]condition) (out []*active) {
	for _, a := range is.ActiveAlerts() {
		one := &active{rule: of}
		set := a.Labels.Map()
		one.ActiveAlert = state.ActiveAlert{
			ID: state.AlertID(set), Name: is.Name(), Firing: a.State == rules.StateFiring,
			Since: a.ActiveAt.UTC(), Labels: short(set), Annotations: short(a.Annotations.Map()),
		}
		switch {
		case math.IsNaN(a.Value):
			one.why = "what it rests on comes to no number"
		default:
			one.why = sightless(of.expr)
		}
		if of.file.remote == nil {
			one.places = e.restsOn(of, set)
			if one.poor = failing(one.places, before); len(of.others) > 0 {
				one.poor = of.poor
			}
		}
		out = append(out, one)
	}
	return out
}

// short cuts texts that are longer than anybody reads.
func short(all map[string]string) map[string]string {
	for name, text := range all {
		if len(text) > maxText {
			all[name] = strings.ToValidUTF8(text[:maxText], "") + "…"
		}
	}
	return all
}

// restsOn are the targets on which an alert of a rule rests: of those that ever
// contributed to it, and those that it names, the ones that its labels leave.
func (e *Engine) restsOn(r *rule, alert map[string]string) map[place]bool {
	all := map[place]bool{}
	e.rests(r, all, map[*rule]bool{})
	keep := kept(r.expr)
	if len(r.others) > 0 {
		return all // a recording rule may have put labels together
	}
	for i, name := range telling {
		value := alert[name]
		if keep&(1<<i) == 0 || value == "" || r.set.Has(name) {
			continue
		}
		left := map[place]bool{}
		for p := range all {
			if is, ok := e.labelOf(p, name); !ok || is == value {
				left[p] = true
			}
		}
		if len(left) > 0 {
			all = left
		}
	}
	return all
}

// rests adds what a rule rests on, recording rules followed.
func (e *Engine) rests(r *rule, into map[place]bool, seen map[*rule]bool) {
	if seen[r] {
		return
	}
	seen[r] = true
	maps.Copy(into, r.places)
	for p := range e.scraper.named(r.expr) {
		into[p] = true
	}
	for name := range r.others {
		for _, other := range e.records[name] {
			e.rests(other, into, seen)
		}
	}
}

// labelOf is a label of a target; not ok: it is not known to be one.
func (e *Engine) labelOf(p place, name string) (string, bool) {
	switch name {
	case "job":
		return p.job, true
	case "instance":
		return p.instance, true
	}
	return e.scraper.labelOf(p, name)
}

// take puts what was evaluated in the place of what was known.
func (e *Engine) take(s *source, alerts []*active, errs []string, at time.Time, ready bool, before map[place]condition) {
	s.at, s.dated = at, up(at)
	if len(errs) == 0 && len(alerts) > maxAlerts {
		errs = append(errs, fmt.Sprintf("%d alerts are more than %d", len(alerts), maxAlerts))
	}
	if !ready && s.rule != nil && s.rule.restoring {
		errs = append(errs, "what was pending before the start is being restored")
	}
	if s.err = strings.Join(errs, "; "); s.err != "" {
		return
	}
	was := s.active
	if len(was) == 0 {
		was = e.memory.alerts(s.name)
	}
	now := map[string]*active{}
	for _, a := range alerts {
		now[a.ID] = a
		// Its text stays that of when it became what it is: a value in it that is
		// another each time is no news.
		if old := was[a.ID]; old != nil && old.Firing == a.Firing && !old.over {
			a.Annotations = old.Annotations
		}
	}
	for id, old := range was {
		if now[id] == nil && len(failing(old.places, before)) > 0 {
			old.over = true
			now[id] = old
		}
	}
	s.active = now
	var places map[place]bool
	if s.rule != nil {
		places = s.rule.places
	}
	e.memory.keep(s.name, now, places)
}

// failing says of which targets nothing is known, and why. A target that is one no
// longer is not waited for.
func failing(places map[place]bool, conditions map[place]condition) (why []string) {
	for p := range places {
		if c := conditions[p]; c.known && c.why != "" {
			why = append(why, c.why)
		}
	}
	slices.Sort(why)
	return why
}

// facts are what sources say now, all of them if none is named.
func (e *Engine) facts(names []string) map[string]state.Fact[state.Alerts] {
	conditions := e.scraper.conditions()
	e.mu.Lock()
	defer e.mu.Unlock()
	if names == nil {
		names = slices.Collect(maps.Keys(e.sources))
	}
	out := make(map[string]state.Fact[state.Alerts], len(names))
	for _, name := range names {
		if s := e.sources[name]; s != nil {
			out[name] = e.fact(s, conditions)
		} else {
			out[name] = state.Fact[state.Alerts]{At: state.Time{Up: boottime()}, Err: e.noSource(name)}
		}
	}
	return out
}

// noSource says why there is no source of a name.
func (e *Engine) noSource(name string) string {
	for _, f := range e.files {
		if f.err != nil {
			return fmt.Sprintf("no rule %s: %s: %v", name, f.is.Name, f.err)
		}
	}
	return "no rule " + name
}

// fact is what a source says now.
func (e *Engine) fact(s *source, conditions map[place]condition) state.Fact[state.Alerts] {
	f := state.Fact[state.Alerts]{At: s.dated, Err: s.err}
	var late time.Duration
	if s.rule != nil {
		late = 2*s.rule.interval + maxQuery + e.opt.slack
	}
	if s.file != nil {
		late = 2*e.opt.interval + maxQuery + e.opt.slack
	}
	if age := time.Since(s.at); f.Err == "" && age > late {
		f.Err = fmt.Sprintf("it was not evaluated for %s", age.Round(time.Second))
	}
	if f.Err != "" {
		return f
	}
	for _, id := range slices.Sorted(maps.Keys(s.active)) {
		a := s.active[id]
		one := a.ActiveAlert
		one.Blind = e.blind(a, conditions)
		f.Value.Active = append(f.Value.Active, one)
	}
	return f
}

// blind says why an alert is no ground for a change.
func (e *Engine) blind(a *active, conditions map[place]condition) string {
	if a.why != "" {
		return a.why
	}
	why := failing(a.places, conditions)
	if a.over {
		return strings.Join(append([]string{"whether it is over is not known"}, why...), ": ")
	}
	if len(why) > 0 {
		return strings.Join(why, "; ")
	}
	if len(a.poor) > 0 {
		return "when it was evaluated last: " + strings.Join(distinct(a.poor), "; ")
	}
	if a.rule != nil && a.rule.file.remote == nil {
		for p := range a.places {
			if conditions[p].known {
				return ""
			}
		}
		return "no target that is read says anything of it"
	}
	return ""
}

// news tells of the sources whose facts are other than when they were told last.
func (e *Engine) news(names []string) {
	facts := e.facts(names)
	var changed []string
	e.mu.Lock()
	for name, f := range facts {
		s := e.sources[name]
		if s == nil || s.told != nil && s.told.Err == f.Err && s.told.Value.Equal(f.Value) {
			continue
		}
		s.told = &f
		changed = append(changed, name)
	}
	e.mu.Unlock()
	if len(changed) > 0 {
		e.opt.News(changed)
	}
}

package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What is sick because of something else gets well with it: it is the root of a
// sickness that is acted on. What depends on it waits, says for what, and has
// some time to recover by itself before it is looked at as sick in its own right.

// roots finds what a service should wait for: of what it requires, directly or
// not, what is not well although everything that this requires is. Each is said
// in words.
func (d *draft) roots(name string) []string {
	found := make(map[string]string)
	d.dig(name, found, map[string]bool{name: true})
	var out []string
	for _, root := range sortedKeys(found) {
		out = append(out, root+" "+found[root])
	}
	return out
}

// dig adds the roots below a service, and tells whether there are any. walked
// holds what was come by, and whether that is still under way: then it is a
// circle, which only readiness bodies can make.
func (d *draft) dig(name string, found map[string]string, walked map[string]bool) (any bool) {
	for _, dep := range d.needed(name) {
		under, before := walked[dep]
		if under {
			continue
		}
		why := d.unfit(dep)
		if why == "" {
			continue
		}
		any = true
		if before {
			continue // come by on another way: its roots are found
		}
		walked[dep] = true
		if !d.dig(dep, found, walked) {
			found[dep] = why
		}
		walked[dep] = false
	}
	return any
}

// needed lists what a service requires, and what it says itself that it misses.
func (d *draft) needed(name string) []string {
	s := d.declaredAs(name)
	if s == nil {
		return nil
	}
	all := append(slices.Clone(s.Requires), s.Outside...)
	for _, v := range d.vitals[name] {
		for _, word := range sortedKeys(v.says) {
			if dep := d.named(s, word); dep != "" && !fine(v.says[word]) && !slices.Contains(all, dep) {
				all = append(all, dep)
			}
		}
	}
	return all
}

// declaredAs finds a service of this host by its name, quickly; nil: there is none.
func (d *draft) declaredAs(name string) *desired.Service {
	if d.index == nil {
		d.index = make(map[string]*desired.Service, len(d.want.Services))
		for i := range d.want.Services {
			d.index[d.want.Services[i].Name] = &d.want.Services[i]
		}
	}
	return d.index[name]
}

// fine tells what a readiness body says of something that works.
func fine(word string) bool {
	return slices.Contains([]string{"ok", "up", "ready", "healthy", "true", "pass", "connected", "available"}, strings.ToLower(word))
}

// named finds what a service means by a word in its readiness body: an object
// of that name, else the one of what it depends on whose name begins so.
func (d *draft) named(s *desired.Service, word string) string {
	if word == "" || word == s.Name {
		return ""
	}
	if _, ok := d.vitals[word]; ok {
		return word
	}
	var match []string
	for _, dep := range slices.Concat(s.Requires, s.Follows, s.Outside) {
		if strings.HasPrefix(dep, word) {
			match = append(match, dep)
		}
	}
	if len(match) == 1 {
		return match[0]
	}
	return ""
}

// unfit says why nothing should rest on a service or an Endpoint now; empty:
// it is fit, or nobody can tell of an Endpoint whether it is.
func (d *draft) unfit(name string) string {
	s := d.declaredAs(name)
	ours := s != nil
	if d.standsIn(name) {
		return ""
	}
	if ours && s.Spec.State == desired.Stopped {
		return "is declared stopped"
	}
	for _, v := range d.vitals[name] {
		switch {
		case v.ready == ready:
		case ours:
			return wordsOf(v)
		case v.ready == notReady:
			return v.unready
		}
	}
	return ""
}

func wordsOf(v vitals) string {
	if v.unready == "" {
		return "could not be observed"
	}
	return v.unready
}

// recoverFor is the least time that a service has to recover by itself once what
// it depends on is well again.
const recoverFor = 30 * time.Second

// recovering finds something that a service requires, directly or not, and that
// became well again only a moment ago, or is started by this very Plan, so that the
// service may yet recover by itself. When the service fell sick does not matter: of what happened while
// nobody probed only the end is known.
func (d *draft) recovering(s *desired.Service) (hold, bool) {
	patience := max(recoverFor, patienceOf(s))
	var last vitals
	begins := ""
	d.above(s.Name, map[string]bool{}, func(dep string) {
		if sv := d.services[dep]; sv != nil && len(sv.starting) > 0 {
			begins = dep
		}
		for _, w := range d.vitals[dep] {
			if w.ready == ready && w.since > last.since {
				last = w
			}
		}
	})
	if begins != "" {
		return hold{state.DependencySick, begins + " is started first, and it may recover by itself", nil}, true
	}
	over := last.since + patience
	if last.since == 0 || d.now.Up >= over {
		return hold{}, false
	}
	name := strings.TrimPrefix(strings.TrimPrefix(last.object, "Service/"), "Endpoint/")
	return hold{state.DependencySick, fmt.Sprintf("%s is well again only since a moment, and it may recover by itself", name), d.at(over - d.now.Up)}, true
}

// above visits everything that a service requires, directly or not, once.
func (d *draft) above(name string, seen map[string]bool, visit func(dep string)) {
	for _, dep := range d.needed(name) {
		if !seen[dep] {
			seen[dep] = true
			visit(dep)
			d.above(dep, seen, visit)
		}
	}
}

// patienceOf is how long the liveness probe of a service takes to find it well.
func patienceOf(s *desired.Service) time.Duration {
	p := s.Spec.LivenessProbe
	if p == nil {
		return 0
	}
	return time.Duration((p.FailureThreshold+p.SuccessThreshold)*p.PeriodSeconds+p.TimeoutSeconds) * time.Second
}

// Sicknesses that begin within this time of each other began together.
const together = time.Minute

// Fewer than this many are never too many.
const many = 3

// manyShare of what is probed is much at once.
const manyShare = 0.2

// tooMany holds what probes alone ask for where so much fell sick at once, or is
// sick altogether, that the cause must be elsewhere: in what all of them need
// and nobody declared, or in the eyes. What fails because of something that is
// itself known to be sick does not count, and neither does what never ran.
func (d *draft) tooMany(v vitals) (hold, bool) {
	all := d.sickAlone()
	probed := float64(d.probed)
	first, _ := slices.BinarySearchFunc(all, v.onset-together, func(s sickAt, t time.Duration) int { return cmp.Compare(s.onset, t) })
	last, _ := slices.BinarySearchFunc(all, v.onset+together+1, func(s sickAt, t time.Duration) int { return cmp.Compare(s.onset, t) })
	// What cannot be seen may be sick, too, and nobody knows since when.
	at, all := slices.Concat(all[first:last], d.hidden), slices.Concat(all, d.hidden)
	share := d.want.Policy.Budgets.UnhealthyShare
	var why string
	switch {
	case len(at) >= many && float64(len(at)) >= manyShare*probed:
		why = fmt.Sprintf("%d of %d services that are probed fell sick within %s of each other (%s)", len(at), d.probed, desired.Duration(together), some(at))
	case len(all) >= many && share > 0 && float64(len(all)) > share*probed:
		why = fmt.Sprintf("%d of %d services that are probed are sick (%s)", len(all), d.probed, some(all))
	default:
		return hold{}, false
	}
	d.tooMuch = why
	return hold{state.TooManySick, why + ", and nothing that they have in common is known to be; the cause must be elsewhere", nil}, true
}

// sickAt is a service that is sick for no known reason, and since when.
type sickAt struct {
	name  string
	onset time.Duration
}

// sickAlone lists what is sick, or has begun to be, for no known reason, the
// earliest first, and counts what is probed. It is worked out once.
func (d *draft) sickAlone() []sickAt {
	if d.alone != nil {
		return d.alone
	}
	d.alone = []sickAt{}
	for i := range d.want.Services {
		name := d.want.Services[i].Name
		for _, w := range d.vitals[name] {
			if w.probed {
				d.probed++
			}
			blind := w.blind != "" && d.probeError(w) != ""
			switch {
			case !w.probed || !w.failing && !blind || d.explained(name):
			case w.failing:
				d.alone = append(d.alone, sickAt{name, w.onset})
			default:
				d.hidden = append(d.hidden, sickAt{name: name})
			}
		}
	}
	slices.SortStableFunc(d.alone, func(a, b sickAt) int { return cmp.Compare(a.onset, b.onset) })
	return d.alone
}

// explained tells that a service is sick because of something that it requires.
func (d *draft) explained(name string) bool {
	e, known := d.explains[name]
	if !known {
		e = len(d.roots(name)) > 0
		if d.explains == nil {
			d.explains = make(map[string]bool)
		}
		d.explains[name] = e
	}
	return e
}

// some names a few of many.
func some(sick []sickAt) string {
	names := make([]string, 0, 6)
	for _, s := range sick[:min(len(sick), 5)] {
		names = append(names, s.name)
	}
	slices.Sort(names)
	if len(sick) > 5 {
		names = append(names, "…")
	}
	return strings.Join(slices.Compact(names), ", ")
}

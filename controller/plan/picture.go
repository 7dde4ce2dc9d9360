package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Picture is how everything that is declared is, and what rests on what: the
// same vitals and the same causes by which Make decides, for whoever explains a
// Plan. It is taken once and asked often.
type Picture struct{ d *draft }

// Look takes the Picture that Make decides by.
func Look(want *desired.Set, have *state.World, past *state.Past, now state.Time) Picture {
	if past == nil {
		past = state.UnknownPast()
	}
	d := &draft{want: want, have: have, past: past, now: now, byKey: make(map[string]string)}
	d.diagnose()
	d.guarded(d.hostObject(), d.failOver)
	return Picture{d}
}

// Health is how one unit, or an Endpoint, is.
type Health struct {
	Object, Unit string
	Unfit        string        // why nothing should rest on it, in words; empty: it is fit, or nobody can tell of an Endpoint
	Down         bool          // it does not run
	Reason       state.Reason  // what is wrong with it while it runs
	Detail       string        // of what is wrong, or of why it is not ready
	Onset        time.Duration // CLOCK_BOOTTIME: since when it is unfit; zero: not known
	Fit          time.Duration // CLOCK_BOOTTIME: since when it is fit; zero: it is not
}

// Of says how the units of a service, or an Endpoint, are.
func (p Picture) Of(name string) []Health {
	_, ours := p.d.want.Service(name)
	var all []Health
	for _, v := range p.d.vitals[name] {
		h := Health{Object: v.object, Unit: v.unit, Down: v.ready == down, Reason: v.reason, Detail: v.detail, Onset: v.onset}
		switch {
		case v.ready == ready:
			h.Fit = v.since
		case ours || v.ready == notReady:
			h.Unfit = wordsOf(v)
		}
		all = append(all, h)
	}
	return all
}

// Unfit says why nothing should rest on a service or an Endpoint now; empty:
// nothing speaks against it.
func (p Picture) Unfit(name string) string { return p.d.unfit(name) }

// Needs lists what a service requires, and what it says itself that it misses.
func (p Picture) Needs(name string) []string { return p.d.needed(name) }

// Means finds what a service means by a word in its readiness body; empty:
// nothing that is declared.
func (p Picture) Means(s *desired.Service, word string) string { return p.d.named(s, word) }

// Fine tells what a readiness body says of something that works.
func Fine(word string) bool { return fine(word) }

// Roots lists what a service waits for: of what it needs, directly or not, what
// is not well although everything below it is.
func (p Picture) Roots(name string) []string {
	found := make(map[string]string)
	p.d.dig(name, found, map[string]bool{name: true})
	return slices.Sorted(maps.Keys(found))
}

// Recovered names what a service needs and that became well again last; zero:
// it was never otherwise, as far as is known.
func (p Picture) Recovered(name string) (dep string, at time.Duration) {
	p.d.above(name, map[string]bool{}, func(below string) {
		for _, v := range p.d.vitals[below] {
			if v.ready == ready && v.since > at {
				dep, at = below, v.since
			}
		}
	})
	return dep, at
}

// Together lists what fell sick within a minute of a unit, for no reason that is
// known: those are counted before anything is disturbed. probed is among how
// many.
func (p Picture) Together(s *desired.Service, unit string) (names []string, probed int) {
	for _, v := range p.d.vitals[s.Name] {
		if v.unit != unit || !v.failing {
			continue
		}
		for _, sick := range p.d.sickAlone() {
			if gap := sick.onset - v.onset; gap <= together && -gap <= together {
				names = append(names, sick.name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), p.d.probed
}

// Remedies are the rungs of a service's ladder, where none are declared too.
func Remedies(s *desired.Service) []desired.Do { return remedies(&service{Service: s}) }

// Patience is how long a service may take to recover by itself once what it
// needs is well again.
func Patience(s *desired.Service) time.Duration { return max(recoverFor, patienceOf(s)) }

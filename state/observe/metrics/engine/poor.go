package engine

import (
	"slices"
	"time"
)

// What was evaluated rests on what targets had said by then: that they are read well
// again since makes it no better, until it is evaluated anew.

// meanwhile adds to how targets stood those that stood otherwise for what was selected:
// they said something since then that is nothing to go by, or what they said at the
// moment of which it was asked.
func (s *scraper) meanwhile(before map[place]condition, since, asked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, c := range before {
		if r := s.readings[p]; c.why == "" && (!r.bad.Before(since) || r.well.After(asked)) {
			c.why = p.String() + " was not read well then"
			before[p] = c
		}
	}
}

// poor says why what a rule says now is nothing to go by: because of how its targets
// stood, or because what it finds recorded was nothing to go by when it was recorded.
func (e *Engine) poor(r *rule, before map[place]condition) []string {
	places := map[place]bool{}
	e.rests(r, places, map[*rule]bool{})
	return append(failing(places, before), e.recordedPoorly(r.others)...)
}

// recordedPoorly says why what was recorded under some names is nothing to go by.
func (e *Engine) recordedPoorly(names map[string]bool) (why []string) {
	for name := range names {
		for _, r := range e.records[name] {
			why = append(why, r.poor...)
		}
	}
	return why
}

// distinct sorts, and keeps one of what is the same.
func distinct(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

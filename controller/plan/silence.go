package plan

import (
	"maps"
	"slices"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Silenced finds what silences an alert by its labels: of several the one that ends
// last. A silence that cannot be read, as one of a newer evenkeel, silences nothing.
func Silenced(past *state.Past, labels map[string]string, now state.Time) (state.Silence, bool) {
	var found state.Silence
	for _, id := range slices.Sorted(maps.Keys(past.Silences)) {
		s := past.Silences[id]
		if s.Ended(now) {
			continue
		}
		m, err := desired.ParseAllMatchers(s.Matchers)
		if err != nil || len(m) == 0 || !desired.MatchAll(m, labels) {
			continue
		}
		if found.ID == "" || s.Until(now).After(found.Until(now)) {
			found = s
		}
	}
	return found, found.ID != ""
}

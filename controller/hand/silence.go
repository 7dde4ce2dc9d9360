package hand

import (
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// shortest is how much of an ID has to be given at least.
const shortest = 4

// silence keeps the alerts that match from calling anybody. It always ends; said
// again of the same matchers it takes the place of what was said before.
func (d *decision) silence() error {
	m, err := desired.ParseAllMatchers(d.r.Names)
	switch {
	case err != nil:
		return invalid("%v", err)
	case len(m) == 0:
		return invalid(`say which alerts: alertname="RedisMemoryHigh", service=redis`)
	case desired.MatchAll(m, nil):
		return invalid("%s matches what has no labels at all, and with it nearly everything; name something that an alert must have", strings.Join(d.r.Names, " "))
	case d.r.For == 0:
		return invalid("a silence always ends: say when with --for, at most %s", desired.Duration(MaxFor))
	}
	s := state.Silence{At: d.s.Now, For: d.r.For, Actor: d.r.Actor, Why: d.r.Why}
	for _, one := range m {
		s.Matchers = append(s.Matchers, one.String())
	}
	standing := 0
	for _, id := range slices.Sorted(maps.Keys(d.s.Past.Silences)) {
		switch old := d.s.Past.Silences[id]; {
		case old.Ended(d.s.Now):
		case slices.Equal(old.Matchers, s.Matchers):
			d.note(state.Note{Kind: state.NoteUnsilenced, Silence: &old, Detail: "another takes its place"})
		default:
			standing++
		}
	}
	if standing >= state.MaxSilences {
		return refused("%d silences stand already; end some with: evenkeel silence expire ID", standing)
	}
	s.ID = "silence-" + state.Digest([]byte(d.s.NewID()))[:10]
	d.note(state.Note{Kind: state.NoteSilenced, Silence: &s})
	d.say("%s: %s is silenced for %s; it ends by itself, or with: evenkeel silence expire %s",
		s.ID, strings.Join(s.Matchers, ", "), desired.Duration(s.For), s.ID)
	d.saySilenced(m)
	return nil
}

// saySilenced says which of the active alerts match, and which of them fire.
func (d *decision) saySilenced(m []desired.Matcher) {
	const most = 10
	n := 0
	for _, source := range slices.Sorted(maps.Keys(d.s.Have.Alerts)) {
		for _, a := range d.s.Have.Alerts[source].Value.Active {
			if !desired.MatchAll(m, a.Labels) {
				continue
			}
			how := "pending"
			if a.Firing {
				how = "firing"
			}
			if n++; n <= most {
				d.say("silenced now: %s %s, %s", a.Name, a.ID, how)
			}
		}
	}
	switch {
	case n == 0:
		d.say("no alert that is active matches it")
	case n > most:
		d.say("and %d more", n-most)
	}
}

// unsilence ends silences before their time. What matched calls again.
func (d *decision) unsilence() error {
	for _, id := range d.r.Names {
		s, err := d.silenceOf(id)
		if err != nil {
			return err
		}
		d.note(state.Note{Kind: state.NoteUnsilenced, Silence: &s, Detail: d.r.Why})
		d.say("%s: %s is no longer silenced", s.ID, strings.Join(s.Matchers, ", "))
	}
	return nil
}

// silenceOf finds a silence by its ID, or by the beginning of one.
func (d *decision) silenceOf(id string) (state.Silence, error) {
	var found []state.Silence
	for _, key := range slices.Sorted(maps.Keys(d.s.Past.Silences)) {
		s := d.s.Past.Silences[key]
		bare := strings.TrimPrefix(id, "silence-")
		if !s.Ended(d.s.Now) && len(bare) >= shortest && strings.HasPrefix(strings.TrimPrefix(s.ID, "silence-"), bare) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return state.Silence{}, unknown("no silence %s stands; see: evenkeel silence list", id)
	}
	return state.Silence{}, invalid("%s begins the IDs of %d silences; give more of it", id, len(found))
}

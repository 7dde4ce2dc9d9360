package hand

import (
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// rollback has another revision in force, and pinned until a human resumes the
// host. Without a name it is the one before.
func (d *decision) rollback() error {
	p, src := d.s.Past, d.s.Have.Source
	switch {
	case src.Wanted == "":
		return refused("desired state comes from a folder; earlier revisions are known of a branch alone (evenkeel run --git)")
	case d.s.Want.Policy.Mode != desired.Enforce:
		return refused("the host's policy is in mode %s; evenkeel changes nothing", d.s.Want.Policy.Mode)
	case len(d.r.Names) > 1:
		return invalid("one revision can be in force; %d are named", len(d.r.Names))
	}
	to, err := d.revision()
	if err != nil {
		return err
	}
	if pin := p.Pinned; pin != nil && pin.Name == to {
		d.say("%s is pinned already", to)
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(p.Asks)) {
		if a := p.Asks[id]; a.Verb == state.AskRollback {
			d.note(state.Note{Kind: state.NoteAnswered, Object: a.Object, Detail: "another rollback was asked for after it", Ask: &state.Ask{ID: id}})
		}
	}
	a := state.Ask{
		ID: d.s.NewID(), Object: d.hostObject(), Verb: state.AskRollback, Units: []string{to}, Of: 1,
		Actor: d.r.Actor, Why: d.r.Why, At: d.s.Now,
	}
	d.note(state.Note{Kind: state.NoteAsked, Object: a.Object, Ask: &a})
	d.answer.Asks = append(d.answer.Asks, Asked{ID: a.ID, Object: a.Object})
	d.say("%s is to be in force%s; it is pinned until: evenkeel resume host", to, d.because())
	return nil
}

// revision finds the one that is meant: by its name, or by the beginning of it.
func (d *decision) revision() (string, error) {
	p := d.s.Past
	if len(d.r.Names) == 0 {
		if on := p.Provisional; on != nil && on.From != "" {
			return on.From, nil
		}
		if e := p.Earlier(); e.Name != "" {
			return e.Name, nil
		}
		return "", refused("there is no earlier revision that was healthy on this host")
	}
	name := d.r.Names[0]
	known := append(p.Revisions(), d.s.Have.Source.Wanted)
	known = append(known, slices.Sorted(maps.Keys(p.Quarantined))...)
	var found []string
	for _, k := range known {
		if k == name {
			return k, nil
		}
		if len(name) >= 4 && strings.HasPrefix(k, name) && !slices.Contains(found, k) {
			found = append(found, k)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", unknown("revision %s; known here: %s", name, strings.Join(slices.Compact(known), ", "))
	}
	return "", invalid("%s may be any of %s", name, strings.Join(found, ", "))
}

package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// heldBack is what a wish would be as a Step.
func (d *draft) heldBack(object string, w wish) state.Wish {
	return state.Wish{
		ID: d.stepID(object, w), Object: object, Reason: w.reason, Detail: w.detail,
		Action: actuators.Action{Actuator: w.action.Actuator, Verb: w.action.Verb, Target: w.action.Target},
	}
}

// wishes notes what would be done if mode observe or management did not hold it
// back, as it appears and goes: so that a human can see later what evenkeel would
// have done. Nothing is noted while nothing changes.
func (d *draft) wishes() {
	if !d.past.Known || d.past.Distrust != "" || len(d.held)+len(d.past.Wished) == 0 {
		return
	}
	if len(d.past.Wished) == 0 && !slices.ContainsFunc(d.held, func(h state.Held) bool { return h.Reason == state.ObserveOnly }) {
		return
	}
	alone, held := d.observedOnly()
	for _, id := range sortedIDs(d.past.Wished) {
		if old := d.past.Wished[id]; !held[id] && d.certain(old.Object) {
			d.note(state.Note{Kind: state.NoteWishedNot, Object: old.Object, Name: id, Wish: &old})
		} else {
			held[id] = true
		}
	}
	room := state.MaxWishes
	for id := range d.past.Wished {
		if held[id] {
			room--
		}
	}
	for _, id := range sortedIDs(alone) {
		w := alone[id]
		old, had := d.past.Wished[id]
		switch {
		case had && old.Reason == w.Reason:
			continue
		case !had && room == 0:
			return
		case !had:
			room--
		}
		d.note(state.Note{Kind: state.NoteWished, Object: w.Object, Name: id, Wish: &w})
	}
}

// observedOnly lists the wishes that nothing but observing holds back, and tells
// of all that observing holds back. What something else holds as well would not
// have been done now, but what was wished before it came is not over.
func (d *draft) observedOnly() (alone map[string]state.Wish, held map[string]bool) {
	alone, held = make(map[string]state.Wish), make(map[string]bool)
	for _, h := range d.held {
		for _, w := range h.Wishes {
			if h.Reason == state.ObserveOnly {
				alone[w.ID], held[w.ID] = w, true
			}
		}
	}
	for _, h := range d.held {
		for _, w := range h.Wishes {
			if h.Reason != state.ObserveOnly {
				delete(alone, w.ID)
			}
		}
	}
	return alone, held
}

// certain tells whether everything about an object was seen, so that a wish that
// is missing has no reason any more.
func (d *draft) certain(object string) bool {
	return !slices.ContainsFunc(d.gaps, func(g state.Gap) bool { return g.Object == object || g.Object == d.hostObject() }) &&
		!slices.ContainsFunc(d.held, func(h state.Held) bool { return h.Object == object && h.Reason == state.Internal })
}

func sortedIDs(in map[string]state.Wish) []string {
	return slices.SortedFunc(maps.Keys(in), func(a, b string) int {
		return cmp.Or(cmp.Compare(in[a].Object, in[b].Object), cmp.Compare(a, b))
	})
}

package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A change that restarts more than this share of a host's services, and more
// than one of them, is rolled: one service at a time.
const rollShare = 0.2

// rollPause is how long a service must have been up again before the next one is
// restarted. What cannot start with a change mostly says so at once.
const rollPause = time.Second

// roll restarts what a commit or a deploy makes stale one by one where that is
// much of the host, and stops as soon as one does not come up again: the rest
// goes on as it was. What belongs to a roll is remembered until it is over.
func (d *draft) roll() {
	for _, f := range d.past.Flight {
		if s := f.Intent.Step; s.Reason == state.StaleProcess {
			d.rolling = append(d.rolling, s.Action.Target)
		}
	}
	slices.Sort(d.rolling)
	d.rolling = slices.Compact(d.rolling)
	units := d.rolls()
	if !slices.Equal(units, d.past.Roll.Units) && d.past.Known {
		d.remember(state.Note{Kind: state.NoteRoll, Object: d.hostObject(), Roll: &state.Roll{Units: units}})
	}
	if len(units) == 0 {
		d.rolling = nil
		return
	}
	if h, ok := d.rollHeld(units); ok {
		d.holdBack(h)
	}
}

// rolls lists the units of the roll that is under way, or that begins; none
// where nothing is stale, or where it is little.
func (d *draft) rolls() []string {
	if len(d.rolling) == 0 {
		return nil
	}
	units := slices.Clone(d.rolling)
	services := 0
	for i := range d.order {
		sv := &d.order[i]
		if slices.ContainsFunc(sv.Units, func(u string) bool { return among(d.rolling, u) }) {
			services++
		}
		for _, u := range sv.Units {
			if among(d.past.Roll.Units, u) {
				units = append(units, u)
			}
		}
	}
	if len(d.past.Roll.Units) == 0 && (services < 2 || float64(services) <= rollShare*float64(len(d.order))) {
		return nil
	}
	slices.Sort(units)
	return slices.Compact(units)
}

// rollHeld says why the next service of a roll must wait: one that was restarted
// is not up again, or only just.
func (d *draft) rollHeld(units []string) (hold, bool) {
	var since state.Time
	for i := range d.order {
		sv := &d.order[i]
		for _, u := range sv.Units {
			if !among(units, u) {
				continue
			}
			if word, sick := d.didNotComeUp(sv, u); sick {
				return hold{state.Rolling, fmt.Sprintf("%s is %s after it was restarted; the others of this change wait for it", u, word), nil}, true
			}
			if at := d.past.Started[u]; at.Boot == d.now.Boot && at.After(since) {
				since, d.rolled = at, u
			}
		}
	}
	if pause := rollPause - d.now.Since(since); since.Boot == d.now.Boot && pause > 0 {
		return hold{state.Rolling, "others of this change were restarted just now, and come first", d.at(pause)}, true
	}
	return hold{}, false
}

// didNotComeUp tells a unit of a roll that is not well, and that nobody but
// evenkeel should see to.
func (d *draft) didNotComeUp(sv *service, unit string) (word string, sick bool) {
	if among(d.rolling, unit) || sv.Spec.State != desired.Running && sv.Spec.State != "" {
		return "", false
	}
	f := d.have.Units[unit]
	u := f.Value
	switch {
	case !f.Known():
		return "not known to be well", true
	case u.Up() && d.vital(sv, unit).ready == notReady:
		return "not ready", true
	case u.Up() && d.vital(sv, unit).ready == starting:
		return "not ready yet", true
	case u.Up(), u.Masked(), u.Active == "inactive" && mayRest(u), len(d.heldBy(sv.object, wish{unit: unit, action: actuators.Action{Verb: "start"}})) > 0:
		return "", false
	}
	return u.Active, true
}

// ofRoll tells a Step that a roll does in its turn.
func (d *draft) ofRoll(s state.Step) bool {
	return s.Reason == state.StaleProcess && among(d.rolling, s.Action.Target)
}

// holdBack takes what a change restarts out of the Plan's Steps for now.
func (d *draft) holdBack(h hold) {
	back := make(map[string]bool)
	d.steps = slices.DeleteFunc(d.steps, func(s state.Step) bool {
		if _, flying := d.past.Flight[s.ID]; flying || !d.ofRoll(s) {
			return false
		}
		back[s.ID] = true
		d.hold(s.Object, wish{
			unit: s.Action.Target, reason: s.Reason, detail: s.Detail, action: s.Action, fields: s.Fields,
		}, hold{h.reason, h.detail, h.until})
		return true
	})
	for i := range d.steps {
		d.steps[i].Needs = slices.DeleteFunc(slices.Clone(d.steps[i].Needs), func(id string) bool { return back[id] })
	}
}

// among tells whether a sorted list has a unit.
func among(sorted []string, unit string) bool {
	_, ok := slices.BinarySearch(sorted, unit)
	return ok
}

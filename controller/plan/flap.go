package plan

import (
	"fmt"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A unit that systemd itself restarts so many times within state.FlapWithin goes
// up and down, although it never counts as failed.
const flapRestarts = 4

// flapping makes a sickness of a unit's going up and down.
func (d *draft) flapping(sv *service, v *vitals, u state.Unit) {
	n, flaps := d.restarts(sv, v.unit, u)
	if !flaps || !u.Up() && u.Sub != "auto-restart" {
		return
	}
	v.reason, v.onset = state.Flapping, u.Entered
	v.detail = fmt.Sprintf("systemd has restarted %s %d times within %s", v.unit, n, desired.Duration(state.FlapWithin))
}

// restarts counts systemd's own restarts of a unit, and tells whether they are
// too many. Counting begins anew when its time is over and something has
// happened since, so that a unit which never restarts costs nothing; one that
// goes on as it did is still flapping then.
func (d *draft) restarts(sv *service, unit string, u state.Unit) (n uint32, flaps bool) {
	quiet := d.now.Up - u.Entered
	if !d.past.Known || u.Restarts == 0 || u.Up() && quiet >= state.FlapWithin {
		return 0, false
	}
	f, known := d.past.Flaps[unit]
	known = known && f.Since.Boot == d.now.Boot && u.Restarts >= f.Seen
	age := d.now.Since(f.Since)
	if !known || age >= state.FlapWithin && u.Restarts > f.Seen {
		next := state.Flap{Restarts: u.Restarts, Seen: u.Restarts, Since: d.now}
		if known && age < 2*state.FlapWithin && u.Restarts-f.Restarts >= flapRestarts {
			next.Restarts -= flapRestarts
		}
		d.remember(state.Note{Kind: state.NoteFlap, Object: sv.object, Name: unit, Flap: &next})
		f, age = next, 0
	}
	if age >= state.FlapWithin {
		return 0, false
	}
	wait := state.FlapWithin - age
	if u.Up() {
		wait = min(wait, state.FlapWithin-quiet)
	}
	d.waits(d.at(wait))
	return u.Restarts - f.Restarts, u.Restarts-f.Restarts >= flapRestarts
}

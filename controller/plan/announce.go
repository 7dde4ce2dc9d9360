package plan

import (
	"fmt"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// warnAhead is how long before its end a hold is announced to end. One that is
// no longer than that is not: whoever placed it is still there.
const warnAhead = 10 * time.Minute

// announce has those who are logged in told, once each, that a stop by hand is
// respected and that a hold ends soon. Whoever is told nothing could be
// surprised by a service that comes back under his hands.
func (d *draft) announce() {
	for _, key := range sortedKeys(d.past.Holds) {
		h := d.past.Holds[key]
		if h.Ended(d.now) || !d.actsOn(h.Object) {
			continue
		}
		if h.Reason == state.ManualStop && !h.Told {
			h.Told = true
			d.tell(h, h.Detail)
		}
		d.announceEnd(h)
	}
}

// actsOn tells whether evenkeel will do something by itself once nothing holds
// an object any more.
func (d *draft) actsOn(object string) bool {
	if object == d.hostObject() {
		return d.want.Policy.Mode == desired.Enforce
	}
	sv := d.services[strings.TrimPrefix(object, "Service/")]
	_, released := d.past.Released[object]
	return sv != nil && sv.mode != desired.Observe && !released
}

func (d *draft) announceEnd(h state.Hold) {
	left := h.For - d.now.Since(h.Since)
	switch {
	case h.Warned || h.For <= warnAhead:
	case left > warnAhead:
		d.waits(d.at(left - warnAhead))
	case d.outlasted(h, left), h.Unit != "" && d.have.Units[h.Unit].Value.Masked():
	default:
		h.Warned = true
		d.tell(h, endsSoon(h, d.now, left))
	}
}

// outlasted tells that another hold stands when one ends, so that nothing
// happens then.
func (d *draft) outlasted(h state.Hold, left time.Duration) bool {
	for _, o := range d.past.Holds {
		over := o.Object == h.Object || o.Object == d.hostObject()
		if over && o.Reason == state.Suspended && o.Key() != h.Key() && o.For-d.now.Since(o.Since) > left {
			return true
		}
	}
	return false
}

// endsSoon says what happens when, and the one command that puts it off.
func endsSoon(h state.Hold, now state.Time, left time.Duration) string {
	name, isService := strings.CutPrefix(h.Object, "Service/")
	if !isService {
		name = "host"
	}
	what := "the suspension of " + name + " ends"
	switch {
	case h.Reason == state.ManualStop:
		what = h.Unit + " was stopped, and is started again"
	case h.Actor != "":
		what = "the suspension of " + name + " by " + h.Actor + " ends"
	}
	at := now.Add(left).Wall.UTC().Format("15:04 UTC")
	return fmt.Sprintf("%s in %s, at %s; to put that off: evenkeel suspend %s --for 1h", what, desired.Duration(max(time.Minute, left.Round(time.Minute))), at, name)
}

func (d *draft) tell(h state.Hold, text string) {
	d.remember(state.Note{Kind: state.NoteTold, Object: h.Object, Name: h.Unit, Hold: &h, Detail: text})
}

package plan

import (
	"fmt"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// newVersionFor is how long a new version of evenkeel waits to be approved
// before it may disturb anything.
const newVersionFor = 24 * time.Hour

// newVersion holds the first disruptive wishes of a new version: it may see the
// world otherwise than the one before, and an upgrade must restart nothing.
func (d *draft) newVersion(object string, w wish) (hold, bool) {
	if d.past.Renewed.IsZero() || w.effect != actuators.Disruptive {
		return hold{}, false
	}
	age := d.now.Since(d.past.Renewed)
	if age >= newVersionFor {
		return hold{}, false
	}
	detail := fmt.Sprintf("evenkeel %s is new on this host; let it act with: evenkeel approve %s", d.past.Version, d.stepID(object, w))
	return hold{state.NewVersion, detail, d.at(newVersionFor - age)}, true
}

// approvedFor is how long an approval lasts that is not made use of: what waits
// for a human today is not let go by what he said of another day.
const approvedFor = 24 * time.Hour

// needsApproval tells that a human must let the Step of a wish go.
func (d *draft) needsApproval(w wish) bool {
	return w.always || d.want.Policy.Approval(w.action.Actuator+"."+w.action.Verb) != desired.Auto
}

// approved tells whether a human let the Step of a wish go.
func (d *draft) approved(object string, w wish) bool {
	at, ok := d.past.Approved[d.stepID(object, w)]
	return ok && d.now.Since(at) < approvedFor
}

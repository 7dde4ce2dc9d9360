package plan

import (
	"cmp"
	"fmt"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// outbreak sees to the Case of the host itself: so much is sick at once, or
// cannot be seen, that the cause must be elsewhere. Nothing is done about it but
// that somebody is told, once.
func (d *draft) outbreak() {
	reason, why := state.TooManySick, d.tooMuch
	if why == "" {
		reason, why = state.Unobserved, cmp.Or(d.blinded(), d.unseen())
	}
	c, open := d.past.CaseOf(d.hostObject(), "")
	switch {
	case why != "" && !open:
		d.callFor(d.past.NewCase(d.hostObject(), "", reason, d.now), reason, why)
	case why != "" && !c.Well.IsZero() && c.Reason != reason && c.Round == 0:
		c.Round++ // what was told was over, and this is something else
		d.callFor(c, reason, why)
	case why != "" && !c.Well.IsZero():
		c.Well = state.Time{}
		d.mark(c, "")
	case why != "" || !open:
	case c.Well.IsZero():
		c.Well = d.now
		d.mark(c, "")
		d.waits(d.at(healthyAfter))
	case d.now.Since(c.Well) >= healthyAfter:
		d.close(c, "it has been well for "+desired.Duration(healthyAfter).String())
	default:
		d.waits(d.at(healthyAfter - d.now.Since(c.Well)))
	}
}

// callFor marks the Case of the host as one that a human must look at, and tells.
func (d *draft) callFor(c state.Case, reason state.Reason, detail string) {
	c.Reason, c.Detail, c.Ended, c.Well, c.At, c.Why = reason, detail, reason, state.Time{}, d.now, "evenkeel disturbs nothing; a human must look"
	d.mark(c, says(c))
}

// blinded says that so many probes say nothing at once that it must be the eyes.
func (d *draft) blinded() string {
	blind, probed, first := 0, 0, ""
	for i := range d.want.Services {
		for _, v := range d.vitals[d.want.Services[i].Name] {
			if !v.probed && v.blind == "" {
				continue
			}
			probed++
			if v.blind == "" {
				continue
			}
			if f := d.probeError(v); f != "" {
				blind++
				first = f
			}
		}
	}
	if blind < many || float64(blind) < manyShare*float64(probed) {
		return ""
	}
	return fmt.Sprintf("the probes of %d of %d services say nothing: %s", blind, probed, first)
}

// probeError is why a probe of a unit could not be carried out; what was merely
// not asked yet is no error.
func (d *draft) probeError(v vitals) string {
	for _, kind := range []string{desired.LivenessProbe, desired.StartupProbe, desired.ReadinessProbe} {
		if f := d.have.Probes[desired.ProbeName(kind, v.unit)]; f.Err != "" && v.blind == f.Err {
			return f.Err
		}
	}
	return ""
}

// blindFor is how long the host itself must not have been seen for somebody to be
// told. A systemd that executes itself again, or loads many units anew, does not
// answer for a moment either.
const blindFor = 20 * time.Second

// unseen says that the host itself has not been seen for long, most likely because
// neither the bus nor systemd's own socket answers: then nothing is known of any
// unit.
func (d *draft) unseen() string {
	f, since := d.have.Host, d.have.Blind
	if f.Err == "" || since.IsZero() {
		return ""
	}
	if left := blindFor - d.now.Since(since); left > 0 {
		d.waits(d.at(left))
		return ""
	}
	return fmt.Sprintf("the host has not been seen for %s: %s", desired.Duration(blindFor), f.Err)
}

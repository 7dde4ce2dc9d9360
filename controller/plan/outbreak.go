package plan

import (
	"fmt"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// outbreak sees to the Case of the host itself: so much is sick at once, or
// cannot be seen, that the cause must be elsewhere. Nothing is done about it but
// that somebody is told, once.
func (d *draft) outbreak() {
	reason, why := state.TooManySick, d.tooMuch
	if why == "" {
		reason, why = state.Unobserved, d.blinded()
	}
	c, open := d.past.Cases[state.CaseKey(d.hostObject(), "")]
	switch {
	case why != "" && !open:
		c = d.past.NewCase(d.hostObject(), "", reason, d.now)
		c.Detail, c.Ended, c.At, c.Why = why, reason, d.now, "evenkeel disturbs nothing; a human must look"
		d.mark(c, says(c))
	case why != "" && !c.Well.IsZero():
		c.Well = state.Time{}
		d.mark(c, "")
	case why != "" || !open:
	case c.Well.IsZero():
		c.Well = d.now
		d.mark(c, "")
		d.waits(d.at(healthyAfter))
	case d.now.Since(c.Well) >= healthyAfter:
		d.remember(state.Note{Kind: state.NoteHealed, Object: c.Object, Case: &c, Detail: "it has been well for " + desired.Duration(healthyAfter).String()})
	default:
		d.waits(d.at(healthyAfter - d.now.Since(c.Well)))
	}
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

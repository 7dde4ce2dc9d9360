package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

func (d *draft) openCase(sv *service, v vitals) state.Case {
	c := d.past.NewCase(sv.object, v.unit, v.reason, d.now)
	c.Detail, c.Sick = v.detail, d.allSick()
	tell := ""
	if by, ok := d.blame(sv, v); ok {
		c.Ended, c.At = state.RemedyWorse, d.now
		c.Why = fmt.Sprintf("it fell sick right after %s for %s", by.Tried[len(by.Tried)-1].Action, by.Unit)
		tell = d.says(c)
		d.stop(by, state.RemedyWorse, fmt.Sprintf("%s fell sick right after it", v.unit))
	}
	d.mark(c, tell)
	return c
}

func (d *draft) mark(c state.Case, tell string) {
	d.remember(state.Note{Kind: state.NoteCase, Object: c.Object, Name: c.Unit, Detail: tell, Case: &c})
}

func (d *draft) stop(c state.Case, r state.Reason, why string) state.Case {
	if c.Ended == r {
		return c
	}
	c.Ended, c.Why, c.At, c.Well = r, why, d.now, state.Time{}
	d.mark(c, d.says(c))
	return c
}

func (d *draft) says(c state.Case) string {
	what := c.Unit
	if what == "" {
		what = c.Object
	}
	return fmt.Sprintf("%s: %s; %s (%s)", what, c.Detail, c.Why, c.Ended)
}

func (d *draft) allSick() []string {
	var out []string
	for i := range d.want.Services {
		s := &d.want.Services[i]
		for _, v := range d.vitals[s.Name] {
			if v.failing || v.ready == down && d.ranHere(v.unit) {
				out = append(out, s.Object())
				break
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (d *draft) ended(sv *service, c state.Case) {
	text := c.Detail + "; " + c.Why
	left := d.restFor(sv, c) - d.now.Since(c.At)
	d.hold(sv.object, wish{unit: c.Unit}, hold{c.Ended, text + "; to try again now: evenkeel retry " + sv.Name, d.at(left)})
}

func (d *draft) restFor(sv *service, c state.Case) time.Duration {
	rest := 30 * time.Minute
	if l := sv.Spec.Limits; l != nil && l.Per > 0 {
		rest = l.Per.Std()
	}
	return min(rest<<min(c.Round, 10), 24*time.Hour)
}

func (d *draft) halfOpen(sv *service, c state.Case) (state.Case, bool) {
	if d.now.Since(c.At) < d.restFor(sv, c) {
		d.ended(sv, c)
		return c, false
	}
	c.Round, c.Ended, c.Why = c.Round+1, "", ""
	d.mark(c, "")
	return c, true
}

func (d *draft) watch(sv *service, c state.Case, v vitals) {
	u := d.have.Units[c.Unit].Value
	switch {
	case !d.isRunning(sv) || d.heldByHuman(sv, c.Unit):
		d.remember(state.Note{Kind: state.NoteHealed, Object: c.Object, Name: c.Unit, Detail: "it is no longer to be healed", Case: &c})
		return
	case !u.Up() || !v.well() && v.ready != notReady || v.failing:
		if last, tried := c.Last(); tried && u.Up() && v.ready == starting {
			d.hold(sv.object, wish{unit: c.Unit}, hold{state.Verifying, fmt.Sprintf("%s has ended; its probes have not decided yet", last.Action), nil})
		}
		if !c.Well.IsZero() && !u.Up() {
			c.Well = state.Time{}
			d.mark(c, "")
		}
		return
	case c.Well.IsZero():
		c.Well, c.Ended, c.Why = d.now, "", ""
		d.mark(c, "")
	}
	left := healthyAfter - d.now.Since(c.Well)
	if left <= 0 {
		d.remember(state.Note{Kind: state.NoteHealed, Object: c.Object, Name: c.Unit, Detail: "it has been well for " + desired.Duration(healthyAfter).String(), Case: &c})
		return
	}
	text := "it is well again, and watched for a while; a relapse goes on where its remedies were"
	d.held = append(d.held, state.Held{Object: sv.object, Unit: c.Unit, Reason: state.Verifying, Detail: text, Until: d.at(left), Info: true})
	d.waits(d.at(left))
}

func (d *draft) heldByHuman(sv *service, unit string) bool {
	_, stopped := d.past.Holds[(state.Hold{Reason: state.ManualStop, Object: sv.object, Unit: unit}).Key()]
	_, released := d.past.Released[sv.object]
	return stopped || released || d.have.Units[unit].Value.Masked()
}

// falls sick elsewhere.
const worseWithin = time.Minute

func (d *draft) blame(sv *service, v vitals) (state.Case, bool) {
	for _, key := range sortedKeys(d.past.Cases) {
		c := d.past.Cases[key]
		if c.Object == sv.object || slices.Contains(c.Sick, sv.object) {
			continue
		}
		last, tried := c.Last()
		if !tried || last.Status == "" || last.Began.Boot != d.now.Boot || d.restsOn(sv.Name, c.Object) {
			continue
		}
		if v.onset >= last.Began.Up && v.onset <= last.Ended.Up+worseWithin {
			return c, true
		}
	}
	return state.Case{}, false
}

func (d *draft) restsOn(name, object string) (rests bool) {
	d.above(name, map[string]bool{}, func(dep string) { rests = rests || "Service/"+dep == object })
	return rests
}

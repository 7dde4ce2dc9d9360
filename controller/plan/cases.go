package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// openCase notes a new Case. One that begins together with others right after a
// remedy had disturbed something else is that remedy's doing, and another remedy
// might do the same: it opens as a Case that has ended.
func (d *draft) openCase(sv *service, v vitals) state.Case {
	c := d.past.NewCase(sv.object, v.unit, v.reason, d.now)
	c.Detail, c.Sick = v.detail, d.allSick()
	if by, ok := d.blame(sv.Name); ok {
		last, _ := by.Last()
		return d.stop(c, state.RemedyWorse, fmt.Sprintf("it fell sick right after %s for %s, as others did", last.Action, by.Unit))
	}
	d.mark(c, "")
	return c
}

// mark notes how a Case stands; a text is told to those who are logged in.
func (d *draft) mark(c state.Case, tell string) {
	d.remember(state.Note{Kind: state.NoteCase, Object: c.Object, Name: c.Unit, Detail: tell, Case: &c})
}

// close notes that a Case is over.
func (d *draft) close(c state.Case, why string) {
	d.remember(state.Note{Kind: state.NoteHealed, Object: c.Object, Name: c.Unit, Detail: why, Case: &c})
}

// stop ends the climb of a Case, and tells.
func (d *draft) stop(c state.Case, r state.Reason, why string) state.Case {
	if c.Ended != "" {
		return c // it was told; another reason is no news before it is climbed again
	}
	c.Ended, c.Why, c.At, c.Well = r, why, d.now, state.Time{}
	d.mark(c, says(c))
	return c
}

// says is what those who are logged in are told of a Case that has ended.
func says(c state.Case) string {
	what := c.Unit
	if what == "" {
		what = c.Object
	}
	return fmt.Sprintf("%s: %s; %s (%s)", what, c.Detail, c.Why, c.Ended)
}

// allSick lists the objects that are sick now, by their probes or by systemd.
func (d *draft) allSick() []string {
	var out []string
	for i := range d.want.Services {
		for _, v := range d.vitals[d.want.Services[i].Name] {
			if v.failing || v.ready == down && d.ranHere(v.unit) {
				out = append(out, v.object)
				break
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ended shows a Case that climbs no further, and when it is tried once more.
func (d *draft) ended(sv *service, c state.Case) {
	d.stands(sv, c, d.at(d.restFor(sv, c)-d.now.Since(c.At)))
}

func (d *draft) stands(sv *service, c state.Case, until *state.Time) {
	d.hold(sv.object, wish{unit: c.Unit}, hold{c.Ended, c.Detail + "; " + c.Why + "; to try again now: evenkeel retry " + sv.Name, until})
}

// restFor is how long a Case that has ended rests before one remedy is tried once
// more: the time of the service's limits, twice as long each time, a day at most.
func (d *draft) restFor(sv *service, c state.Case) time.Duration {
	rest := 30 * time.Minute
	if l := sv.Spec.Limits; l != nil && l.Per > 0 {
		rest = l.Per.Std()
	}
	return min(rest<<min(c.Round, 10), 24*time.Hour)
}

// halfOpen lets a Case that has ended try once more when its time has come.
func (d *draft) halfOpen(sv *service, c state.Case) (state.Case, bool) {
	if d.now.Since(c.At) < d.restFor(sv, c) {
		d.ended(sv, c)
		return c, false
	}
	c.Round, c.Ended, c.Why = c.Round+1, "", ""
	d.mark(c, "")
	return c, true
}

// watch looks after the Case of a unit that is not sick now: it closes once the
// unit was well for long enough. What is not known to be well proves nothing. A
// Case that has ended stays so meanwhile, so that health which comes and goes
// calls nobody twice.
func (d *draft) watch(sv *service, c state.Case, v vitals) {
	u := d.have.Units[c.Unit].Value
	switch {
	case !d.isRunning(sv) || d.heldByHuman(sv.object, c.Unit):
		d.close(c, "it is no longer to be healed")
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
		c.Well = d.now // that it had ended stays with it: a relapse is the same sickness, and was told
		d.mark(c, "")
	}
	left := healthyAfter - d.now.Since(c.Well)
	if left <= 0 {
		d.close(c, "it has been well for "+desired.Duration(healthyAfter).String())
		return
	}
	text := "it is well again, and watched for a while; a relapse goes on where its remedies were"
	d.held = append(d.held, state.Held{Object: sv.object, Unit: c.Unit, Reason: state.Verifying, Detail: text, Until: d.at(left), Info: true})
	d.waits(d.at(left))
}

// heldByHuman tells that a human keeps a unit down, or evenkeel away from it.
func (d *draft) heldByHuman(object, unit string) bool {
	_, stopped := d.past.StopOf(object, unit)
	_, released := d.past.Released[object]
	return stopped || released || d.have.Units[unit].Value.Masked()
}

// worseWithin is how long after its end a remedy counts as the cause of what
// falls sick elsewhere.
const worseWithin = time.Minute

// blame finds the Case whose remedy made things worse, if a service fell sick
// with it: it and at least one other, because one alone may be chance.
func (d *draft) blame(name string) (state.Case, bool) {
	for _, key := range sortedKeys(d.past.Cases) {
		c := d.past.Cases[key]
		if worse := d.sickSince(c); len(worse) > 1 && slices.Contains(worse, name) {
			return c, true
		}
	}
	return state.Case{}, false
}

// sickSince lists the services that have begun to fail while the last remedy of
// a Case was under way, or right after it; that were well when the Case opened;
// and that neither rest on what it disturbed nor on something else that is sick.
func (d *draft) sickSince(c state.Case) []string {
	last, tried := c.Last()
	if !tried || last.Status == "" || last.Began.Boot != d.now.Boot || d.now.Since(last.Ended) > healthyAfter || justStarted(last) {
		return nil
	}
	var out []string
	for i := range d.want.Services {
		s := &d.want.Services[i]
		if s.Object() == c.Object || slices.Contains(c.Sick, s.Object()) {
			continue
		}
		for _, v := range d.vitals[s.Name] {
			since := v.failing && v.onset >= last.Began.Up && v.onset <= last.Ended.Up+worseWithin
			if since && !d.restsOn(s.Name, c.Object) && !d.explained(s.Name) {
				out = append(out, s.Name)
				break
			}
		}
	}
	return out
}

// restsOn tells whether a service requires an object, directly or not.
func (d *draft) restsOn(name, object string) (rests bool) {
	d.above(name, map[string]bool{}, func(dep string) { rests = rests || "Service/"+dep == object })
	return rests
}

// justStarted tells a remedy that disturbed nothing: a start of what was down.
func justStarted(t state.Tried) bool { return strings.HasPrefix(t.Action, "systemd.start ") }

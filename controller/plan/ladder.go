package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A sickness is a Case. It opens when it is noticed, climbs the service's
// remedies one by one, each tried once and judged by a reading that is younger
// than its end, and closes when the service was well for a while. A Case that
// has climbed all of them, or whose remedy made things worse, stands still until
// a human comes, the service gets well, or its time comes to try once more.

// heal sees to a unit that runs and is sick by the word of its probes, or that
// goes up and down, and to the Case of one that was.
func (d *draft) heal(sv *service, unit string) {
	f := d.have.Units[unit]
	if !f.Known() || d.have.Probes == nil && len(sv.Probes) > 0 {
		return // nobody knows how it is
	}
	v := d.vital(sv, unit)
	if v.reason == "" {
		d.flapping(sv, &v, f.Value)
	}
	c, open := d.past.CaseOf(sv.object, unit)
	switch {
	case sv.frozen, d.failedOver(sv):
		return
	case v.reason != "" && d.isRunning(sv) && !d.heldByHuman(sv.object, unit):
		d.symptom(sv, v)
		if !open {
			c = d.openCase(sv, v)
		}
		d.climb(sv, c, v)
	case open:
		d.watch(sv, c, v)
	}
	d.unready(sv, v)
}

// isRunning tells that a service is declared running.
func (d *draft) isRunning(sv *service) bool {
	return sv.Spec.State == desired.Running || sv.Spec.State == ""
}

// symptom shows what is wrong with a unit, whatever is done about it.
func (d *draft) symptom(sv *service, v vitals) {
	d.held = append(d.held, state.Held{Object: sv.object, Unit: v.unit, Reason: v.reason, Detail: v.detail, Info: true})
}

// unready shows that a unit runs and is not ready, and what it waits for.
func (d *draft) unready(sv *service, v vitals) {
	if v.reason != "" || v.ready != notReady || !d.isRunning(sv) {
		return
	}
	text := v.unit + " is not ready"
	if v.detail != "" {
		text += ": " + v.detail
	}
	d.held = append(d.held, state.Held{Object: sv.object, Unit: v.unit, Reason: state.NotReady, Detail: text, Info: true})
	for _, root := range d.roots(sv.Name) {
		d.held = append(d.held, state.Held{Object: sv.object, Unit: v.unit, Reason: state.DependencySick, Detail: root + ", and comes first", Info: true})
	}
}

// climb does the next remedy of a Case, or says why not.
func (d *draft) climb(sv *service, c state.Case, v vitals) {
	if !c.Well.IsZero() {
		c.Well = state.Time{} // a relapse: it goes on where it was
		d.mark(c, "")
	}
	if c.Ended != "" {
		if d.hopeless(sv, v) {
			d.stands(sv, c, nil)
			return
		}
		again, ok := d.halfOpen(sv, c)
		if !ok {
			return
		}
		c = again
	}
	if last, tried := c.Last(); tried {
		if last.Status == "" {
			return
		}
		if worse := d.sickSince(c); len(worse) > 0 {
			d.atRest(sv, d.stop(c, state.RemedyWorse, "it did not help, and right after it these fell sick: "+strings.Join(worse, ", ")), v)
			return
		}
		if last.Status != state.Cut && d.verifying(sv, c, v, last) {
			return
		}
		if c.Round > 0 && !repeated(last, remedies(sv)) {
			d.atRest(sv, d.stop(c, state.Escalated, "another try was of no help either"), v)
			return
		}
	}
	if w, ok := d.nextRung(sv, c, v); ok {
		d.remedy(sv, c, v, w)
	}
}

// verifying holds the next remedy until the last one has had its time.
func (d *draft) verifying(sv *service, c state.Case, v vitals, last state.Tried) bool {
	left := d.settle(sv, last) - d.now.Since(last.Ended)
	if left <= 0 {
		return false
	}
	d.hold(sv.object, wish{unit: v.unit}, hold{state.Verifying, fmt.Sprintf("%s has ended; whether it helps shows until then", last.Action), d.at(left)})
	return true
}

// settle is how long a remedy may take to show. A restart shows by itself: the
// probes of the new process begin anew.
func (d *draft) settle(sv *service, t state.Tried) time.Duration {
	if rungs := remedies(sv); t.Rung > 0 && t.Rung <= len(rungs) {
		do := rungs[t.Rung-1]
		if do.Settle > 0 {
			return do.Settle.Std()
		}
		if restarts(do.Do) {
			return 0
		}
		return max(10*time.Second, patienceOf(sv.Service))
	}
	return 0
}

// nextRung finds the next remedy that can be tried. Where none is left the Case
// ends: a human is needed.
func (d *draft) nextRung(sv *service, c state.Case, v vitals) (wish, bool) {
	rungs := remedies(sv)
	_, tried := c.Last()
	for n := d.fromRung(sv, c, v); n <= len(rungs) && rungs[n-1].Do != "escalate"; n++ {
		do := rungs[n-1]
		if inVain(do, v) {
			continue
		}
		w, no := d.rung(sv, v, do)
		if no != "" {
			d.held = append(d.held, state.Held{Object: sv.object, Unit: v.unit, Reason: state.NotAllowed, Detail: fmt.Sprintf("remedy %d, %s: %s", n, do.Do, no), Info: true})
			continue
		}
		w.cause, w.rung = c.ID, n
		if isProgram(w.action.String()) {
			w.key = fmt.Sprintf("%s/%d/%d", c.ID, n, c.Round)
		}
		return w, true
	}
	why := "every remedy was tried"
	if !tried {
		why = "nothing that evenkeel may do by itself would help"
	}
	d.atRest(sv, d.stop(c, state.Escalated, why), v)
	return wish{}, false
}

// isProgram tells an action that runs a program, by how it is written.
func isProgram(action string) bool { return strings.HasPrefix(action, "exec.") }

// atRest shows a Case that has ended, and until when, if anything will be tried.
func (d *draft) atRest(sv *service, c state.Case, v vitals) {
	if d.hopeless(sv, v) {
		d.stands(sv, c, nil)
	} else {
		d.ended(sv, c)
	}
}

// hopeless tells that nothing could be tried once more: what runs needs a remedy,
// what is down is started.
func (d *draft) hopeless(sv *service, v vitals) bool {
	return v.ready != down && len(d.usable(sv, v)) == 0
}

// fromRung is the number of the remedy that comes next, whether it can be tried or
// not. A remedy that was cut short is tried again, but for a program: nobody
// knows what it has done. A Case that tries once more takes another remedy each
// time.
func (d *draft) fromRung(sv *service, c state.Case, v vitals) int {
	last, tried := c.Last()
	switch {
	case tried && repeated(last, remedies(sv)):
		return max(1, last.Rung)
	case tried:
		return last.Rung + 1
	case c.Round == 0:
		return 1
	}
	usable := d.usable(sv, v)
	if len(usable) == 0 {
		return len(remedies(sv)) + 1
	}
	return usable[(c.Round-1)%len(usable)]
}

// usable lists the remedies, by number, that can be tried at all.
func (d *draft) usable(sv *service, v vitals) (numbers []int) {
	for i, do := range remedies(sv) {
		if do.Do == "escalate" {
			break
		}
		if _, no := d.rung(sv, v, do); no == "" && !inVain(do, v) {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}

// inVain tells a remedy that cannot help: another process would be no better where
// something else answers, or where systemd restarts it already.
func inVain(do desired.Do, v vitals) bool {
	return restarts(do.Do) && (v.reason == state.WrongService || v.reason == state.Flapping)
}

// repeated tells a remedy that was cut short, and is tried again.
func repeated(t state.Tried, rungs []desired.Do) bool {
	return t.Status == state.Cut && !startAfter(t, rungs) && !isProgram(t.Action)
}

// startAfter tells a start of what was down that came after a remedy of another
// kind, under the same number.
func startAfter(t state.Tried, rungs []desired.Do) bool {
	return started(t) && t.Rung > 0 && t.Rung <= len(rungs) && !restarts(rungs[t.Rung-1].Do)
}

// remedy wishes for a remedy, held by what is sick below or all around.
func (d *draft) remedy(sv *service, c state.Case, v vitals, w wish) {
	w.holds = append(w.holds, d.notTheCause(sv)...)
	if h, much := d.tooMany(v); much && w.effect == actuators.Disruptive {
		w.holds = append(w.holds, h)
	}
	w.rests, w.heeds = append(w.rests, d.probesOf(sv, v.unit)...), d.everybody(sv)
	id, ok := d.wish(sv, w)
	switch {
	case ok && isStart(w.action):
		sv.starting = append(sv.starting, id)
	case !ok && len(w.holds) == 0:
		d.waitsForHuman(sv, c, w)
	}
}

// waitsForHuman tells, once, that a remedy waits for an approval, or that its
// limits are spent.
func (d *draft) waitsForHuman(sv *service, c state.Case, w wish) {
	why := ""
	switch {
	case d.needsApproval(w) && !d.approved(sv.object, w):
		why = fmt.Sprintf("%s waits for approval: evenkeel approve %s", actuators.Words(w.action.String()), d.stepID(sv.object, w))
	case d.spent(sv, w):
		why = "the limit of repairs is reached"
	}
	if why == "" || c.Why == why {
		return
	}
	if left := tellAgain - d.now.Since(c.At); c.Why != "" && left > 0 {
		d.waits(d.at(left)) // what it waits for changes to and fro
		return
	}
	c.Why, c.At = why, d.now
	d.mark(c, fmt.Sprintf("%s: %s; %s", c.Unit, c.Detail, why))
}

// tellAgain is how long after a human was told of a Case he is told at the earliest
// that it waits for something else.
const tellAgain = 30 * time.Minute

// spent tells that a limit in number, not a pause, holds a remedy.
func (d *draft) spent(sv *service, w wish) bool {
	return slices.ContainsFunc(d.limits(sv, w), func(h hold) bool { return h.reason == state.BudgetSpent })
}

// notTheCause holds a remedy while something that the service requires is not
// well, has begun to fail, or became well only just now.
func (d *draft) notTheCause(sv *service) []hold {
	var holds []hold
	for _, root := range d.roots(sv.Name) {
		holds = append(holds, hold{state.DependencySick, root + ", and comes first", nil})
	}
	if len(holds) > 0 {
		return holds
	}
	for _, dep := range d.needed(sv.Name) {
		if slices.ContainsFunc(d.vitals[dep], func(v vitals) bool { return v.failing }) {
			return []hold{{state.DependencySick, dep + " has begun to fail its probe; whether it is sick, and comes first, shows soon", nil}}
		}
	}
	if h, ok := d.recovering(sv.Service); ok {
		holds = append(holds, h)
	}
	return holds
}

// probesOf names the facts by which a remedy for a unit is judged.
func (d *draft) probesOf(sv *service, unit string) []state.Ref {
	var refs []state.Ref
	for _, p := range sv.Probes {
		if p.Unit == unit {
			refs = append(refs, probeRef(p.Name))
		}
	}
	return refs
}

// everybody names the probes of all others: whether a service is sick alone is
// looked at once more before something that may work is disturbed.
func (d *draft) everybody(sv *service) []state.Ref {
	var refs []state.Ref
	for i := range d.want.Services {
		s := &d.want.Services[i]
		for _, p := range s.Probes {
			if s.Name != sv.Name && p.Kind != desired.StartupProbe {
				refs = append(refs, probeRef(p.Name))
			}
		}
	}
	for _, name := range sv.Outside {
		refs = append(refs, probeRef(desired.ProbeName(desired.EndpointProbe, name)))
	}
	return refs
}

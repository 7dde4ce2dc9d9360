package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// The steps of a Runbook are rungs like those of remedies: each is tried once a
// Case, judged by a reading that is younger than its end, and held by all that holds
// a change. Evidence is gathered also while changes wait.

// How long things may take, where a step does not say so.
const (
	showsAfter  = time.Minute      // an effect, in the alert itself
	passWithin  = 2 * time.Minute  // a verify
	endsWithin  = 10 * time.Minute // the alert, after a verify has passed
	askAgain    = 5 * time.Second  // an expression that is waited for
	whenIsOfUse = time.Minute      // the answer to a `when`
)

// follow does what is next in the Runbook of an alert.
func (d *draft) follow(a firing, c state.Case, suppressed hold) {
	steps := a.book.Spec.Steps
	next := 1
	if last, tried := c.Last(); tried && last.Rung <= len(steps) {
		switch d.judge(a, c, last, steps[last.Rung-1]) {
		case again:
			next = last.Rung
		case notYet:
			return
		case goOn:
			next = last.Rung + 1
		}
	}
	from := len(d.held)
	for n := next; n <= len(steps) && steps[n-1].Do != "escalate"; n++ {
		if d.tryStep(a, c, n, suppressed) {
			return
		}
	}
	why := "every step of runbook " + a.book.Name + " was tried"
	if !c.Ran {
		why = "runbook " + a.book.Name + " has nothing to do about it"
	}
	for _, h := range d.held[from:] {
		why += "; " + h.Detail // why a step cannot be is told with the end, and no longer for itself
	}
	d.held = d.held[:from]
	d.givesUp(a, c, state.Escalated, why)
}

// judgement is what the step that was tried last has come to.
type judgement int

const (
	goOn   judgement = iota // it did not help, or was not to
	notYet                  // it shows later
	again                   // it was cut short, and may be repeated
)

// judge tells what the step that was tried last has come to, while the alert fires.
func (d *draft) judge(a firing, c state.Case, t state.Tried, do desired.Do) judgement {
	switch {
	case t.Status == state.Cut && !isProgram(t.Action):
		return again
	case do.Do == "" || t.Status != state.Done:
		return goOn // evidence, an answer, or nothing at all
	case do.Verify != nil:
		return d.verified(a, c, t, do)
	}
	shows := showsAfter
	if do.Settle > 0 {
		shows = do.Settle.Std()
	}
	if left := shows - d.now.Since(t.Ended); left > 0 {
		d.tells(a, state.Verifying, stepDone(t)+" has ended; whether it helped shows until then", d.at(left))
		return notYet
	}
	if after := t.Ended.Add(shows); a.at.Outdated(after) {
		d.lookAfter(alertsRef(a.source), after)
		d.waits(d.at(askAgain))
		d.tells(a, state.Verifying, stepDone(t)+" has ended; whether the alert still fires is looked at", nil)
		return notYet
	}
	return goOn
}

// verified judges a step by its verify.
func (d *draft) verified(a firing, c state.Case, t state.Tried, do desired.Do) judgement {
	if !t.Helped.IsZero() && !t.Lapsed {
		left := endsWithin - d.now.Since(t.Helped)
		if left <= 0 {
			return goOn // and the alert fires on
		}
		d.tells(a, state.Verifying, stepDone(t)+" helped; the alert is to end until then", d.at(left))
		return notYet
	}
	begins := t.Ended.Add(do.Settle.Std())
	if left := do.Settle.Std() - d.now.Since(t.Ended); left > 0 {
		d.tells(a, state.Verifying, stepDone(t)+" has ended; its effect may take until then", d.at(left))
		return notYet
	}
	if t.Lapsed {
		return goOn // it helped, and not for long
	}
	within := passWithin
	if do.Verify.Within > 0 {
		within = do.Verify.Within.Std()
	}
	q := d.have.Queries[do.Verify.Expr]
	fresh := q.Known() && q.At.Follows(begins)
	d.consult(c, do.Verify.Expr, q, fresh)
	left := within - d.now.Since(begins)
	switch {
	case fresh && q.Value.Yes:
		c.Tried = slices.Clone(c.Tried)
		c.Tried[len(c.Tried)-1].Helped = d.now
		d.mark(c, "")
		d.waits(d.at(endsWithin))
		d.tells(a, state.Verifying, stepDone(t)+" helped; the alert is to end until then", d.at(endsWithin))
		return notYet
	case left > 0:
		d.lookAfter(queryRef(do.Verify.Expr), d.now)
		d.waits(d.at(askAgain))
		d.tells(a, state.Verifying, stepDone(t)+" has ended; whether it helped shows until then", d.at(left))
		return notYet
	case !fresh:
		d.lookAfter(queryRef(do.Verify.Expr), d.now)
		d.waits(d.at(3 * askAgain))
		why := fmt.Sprintf("%s has ended, and nobody can tell whether it helped: %s: %s", stepDone(t), briefly(do.Verify.Expr), orNotYet(q.Err))
		d.tells(a, state.Unobserved, why, nil)
		d.callAbout(c, why)
		return notYet
	}
	return goOn
}

// stepDone names a step that was done.
func stepDone(t state.Tried) string {
	return fmt.Sprintf("step %d, %s,", t.Rung, actuators.Words(t.Action))
}

// longestExpr is how much of an expression is read at night.
const longestExpr = 60

// briefly is an expression, or the beginning of a long one.
func briefly(expr string) string {
	expr = oneLine(expr)
	if r := []rune(expr); len(r) > longestExpr {
		return string(r[:longestExpr]) + "…"
	}
	return expr
}

func orNotYet(err string) string {
	if err == "" {
		return "no reading is younger than its end"
	}
	return err
}

// lookAfter asks for a reading that is younger than an instant.
func (d *draft) lookAfter(ref state.Ref, after state.Time) {
	d.gaps = append(d.gaps, state.Gap{Object: d.hostObject(), Source: ref, Detail: "it is to be read again", After: after})
}

// tryStep does one step of a Runbook, or says why it waits. It returns false where
// the next one comes instead.
func (d *draft) tryStep(a firing, c state.Case, n int, suppressed hold) (here bool) {
	do := a.book.Spec.Steps[n-1]
	if do.When != "" {
		q := d.have.Queries[do.When]
		ofUse := q.Known() && d.now.Since(q.At) <= whenIsOfUse
		d.consult(c, do.When, q, ofUse)
		if !ofUse {
			d.lookAfter(queryRef(do.When), d.now)
			d.waits(d.at(askAgain))
			d.tells(a, state.Unobserved, fmt.Sprintf("step %d: it is not known whether %s: %s", n, briefly(do.When), orNotYet(q.Err)), nil)
			return true
		}
		if !q.Value.Yes {
			return false
		}
	}
	sv, w, no := d.runbookStep(a, c, do)
	if no != "" {
		d.tells(a, state.NotAllowed, fmt.Sprintf("step %d, %s: %s", n, stepName(do), no), nil)
		return false
	}
	w.cause, w.rung = c.ID, n
	d.trying = w.action.String()
	w.rests = append(w.rests, alertsRef(a.source))
	if do.When != "" {
		w.rests = append(w.rests, queryRef(do.When))
	}
	if isProgram(w.action.String()) {
		w.key = fmt.Sprintf("%s/%d/%d", c.ID, n, c.Round)
	}
	if do.Gather == "" {
		if hs := d.runbookHolds(a, c, sv, w, suppressed); len(hs) > 0 {
			for _, h := range hs {
				d.tells(a, h.reason, fmt.Sprintf("%s; step %d, %s, waits", h.detail, n, stepName(do)), h.until)
			}
			return true
		}
	}
	if do.Ask != "" {
		d.question(a, c, sv, w, do)
		return true
	}
	d.wishFor(a, c, sv, w)
	return true
}

// stepName is a step in the words of the Runbook.
func stepName(do desired.Do) string {
	switch {
	case do.Do != "":
		return do.Do
	case do.Gather != "":
		return "gather " + do.Gather
	}
	return "ask"
}

// wishFor turns a step into a Step of the Plan, or shows with the alert what holds it.
func (d *draft) wishFor(a firing, c state.Case, sv *service, w wish) {
	from := len(d.held)
	if id, ok := d.wish(sv, w); ok {
		if isStart(w.action) {
			sv.starting = append(sv.starting, id)
		}
		return
	}
	for i, h := range d.held[from:] {
		if w.effect == actuators.None {
			d.held[from+i].Info = true // evidence that is not gathered makes no difference to the host
		}
		d.tells(a, h.Reason, h.Detail, h.Until)
		d.held[len(d.held)-1].Steps = h.Steps
	}
	d.waitsForHuman(sv, c, w)
}

// question asks a human something. His answer is that he approves of its Step.
func (d *draft) question(a firing, c state.Case, sv *service, w wish, do desired.Do) {
	if d.approved(sv.object, w) {
		d.wishFor(a, c, sv, w)
		return
	}
	id := d.stepID(sv.object, w)
	who := ""
	if do.Owner != "" {
		who = " (for " + do.Owner + " to answer)"
	}
	why := fmt.Sprintf("%s%s; to say yes: evenkeel approve %s", oneLine(do.Ask), who, id)
	d.tells(a, state.AwaitingApproval, why, nil)
	d.held[len(d.held)-1].Steps = []string{id}
	d.callAbout(c, why)
}

// runbookStep makes the wish for one step and finds whom it acts on, or says why it
// cannot be.
func (d *draft) runbookStep(a firing, c state.Case, do desired.Do) (sv *service, w wish, no string) {
	do, err := desired.ExpandLabels(do, a.Labels)
	if err != nil {
		return nil, w, err.Error()
	}
	w = wish{reason: state.Alert, detail: a.detail, effect: actuators.None}
	switch {
	case do.Gather != "":
		call, err := d.want.Call(do)
		if err != nil {
			return nil, w, err.Error()
		}
		w.action, w.repairs = actuators.Action{Actuator: call.Actuator, Verb: call.Verb, Target: call.Target, Args: call.Args}, true
		return a.sv, w, ""
	case do.Ask != "":
		w.always, w.repairs = true, true
		w.action = actuators.Action{Actuator: "ask", Verb: "human", Target: a.book.Name, Args: map[string]string{"question": oneLine(do.Ask), "case": c.ID}}
		return a.sv, w, ""
	}
	sv = a.sv
	if name := do.Service(); name != "" {
		if sv = d.services[name]; sv == nil {
			return nil, w, fmt.Sprintf("no service of this host is named %q", name)
		}
	}
	v := vitals{object: sv.object, reason: state.Alert, detail: a.detail}
	call, err := d.want.Call(do)
	if err != nil {
		return nil, w, err.Error()
	}
	if call.Actuator == "systemd" && call.Verb == "start" && sv.Spec.State == desired.Stopped {
		no = toWake(&w, sv, do)
		return sv, w, no
	}
	if call.Actuator == "systemd" {
		if v.unit, no = d.unitOf(a, sv, call.Verb); no != "" {
			return nil, w, no
		}
	}
	w, no = d.rung(sv, v, do)
	if no != "" {
		return nil, w, no
	}
	if call.Actuator == "systemd" {
		w.action.Verb = call.Verb
	} else {
		w.rests = slices.DeleteFunc(w.rests, func(r state.Ref) bool { return r == unitRef("") })
	}
	w.always = do.Approve != ""
	return sv, w, ""
}

// toWake makes the wish that a service runs which is declared stopped: kept ready, as
// it were, and only a human says that it is needed.
func toWake(w *wish, sv *service, do desired.Do) (no string) {
	if do.Approve == "" {
		return sv.Name + " is declared stopped, and is started by a human's word alone: write approve: always"
	}
	w.always, w.repairs, w.effect = true, true, actuators.Benign
	w.action = actuators.Action{Actuator: "state", Verb: "set", Target: sv.Name, Args: map[string]string{"to": desired.Running}}
	return ""
}

// unitOf finds the unit that a verb of systemd is for.
func (d *draft) unitOf(a firing, sv *service, verb string) (unit, no string) {
	switch {
	case len(sv.Units) == 0:
		return "", "the alert is of no service of this host: say which with service"
	case verb == "stop" && d.isRunning(sv):
		return "", sv.Name + " is declared running, and would be started again; suspend it by hand, or change what is declared"
	case verb != "stop" && sv.Spec.State == desired.Stopped:
		return "", sv.Name + " is declared stopped; change what is declared"
	case slices.Contains(sv.Units, a.Labels["unit"]):
		return a.Labels["unit"], ""
	case len(sv.Units) == 1:
		return sv.Units[0], ""
	}
	return "", fmt.Sprintf("%s has %d units, and the alert does not say which", sv.Name, len(sv.Units))
}

package plan

import (
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// A unit that is down is started, within its limits, for as long as it is
// declared running: that needs no ladder. Where remedies are declared they are
// climbed for a unit that does not stay up, too; a rung that restarts is then a
// start, and after each other rung the unit is started once.

// startIsNext tells whether a start is what comes next for a unit that is down,
// and makes it a rung of the unit's Case. Where another remedy comes first, that
// is wished for instead.
func (d *draft) startIsNext(sv *service, w *wish, u state.Unit) bool {
	if f, ok := d.past.Failovers[sv.Name]; ok {
		// Another one stands in for it: it is started only to be taken back.
		return f.Phase == state.FailoverReturning || f.Phase == state.FailoverReturned
	}
	v := d.vital(sv, w.unit)
	v.reason, v.detail = w.reason, w.detail
	c, open := d.past.CaseOf(sv.object, w.unit)
	if !open {
		c = d.openCase(sv, v)
	}
	if c.Ended != "" {
		again, ok := d.halfOpen(sv, c)
		if !ok {
			return false
		}
		c = again
	}
	last, tried := c.Last()
	w.cause = c.ID
	switch {
	case !tried && restarts(remedies(sv)[0].Do):
		w.rung = 1
		return true
	case !tried, last.Status == "", last.Status == state.Cut, !started(last):
		w.rung = last.Rung // the start before all remedies, or after one
		return true
	case d.verifying(sv, c, v, last):
		return false
	case c.Round > 0:
		d.ended(sv, d.stop(c, state.Escalated, "another try was of no help either"))
		return false
	}
	next, ok := d.nextRung(sv, c, v)
	if !ok {
		return false
	}
	if next.action.Verb == "restart" && next.action.Target == w.unit {
		w.rung = next.rung
		return true
	}
	d.remedy(sv, c, v, next)
	return false
}

// started tells a rung that was a start.
func started(t state.Tried) bool {
	return strings.HasPrefix(t.Action, "systemd.start ") || strings.HasPrefix(t.Action, "systemd.restart ")
}

// gaveUp opens the Case of a unit that is down and whose limit of starts is
// reached, so that somebody is told. It is started again as the limit allows.
func (d *draft) gaveUp(sv *service, w wish) {
	other := func(h hold) bool { return h.reason != state.BudgetSpent && h.reason != state.Backoff }
	if !w.remedial || len(w.holds) > 0 || !d.spent(sv, w) || slices.ContainsFunc(d.reasonsToHold(sv, w), other) {
		return // it waits for something else: a human who keeps it down need not be told
	}
	c, open := d.past.CaseOf(sv.object, w.unit)
	if w.cause != "" {
		d.waitsForHuman(sv, c, w) // its ladder goes on as the limit allows
		return
	}
	if !open {
		c = d.past.NewCase(sv.object, w.unit, w.reason, d.now)
		c.Detail, c.Sick = w.detail, d.allSick()
	}
	d.stop(c, state.BudgetSpent, "it was started as often as its limits allow, and does not stay up")
}

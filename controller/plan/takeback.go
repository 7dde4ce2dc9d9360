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

// condemn opens the Case of a revision.
func (d *draft) condemn(on *state.Provisional) {
	c := d.past.NewCase(d.hostObject(), on.Name, state.RevisionBad, d.now)
	var names []string
	for _, b := range d.bad {
		names = append(names, strings.TrimPrefix(b.object, "Service/"))
		c.Sick = append(c.Sick, b.object)
	}
	c.Sick = slices.Compact(c.Sick)
	c.Detail = fmt.Sprintf("it broke %s: %s", strings.Join(slices.Compact(names), ", "), d.bad[0].why)
	d.mark(c, fmt.Sprintf("revision %s: %s", desired.ShortRevision(on.Name), c.Detail))
}

// takeBack does what is next for a revision that was found bad.
func (d *draft) takeBack(c state.Case, on *state.Provisional) {
	q, moved := d.past.Quarantined[c.Unit]
	last, tried := c.Last()
	switch {
	case tried && last.Status == "": // under way
	case d.have.Source.Wanted != c.Unit && (moved || d.want.Revision != c.Unit):
		d.close(c, "revision "+desired.ShortRevision(d.have.Source.Wanted)+" is wanted now")
	case moved:
		d.recover(c, q)
	case on == nil || on.Name != c.Unit:
		d.close(c, "it is no longer on trial")
	case len(d.bad) == 0 && c.Ended == "":
		d.wellAgain(c)
	case c.Ended != "":
		d.gaveUpOn(c)
	default:
		d.goBack(c, on)
	}
}

// wellFor is how long what a revision had broken must be well again for nothing to
// be taken back: what crashes again and again is well in between.
const wellFor = time.Minute

func (d *draft) wellAgain(c state.Case) {
	if c.Well.IsZero() {
		c.Well = d.now
		d.mark(c, "")
	}
	left := wellFor - d.now.Since(c.Well)
	if left <= 0 {
		d.close(c, "what it broke is well again")
		return
	}
	d.waits(d.at(left))
}

// goBack wishes for the Step that moves the revision in force, where that mends
// what was broken and breaks nothing else.
func (d *draft) goBack(c state.Case, on *state.Provisional) {
	if !c.Well.IsZero() {
		c.Well = state.Time{}
		d.mark(c, "")
	}
	if why := d.noReturn(on); why != "" {
		d.callHuman(c, why)
		return
	}
	w := wish{
		reason: state.RevisionBad, detail: c.Detail, effect: actuators.Benign, repairs: true, cause: c.ID, rung: 1,
		action: toRevision(on.From, on.Name),
	}
	for _, b := range d.bad {
		s := d.declaredAs(strings.TrimPrefix(b.object, "Service/"))
		if s == nil || b.unit == "" {
			continue
		}
		w.rests = append(w.rests, unitRef(b.unit))
		for _, p := range s.Probes {
			if p.Unit == b.unit {
				w.heeds = append(w.heeds, probeRef(p.Name))
			}
		}
	}
	if _, ok := d.wish(d.hostService(), w); ok {
		d.returning = make(map[string]bool, len(d.bad))
		for _, b := range d.bad {
			d.returning[b.object] = true
		}
	}
}

// toRevision is the action that puts another revision in force.
func toRevision(to, from string) actuators.Action {
	return actuators.Action{Actuator: "revision", Verb: "rollback", Target: to, Args: map[string]string{"from": from}}
}

// noReturn says why the revision before cannot be put in force again; empty: it
// can.
func (d *draft) noReturn(on *state.Provisional) string {
	_, bad := d.past.Quarantined[on.From]
	switch {
	case on.From == "" || bad:
		return "there is no earlier revision to go back to"
	case len(on.Final) > 0:
		return "it cannot be taken back: " + strings.Join(on.Final, ", ") + " is marked irreversible"
	}
	for _, path := range on.Claims {
		if o, ok := d.past.Owned[path]; ok && !o.Created {
			return "it cannot be taken back: it wrote over " + path + ", which was not evenkeel's; see evenkeel displaced list"
		}
	}
	return ""
}

// recover watches what a revision had broken after it went back, and has the commit
// reverted once that has proved that it was the cause.
func (d *draft) recover(c state.Case, q state.Quarantine) {
	d.forgive(union(q.Touched, q.Well), q.At, InForce(d.past, d.have.Source.Wanted))
	if c.Ended != "" {
		d.gaveUpOn(c)
		return
	}
	if c.Well.IsZero() {
		sick := d.notWell(q.Well)
		switch left := recoverWithin - d.now.Since(q.At); {
		case sick == "":
			c.Well = d.now
			d.mark(c, fmt.Sprintf("revision %s: %s; %s is in force again, and all is well", desired.ShortRevision(q.Name), c.Detail, desired.ShortRevision(q.To)))
		case left <= 0:
			d.callHuman(c, desired.ShortRevision(q.To)+" is in force again, and that did not help: "+sick)
			return
		default:
			d.holdHost(c, state.Verifying, fmt.Sprintf("%s is in force again; waiting for %s", desired.ShortRevision(q.To), sick), d.at(left))
			return
		}
	}
	d.revert(c, q)
}

// recoverWithin is how long what a revision had broken may take to be well again
// after it went back.
const recoverWithin = 5 * time.Minute

// callHuman ends the Case of a revision: evenkeel does nothing more about it.
func (d *draft) callHuman(c state.Case, why string) { d.gaveUpOn(d.stop(c, state.Escalated, why)) }

func (d *draft) gaveUpOn(c state.Case) { d.holdHost(c, c.Ended, c.Detail+"; "+c.Why, nil) }

// holdHost shows something about the Case of a revision.
func (d *draft) holdHost(c state.Case, r state.Reason, detail string, until *state.Time) {
	d.held = append(d.held, state.Held{Object: c.Object, Reason: r, Detail: "revision " + desired.ShortRevision(c.Unit) + ": " + detail, Until: until, Info: true})
	d.waits(until)
}

// revertTries is how often the revert of a commit is tried where the remote does
// not answer, or somebody else pushes at the same time.
const revertTries = 8

// revertWithin is how long after a revert was pushed the branch may take to bring
// something newer.
const revertWithin = 30 * time.Minute

// revert has the bad commit reverted in git, once, and waits for what the branch
// says then.
func (d *draft) revert(c state.Case, q state.Quarantine) {
	if d.have.Source.Testing {
		return // it is one host's trial, and its author mends it
	}
	failed := 0
	for _, t := range c.Tried {
		switch {
		case t.Rung != 2:
		case t.Status == state.Done:
			d.awaitRevert(c, t)
			return
		case t.Status == state.StepFailed || t.Status == state.StepRefused:
			failed++
		}
	}
	w := wish{reason: state.RevisionBad, detail: c.Detail, effect: actuators.None, repairs: true, cause: c.ID, rung: 2}
	w.action, w.key = d.toRevert(q, c.Detail)
	f, has := d.past.Failures[state.TallyKey(d.hostObject(), w.action)]
	if failed > 0 && (failed >= revertTries || !has || !passing(f.Kind)) {
		d.callHuman(c, "it cannot be reverted in git: "+oneLine(f.Detail))
		return
	}
	d.wish(d.hostService(), w)
}

// toRevert is the action that takes a commit back in git, and its Key: the same for
// every host that follows the branch.
func (d *draft) toRevert(q state.Quarantine, why string) (actuators.Action, string) {
	branch := d.have.Source.Branch
	return actuators.Action{Actuator: "git", Verb: "revert", Target: branch, Args: map[string]string{
		"commit": q.Name, "base": q.To, "at": d.have.Source.Time.UTC().Format(time.RFC3339), "host": d.want.Host.Name, "why": oneLine(why),
	}}, "revert-" + state.Digest([]byte(branch + "\x00" + q.Name))[:16]
}

// passing tells a failure that may be over when it is tried again.
func passing(kind string) bool {
	return slices.Contains([]string{actuators.Unavailable.String(), actuators.Timeout.String(), actuators.Conflict.String()}, kind)
}

func (d *draft) awaitRevert(c state.Case, t state.Tried) {
	left := revertWithin - d.now.Since(t.Ended)
	if left <= 0 {
		d.callHuman(c, "its revert was pushed, and the branch brought nothing newer within "+desired.Duration(revertWithin).String())
		return
	}
	d.holdHost(c, state.Verifying, "its revert was pushed; waiting for the branch to bring it", d.at(left))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// rollbackByHand plans what a human asked for: another revision in force.
func (d *draft) rollbackByHand() {
	for _, a := range d.asks(d.hostObject()) {
		if a.Verb != state.AskRollback || len(a.Units) != 1 {
			continue
		}
		to := a.Units[0]
		if a.Ended(d.now) {
			d.answer(a, nil, fmt.Sprintf("the rollback did not come about within %s", desired.Duration(state.AskFor)))
			continue
		}
		w := wish{
			reason: state.ByHand, detail: a.Says(), ask: &a, effect: actuators.Benign, repairs: true,
			action: toRevision(to, d.want.Revision),
		}
		d.wish(d.hostService(), w)
		d.waits(d.at(state.AskFor - d.now.Since(a.At)))
	}
}

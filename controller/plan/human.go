package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// stopped notices that a human stopped a unit which is declared running, and
// notes the hold that respects it; and that such a hold has ended.
func (d *draft) stopped(sv *service, unit string, u state.Unit) {
	old, held := d.past.StopOf(sv.object, unit)
	switch {
	case held && (u.Up() || old.Ended(d.now) || sv.Spec.State == desired.Stopped || sv.Spec.State == desired.Ignored):
		// Started again, or over, or no longer contrary to what is declared.
		d.lift(sv, unit, old, u.Up())
	case held || sv.frozen || !d.humanStop(sv, unit, u):
		return
	default:
		d.respect(sv, unit, u)
	}
}

// respect notes the hold that lets a human's stop stand. Whoever started what
// conflicts with the unit wanted that to run, and so the unit to be down.
func (d *draft) respect(sv *service, unit string, u state.Unit) {
	h := state.Hold{Reason: state.ManualStop, Object: sv.Object(), Unit: unit, Since: d.now}
	ms := sv.Spec.ManualStop
	if ms != nil {
		h.For = ms.Hold.Std()
		if ms.Then == "escalate" || sv.Spec.Stateful {
			h.For = 0 // until a human starts it, or says so
		}
	}
	h.Detail = stopDetail(unit, u, h)
	d.remember(state.Note{Kind: state.NoteHold, Object: h.Object, Name: unit, Hold: &h})
}

func stopDetail(unit string, u state.Unit, h state.Hold) string {
	detail := unit + " was stopped by hand"
	if u.Stop == state.StopByConflict {
		// Whoever starts it again must know that this stops the other one.
		detail = fmt.Sprintf("%s was stopped because %s was started, and only one of them can run", unit, u.StoppedFor)
	}
	if h.For > 0 {
		return fmt.Sprintf("%s; it is started again after %s, or at once by: systemctl start %s", detail, desired.Duration(h.For), unit)
	}
	return fmt.Sprintf("%s; it stays so until: systemctl start %s", detail, unit)
}

// humanStop tells a stop by hand from an end of the process's own. The unit had
// been running, we did not stop it, and it is down: then the journal decides. If
// it is silent, it was a human where nothing failed, and none where something
// did. A queued stop job that is not ours is one, too.
func (d *draft) humanStop(sv *service, unit string, u state.Unit) bool {
	if sv.Spec.State != desired.Running && sv.Spec.State != "" || !d.past.Known {
		return false
	}
	if d.unsettled || d.have.Host.Value.System == "stopping" {
		return false // it goes down with the host, or may
	}
	if u.Job.Type == "stop" {
		return true
	}
	if u.Stop == state.StopByExit && !d.calledOff(sv, unit, u) || u.Masked() || u.Missing() || mayRest(u) || d.stoppedByUs(unit, u) || d.resumedSince(sv, u) {
		return false
	}
	switch {
	case u.Active != "inactive" && u.Active != "failed":
		return false
	case d.calledOff(sv, unit, u):
		return true
	case u.Active == "failed" || u.Result != "" && u.Result != "success" || !d.ranHere(unit):
		// It ended badly, or never came up: only a stop job is a human's word, and
		// only while nobody has tried to start it since.
		return u.Stop.Asked() && !u.StartLimited() && (d.ranHere(unit) || d.triedHere(sv, unit))
	}
	return true
}

// calledOff tells that somebody canceled a start or restart of ours, and that the
// unit has not run since: as a stop does that comes between the two halves of a
// restart, when there is nothing to be stopped, and nothing is written down of it.
func (d *draft) calledOff(sv *service, unit string, u state.Unit) bool {
	for _, key := range []string{state.StartKey(sv.object, unit), state.RestartKey(sv.object, unit)} {
		f, ok := d.past.Failures[key]
		if ok && f.Kind == state.Canceled && f.At.Boot == d.now.Boot && f.At.Follows(d.past.Started[unit]) && u.Entered <= f.At.Up {
			return true
		}
	}
	return false
}

// triedHere tells that a start of ours failed, as one does that somebody cuts
// off by a stop.
func (d *draft) triedHere(sv *service, unit string) bool {
	f, ok := d.past.Failures[state.StartKey(sv.object, unit)]
	return ok && f.At.Boot == d.now.Boot
}

// wentDown is when a unit that is down ceased to run, or to try to: what is stopped
// before it has come up never exits, it only changes.
func wentDown(u state.Unit) time.Duration { return max(u.Exited, u.Rested, u.Changed) }

// resumedSince tells that the unit went down while the service was suspended,
// and that the human then gave it back: it is evenkeel's to start.
func (d *draft) resumedSince(sv *service, u state.Unit) bool {
	at, ok := d.past.Resumed[sv.object]
	down := wentDown(u)
	return ok && at.Boot == d.now.Boot && down > 0 && down <= at.Up
}

// stoppedByUs tells whether the last thing that we did to the unit was a stop,
// and that it has not been active since.
func (d *draft) stoppedByUs(unit string, u state.Unit) bool {
	return slices.ContainsFunc(u.AllNames(unit), func(name string) bool {
		stop, ok := d.past.Stopped[name]
		return ok && stop.Boot == d.now.Boot && stop.Follows(d.past.Started[name]) && wentDown(u) <= stop.Up
	})
}

// overdue lifts suspensions whose time is over, so that the record says when
// they ended, and those that came with something by hand of which nothing came.
func (d *draft) overdue() {
	for _, id := range sortedKeys(d.past.Asks) {
		a := d.past.Asks[id]
		if n, ok := d.past.Recall(a, d.now); ok && a.Ended(d.now) {
			d.remember(n)
		}
	}
	for _, key := range sortedKeys(d.past.Holds) {
		if h := d.past.Holds[key]; h.Reason == state.Suspended && h.Ended(d.now) {
			d.remember(state.Note{Kind: state.NoteLifted, Object: h.Object, Name: h.Unit, Hold: &h, Detail: "its time is over"})
		} else if h.Reason == state.Suspended {
			d.waits(h.Until(d.now))
		}
	}
}

// lift ends a hold. If the unit is still down, that it had been running is
// forgotten with it: the same stop must not be taken for a new one.
func (d *draft) lift(sv *service, unit string, h state.Hold, up bool) {
	n := state.Note{Kind: state.NoteLifted, Object: sv.Object(), Name: unit, Hold: &h}
	if !up {
		n.Ran = &state.Ran{}
	}
	d.remember(n)
}

// remember notes something that matters to the rest of this very Plan, so that
// the Plan is the same once the note is folded.
func (d *draft) remember(n state.Note) {
	d.note(n)
	if !d.ownPast {
		d.past, d.ownPast = d.past.Draft(), true
	}
	d.past.Fold(state.Entry{At: d.now, Note: &n})
}

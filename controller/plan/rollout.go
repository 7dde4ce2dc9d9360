package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A new revision is provisional. It is judged by what it touched, and by what
// rests on that, as far as it was well before: where that is not well, for no
// reason that lies elsewhere, the revision goes back, once, by a Step that moves
// the revision in force. All that follows are ordinary Steps of a Plan that wants
// something else. Its Case closes when the branch wants something else, too.

// broken is a service that a revision has broken.
type broken struct{ object, unit, why string }

// rollout judges the revision in force, before anything else is planned: what it
// broke is not repaired while it goes back.
func (d *draft) rollout() {
	if d.have.Source.Wanted == "" {
		return // no branch is followed
	}
	d.source()
	in := InForce(d.past, d.have.Source.Wanted)
	if d.past.Revision.Name != "" && d.want.Revision != in {
		h := hold{state.InProgress, "revision " + desired.ShortRevision(in) + " is to be in force, and is being read", nil}
		if why := d.have.Source.Missing; why != "" {
			h = hold{state.SourceRefused, "revision " + desired.ShortRevision(in) + " is to be in force, and cannot be read: " + why, nil}
			d.held = append(d.held, state.Held{Object: d.hostObject(), Reason: h.reason, Detail: h.detail})
		}
		d.global = append(d.global, h)
		return
	}
	on := d.past.Provisional
	if on != nil && on.Name != d.want.Revision {
		on = nil
	}
	if on != nil {
		d.forgive(on.Touched, on.Began, on.Name)
		d.bad = d.broke(on)
		if _, open := d.past.CaseOf(d.hostObject(), on.Name); !open && len(d.bad) > 0 {
			d.condemn(on)
		}
	}
	for _, key := range sortedKeys(d.past.Cases) {
		if c := d.past.Cases[key]; c.Object == d.hostObject() && c.Unit != "" && c.Reason == state.RevisionBad {
			d.takeBack(c, on)
		}
	}
	d.rollbackByHand()
}

// source shows what the branch wants and does not get.
func (d *draft) source() {
	src := d.have.Source
	if src.Refused != "" {
		d.held = append(d.held, state.Held{Object: d.hostObject(), Reason: src.Refused, Detail: src.Detail})
	}
	if q, bad := d.past.Quarantined[src.Wanted]; bad && d.past.Pinned == nil {
		d.held = append(d.held, state.Held{Object: d.hostObject(), Reason: state.Quarantined, Detail: fmt.Sprintf(
			"revision %s was taken back: %s; %s is in force; push a commit that mends it", desired.ShortRevision(q.Name), q.Why, desired.ShortRevision(InForce(d.past, src.Wanted)))})
	}
}

// hostService is the host as something that Steps are planned for.
func (d *draft) hostService() *service {
	s := d.newService(&desired.Service{Name: d.want.Host.Name, Spec: desired.ServiceSpec{Management: desired.Enforce}}, d.hostObject(), d.want.Policy.Mode)
	s.frozen = slices.ContainsFunc(d.steps, func(s state.Step) bool { return s.Object == d.hostObject() && s.Action.Actuator == "revision" })
	return &s
}

// forgive clears what services had spent of their limits before a revision
// changed them: what is declared anew gets its first attempt.
func (d *draft) forgive(touched []string, since state.Time, revision string) {
	for _, object := range touched {
		s := d.declaredAs(strings.TrimPrefix(object, "Service/"))
		if s == nil || s.Object() != object {
			continue
		}
		for _, unit := range s.Units {
			old := func(t state.Time) bool { return !t.Follows(since) }
			c, open := d.past.CaseOf(object, unit)
			f, failed := d.past.Failures[state.StartKey(object, unit)]
			if slices.ContainsFunc(d.past.Charges[unit], old) || open && old(c.Opened) && c.Ended != "" || failed && old(f.At) {
				d.remember(state.Note{Kind: state.NoteRetried, Object: object, Name: unit, Detail: "revision " + desired.ShortRevision(revision) + " changed it"})
			}
		}
	}
}

// broke finds what a provisional revision has broken, and asks to look again when
// time alone decides.
func (d *draft) broke(on *state.Provisional) []broken {
	var out []broken
	if v := on.Verify; v != nil && v.Failed != "" && v.Tries >= verifyTries {
		out = append(out, broken{object: d.hostObject(), why: "the verification of the environment failed: " + v.Failed})
	}
	var seen []broken // by probes
	for _, object := range on.Well {
		s := d.runs(object)
		if s == nil || d.excused(on, s.Name) {
			continue
		}
		for _, v := range d.vitals[s.Name] {
			if d.heldByHuman(object, v.unit) || len(d.heldBy(object, wish{unit: v.unit})) > 0 {
				continue
			}
			if why := d.doesNotRun(on, object, v); why != "" {
				out = append(out, broken{object, v.unit, why})
			} else if why := d.isNotWell(on, v); why != "" {
				seen = append(seen, broken{object, v.unit, why})
			}
		}
	}
	if len(seen) > 0 && !d.allFail(on) {
		out = append(out, seen...)
	}
	return out
}

// runs is the service of this host that is called so and is to run; nil: there is
// none.
func (d *draft) runs(object string) *desired.Service {
	s := d.declaredAs(strings.TrimPrefix(object, "Service/"))
	if s == nil || s.Object() != object || s.Spec.State == desired.Stopped || s.Spec.State == desired.Ignored {
		return nil
	}
	return s
}

// notWell names a unit of some services that is not seen to be well, though no human
// keeps it down; empty: all of them are.
func (d *draft) notWell(objects []string) string {
	for _, object := range objects {
		s := d.runs(object)
		if s == nil {
			continue
		}
		for _, v := range d.vitals[s.Name] {
			if !v.well() && !d.heldByHuman(object, v.unit) {
				return v.unit
			}
		}
	}
	return ""
}

// verifyTries is how often the environment's verification must fail: one that
// fails by chance takes nothing back.
const verifyTries = 2

// doesNotRun says why a unit does not run although it was tried; empty: it runs, or
// it is too early to say.
func (d *draft) doesNotRun(on *state.Provisional, object string, v vitals) string {
	f := d.have.Units[v.unit]
	u := f.Value
	if !f.Known() || v.ready != down {
		return ""
	}
	switch {
	case u.Missing() || u.Load == "bad-setting" || u.Load == "error":
		if u.NeedReload || d.past.Reloaded.Boot == d.now.Boot && f.At.Outdated(d.past.Reloaded) || d.past.Touched.Follows(d.past.Reloaded) {
			return "" // systemd has not loaded it yet
		}
		return "systemd cannot load it"
	case u.Active == "activating" && u.Sub != "auto-restart", u.Active == "deactivating", u.Job.ID != 0:
		if !d.late(on) {
			return ""
		}
		return "it is still " + u.Active
	case u.StartLimited():
		return "systemd gave up starting it"
	case d.triedSince(on, object, v.unit):
		if f, failed := d.startFailed(on, object, v.unit); failed && f.Detail != "" {
			return "its start fails: " + oneLine(f.Detail)
		}
		return fmt.Sprintf("it does not stay up (%s)", cmp.Or(u.Result, u.Active))
	}
	return ""
}

// triedSince tells that a unit was tried twice under the revision, by evenkeel or by
// systemd: one failure may be chance.
func (d *draft) triedSince(on *state.Provisional, object, unit string) bool {
	for _, at := range d.past.Charges[unit] {
		if at.Follows(on.Began) {
			return true
		}
	}
	f, failed := d.startFailed(on, object, unit)
	return failed && f.Count > 1 || d.have.Units[unit].Value.Restarts > 1 && d.past.Started[unit].Follows(on.Began)
}

// startFailed is how the last start, or restart, of a unit failed under a revision.
func (d *draft) startFailed(on *state.Provisional, object, unit string) (state.Failure, bool) {
	for _, key := range []string{state.StartKey(object, unit), state.RestartKey(object, unit)} {
		f, ok := d.past.Failures[key]
		if ok && f.At.Follows(on.Began) && f.Kind != state.Unmet && f.Kind != state.Canceled {
			return f, true
		}
	}
	return state.Failure{}, false
}

// isNotWell says what is wrong with a unit that runs, by its probes. What is merely
// not ready has half of the time of the proof.
func (d *draft) isNotWell(on *state.Provisional, v vitals) string {
	if v.reason != "" {
		return v.detail
	}
	if v.ready != notReady && v.ready != starting {
		return ""
	}
	if !d.late(on) {
		return ""
	}
	return strings.TrimSuffix(v.unit+" "+cmp.Or(v.unready, "is not ready")+": "+v.detail, ": ")
}

// late tells that half of the time of a proof is over, or has this looked at when it
// is.
func (d *draft) late(on *state.Provisional) bool {
	left := on.For/2 - d.now.Since(on.Since)
	if left > 0 {
		d.waits(d.at(left))
	}
	return left <= 0
}

// excused tells that a service is not well because of something that the
// revision did not touch.
func (d *draft) excused(on *state.Provisional, name string) bool {
	found := make(map[string]string)
	d.dig(name, found, map[string]bool{name: true})
	for root := range found {
		if !slices.Contains(on.Touched, "Service/"+root) && !slices.Contains(on.Touched, "Endpoint/"+root) {
			return true
		}
	}
	return false
}

// allFail tells that what the revision has nothing to do with fails its probes as
// well, most of it: then the cause is elsewhere, or in the eyes.
func (d *draft) allFail(on *state.Provisional) bool {
	others, failing := 0, 0
	in := cone(d.want, on.Touched)
	for i := range d.want.Services {
		s := &d.want.Services[i]
		if slices.Contains(in, s.Object()) {
			continue
		}
		for _, v := range d.vitals[s.Name] {
			if !v.probed && v.blind == "" {
				continue
			}
			others++
			if v.failing || v.blind != "" {
				failing++
			}
		}
	}
	return failing > 0 && 2*failing >= others
}

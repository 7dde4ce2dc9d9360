package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// stuckAfter is how long a unit may be activating or deactivating before that
// counts as a fault (gardener's node agent uses the same figure).
const stuckAfter = 5 * time.Minute

// state compares whether a unit runs with what is declared.
func (d *draft) state(sv *service, unit string) {
	u, ok := d.unit(sv.Object(), unit)
	if !ok {
		sv.up, sv.unknown = false, true
		return
	}
	if !u.Up() && !(u.Active == "inactive" && mayRest(u)) {
		sv.up = false
	}
	if detail := d.declaredTwice(sv, unit); detail != "" {
		d.blocked(sv, wish{unit: unit}, state.UnitInvalid, detail, nil)
		return // who stops it, and what it runs, is the other declaration's business
	}
	d.stopped(sv, unit, u)
	switch sv.Spec.State {
	case desired.Running, "":
		d.running(sv, unit, u)
	case desired.Stopped:
		d.notRunning(sv, unit, u)
	}
	d.process(sv, unit, u)
}

// running plans what it takes for a unit to run. The rows are those of
// systemd's own truth: auto-restart is systemd at work, a oneshot and what a
// timer, socket or path starts may well be inactive, activating counts only
// after a while.
func (d *draft) running(sv *service, unit string, u state.Unit) {
	if u.Up() {
		return
	}
	w := wish{
		unit: unit, effect: actuators.Benign, repairs: true,
		action: actuators.Action{Actuator: "systemd", Verb: "start", Target: unit},
		rests:  []state.Ref{unitRef(unit)},
		fields: []state.Field{{Path: "active", Desired: "active", Observed: u.Active + "/" + u.Sub}},
	}
	switch {
	case sv.Spec.Boot == desired.Masked:
		return // declared not to run
	case u.Masked() && !d.maskedByUs(unit):
		w.reason, w.detail = state.NotRunning, fmt.Sprintf("%s is %s (%s)", unit, u.Active, u.Sub)
		d.blocked(sv, w, state.Masked, unit+" is masked; a mask stands until it is lifted", nil)
	case u.Missing() && len(sv.changed) == 0 && !sv.reload:
		detail := "systemd knows no " + unit
		if sv.UnitFile == nil {
			detail += ", and no unitFile is declared for it"
		}
		d.blocked(sv, w, state.UnitInvalid, detail, nil)
	case (u.Load == "bad-setting" || u.Load == "error") && len(sv.changed) == 0 && !sv.reload:
		d.blocked(sv, w, state.UnitInvalid, "systemd cannot load "+unit+"; see systemctl status "+unit, nil)
	case u.Active == "activating" || u.Active == "deactivating" || u.Job.ID != 0 && !sv.frozen:
		d.systemdActing(sv, w, u)
	case u.Active == "inactive" && mayRest(u):
		return
	case d.unlooked(sv):
		sv.unknown = true // what it would be started with is about to be known: files has said so
	default:
		d.start(sv, unit, u, w)
	}
}

// unlooked tells that nobody has looked yet at something that the service is
// started with, as when a new revision has just declared it: a start would come
// before it is written. What was looked at and could not be read keeps nothing down.
func (d *draft) unlooked(sv *service) bool {
	for a := range artifacts(sv.Service) {
		if f := d.have.Files[a.Path]; f.At.IsZero() && f.Err == "" {
			return true
		}
	}
	return false
}

// mayRest tells a unit that does its work and is then inactive.
func mayRest(u state.Unit) bool {
	if u.Result != "" && u.Result != "success" {
		return false
	}
	return u.Type == "oneshot" && !u.Remain || len(u.TriggeredBy) > 0
}

func (d *draft) start(sv *service, unit string, u state.Unit, w wish) {
	ran := d.ranHere(unit)
	w.reason, w.remedial = state.NotRunning, ran || d.cleared(unit)
	w.detail = fmt.Sprintf("%s is %s (%s)", unit, u.Active, u.Sub)
	if u.Active == "failed" {
		w.reason, w.remedial = state.Failed, ran || len(d.past.Charges[unit]) > 0 || !d.past.Started[unit].IsZero()
		w.detail = fmt.Sprintf("%s failed (%s)", unit, u.Result)
	}
	w.needs = append(append(w.needs, sv.changed...), sv.written...)
	d.withoutCode(sv, &w)
	if h, sick := d.dependencies(sv, &w); sick {
		w.holds = append(w.holds, h)
	}
	w.holds = append(w.holds, sv.without()...)
	if w.remedial && len(sv.Spec.Remedies) > 0 && !d.heldByHuman(sv.object, unit) && !d.startIsNext(sv, &w, u) {
		sv.held = true
		return
	}
	if u.StartLimited() && !d.resetLimit(sv, &w) {
		sv.held = true
		return
	}
	if id, ok := d.wish(sv, w); ok {
		sv.starting = append(sv.starting, id)
	} else {
		sv.held = true
		d.gaveUp(sv, w)
	}
}

// resetLimit has a start wait for a reset of systemd's own start limit, without
// which it would be refused. Each start after a reset is charged, so that our
// limits hold where systemd's is taken away. It is false where the reset itself
// is held, and with it the start.
func (d *draft) resetLimit(sv *service, w *wish) bool {
	w.remedial = true
	if len(w.holds)+len(d.reasonsToHold(sv, *w)) > 0 {
		return true // the start is held: nothing is to be reset
	}
	reset := *w
	reset.reason, reset.remedial = state.StartLimitHit, false
	reset.cause, reset.rung = "", 0 // the start is the remedy
	reset.detail = "systemd refused to start " + w.unit + " again: its start limit was hit"
	return d.resetFirst(sv, w, reset)
}

// resetFirst has a start wait for a reset-failed, which is the start's wish but
// for what it says.
func (d *draft) resetFirst(sv *service, start *wish, reset wish) bool {
	reset.action.Verb = "reset-failed"
	id, ok := d.wish(sv, reset)
	if ok {
		start.needs = append(start.needs, id)
	}
	return ok
}

// cleared tells whether evenkeel cleared a failure of the unit, or stopped it,
// in this boot.
func (d *draft) cleared(unit string) bool {
	at, ok := d.past.Stopped[unit]
	return ok && at.Boot == d.now.Boot
}

// ranHere tells whether the unit had been running in this boot, by evenkeel's
// own record.
func (d *draft) ranHere(unit string) bool {
	r, ok := d.past.Ran[unit]
	return ok && r.Invocation != "" && d.past.Seen[unit] == d.now.Boot
}

// blocked records a difference that no Step of ours could mend.
func (d *draft) blocked(sv *service, w wish, r state.Reason, detail string, until *state.Time) {
	sv.held = true
	d.hold(sv.Object(), w, hold{r, detail, until})
}

// systemdActing leaves a unit alone while systemd works on it, and names it
// stuck when that takes too long. A start that hangs is started anew, unless
// somebody's job waits for it: a job is for its owner to cancel. A stop that
// hangs is systemd's to end, with the unit's own TimeoutStopSec.
func (d *draft) systemdActing(sv *service, w wish, u state.Unit) {
	w.detail = fmt.Sprintf("%s is %s (%s)", w.unit, u.Active, u.Sub)
	if u.Job.ID != 0 {
		w.detail += fmt.Sprintf(", and systemd has a %s job for it", u.Job.Type)
	}
	if h, ok := d.past.StopOf(sv.object, w.unit); ok {
		d.blocked(sv, w, state.ManualStop, h.Detail, h.Until(d.now))
		return
	}
	age := d.now.Up - u.Changed
	stuck := fmt.Sprintf("%s for %s", w.detail, desired.Duration(age.Truncate(time.Second)))
	switch {
	case !mayHang(u):
		d.blocked(sv, w, state.SystemdActing, w.detail, nil)
		return
	case age < stuckAfter:
		d.blocked(sv, w, state.SystemdActing, w.detail, d.at(stuckAfter-age))
		return
	case u.Active == "deactivating":
		d.blocked(sv, w, state.StuckDeactivating, stuck, nil)
		return
	case u.Job.ID != 0:
		d.blocked(sv, w, state.StuckActivating, fmt.Sprintf("%s; systemctl cancel %d gives it up", stuck, u.Job.ID), nil)
		return
	}
	if slices.Contains(sv.asked, w.unit) {
		return // what a human asked for takes its place
	}
	w.reason, w.remedial, w.effect, w.action.Verb = state.StuckActivating, true, actuators.Disruptive, "restart"
	w.needs = append(append(w.needs, sv.changed...), sv.written...)
	if h, sick := d.dependencies(sv, &w); sick {
		w.holds = append(w.holds, h) // what it waits for may be just that
	} else {
		w.holds = append(w.holds, d.notTheCause(sv)...)
	}
	w.heeds = append(w.heeds, d.everybody(sv)...)
	if id, ok := d.wish(sv, w); ok {
		sv.starting = append(sv.starting, id)
	} else {
		sv.held = true
	}
}

// mayHang tells a unit that is on its way somewhere from one that waits: to be
// started again by systemd, or for a job whose turn has not come.
func mayHang(u state.Unit) bool {
	return (u.Active == "activating" || u.Active == "deactivating") && u.Sub != "auto-restart" && u.Changed > 0
}

// notRunning plans the stop of what is declared stopped.
func (d *draft) notRunning(sv *service, unit string, u state.Unit) {
	if u.Active == "inactive" || u.Active == "failed" {
		return
	}
	w := wish{
		unit: unit, reason: state.NotStopped, effect: actuators.Disruptive, repairs: true,
		detail: fmt.Sprintf("%s is %s (%s), declared stopped", unit, u.Active, u.Sub),
		action: actuators.Action{Actuator: "systemd", Verb: "stop", Target: unit},
		rests:  []state.Ref{unitRef(unit)},
		fields: []state.Field{{Path: "active", Desired: "inactive", Observed: u.Active + "/" + u.Sub}},
	}
	if f, ok := d.past.Failovers[sv.Name]; ok {
		w.detail = fmt.Sprintf("%s is %s (%s), and %s stands in for it", unit, u.Active, u.Sub, f.To)
		w.heeds = d.standby(f.To)
		if !d.isReady(f.To) {
			w.holds = append(w.holds, hold{state.DependencySick, f.To + " is to stand in for it, and is not ready", nil})
		}
	}
	if u.Active == "deactivating" || u.Job.ID != 0 && !sv.frozen {
		d.systemdActing(sv, w, u)
		return
	}
	d.wish(sv, w)
}

// dependencies makes a start wait for the starts of what must come first. It
// returns a hold where something that is required is not well, and nothing of
// this Plan will make it so.
func (d *draft) dependencies(sv *service, w *wish) (hold, bool) {
	for _, name := range sv.Follows {
		if dep, ok := d.services[name]; ok {
			w.needs = append(w.needs, dep.starting...)
		}
	}
	var h hold
	sick := false
	for _, name := range sv.Requires {
		dep, ok := d.services[name]
		if ok {
			for _, u := range dep.Units {
				w.rests = append(w.rests, unitRef(u)) // what it needs may die while it waits
				if p, ok := dep.Probing(desired.ReadinessProbe, u); ok {
					w.heeds = append(w.heeds, probeRef(p.Name))
				}
			}
		}
		switch {
		case d.standsIn(name):
			continue
		case !ok || dep.Spec.State == desired.Ignored && !dep.unknown && dep.up:
			continue
		case dep.Spec.State == desired.Stopped:
			h, sick = hold{state.DependencySick, name + " is declared stopped, and comes first", nil}, true
		case dep.unknown:
			h, sick = hold{state.DependencySick, name + " could not be observed", nil}, true
		case dep.up && len(dep.starting) == 0 && d.unfit(name) != "":
			h, sick = hold{state.DependencySick, name + " " + d.unfit(name) + ", and comes first", d.readyBy(dep)}, true
		case dep.up:
			w.needs = append(w.needs, dep.starting...)
		case dep.held || len(dep.starting) == 0:
			h, sick = hold{state.DependencySick, name + " is not running, and comes first", nil}, true
		default:
			w.needs = append(w.needs, dep.starting...)
		}
	}
	for _, name := range sv.Outside {
		w.heeds = append(w.heeds, probeRef(desired.ProbeName(desired.EndpointProbe, name)))
		if why := d.unfit(name); why != "" && !sick {
			h, sick = hold{state.DependencySick, name + " " + why + ", and comes first", nil}, true
		}
	}
	return h, sick
}

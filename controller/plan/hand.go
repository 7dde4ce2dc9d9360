package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// byHand plans what humans asked for of a service, before anything else is
// planned for its units: a Step by hand takes the place of one that evenkeel
// would have come to by itself. What a human holds (suspend, a stop by hand,
// limits, approval) does not hold him; what protects the host does.
func (d *draft) byHand(sv *service) {
	for _, a := range d.asks(sv.object) {
		if a.Ended(d.now) {
			d.answer(a, nil, fmt.Sprintf("%s of %s did not come about within %s", a.Verb, sv.Name, desired.Duration(state.AskFor)))
			continue
		}
		stands := a.Kept != nil && d.restore(sv, a)
		if a.Kept == nil {
			for _, unit := range a.Units {
				stands = d.ask(sv, a, unit) || stands
			}
		}
		if stands {
			d.waits(d.at(state.AskFor - d.now.Since(a.At)))
		}
	}
}

// forNobody answers what was asked for of objects that are no longer declared.
func (d *draft) forNobody() {
	for _, id := range sortedKeys(d.past.Asks) {
		a := d.past.Asks[id]
		if a.Verb == state.AskRollback && d.have.Source.Wanted != "" {
			continue
		}
		if name, ok := strings.CutPrefix(a.Object, "Service/"); !ok || d.services[name] == nil {
			d.answer(a, nil, a.Object+" is no longer declared")
		}
	}
}

// asks lists what is asked for of an object, oldest first.
func (d *draft) asks(object string) []state.Ask {
	var out []state.Ask
	for _, a := range d.past.Asks {
		if a.Object == object {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b state.Ask) int { return cmp.Or(cmp.Compare(a.At.Up, b.At.Up), cmp.Compare(a.ID, b.ID)) })
	return out
}

// answer settles an Ask without a Step: for some units, or for all that are left.
func (d *draft) answer(a state.Ask, units []string, failed string) {
	d.note(state.Note{Kind: state.NoteAnswered, Object: a.Object, Detail: failed, Ask: &state.Ask{ID: a.ID, Units: units}})
}

// ask plans what was asked for of one unit, and tells whether it still stands.
func (d *draft) ask(sv *service, a state.Ask, unit string) (stands bool) {
	if !slices.Contains(sv.Units, unit) {
		d.answer(a, []string{unit}, unit+" is no longer declared")
		return false
	}
	u, ok := d.unit(sv.object, unit)
	if !ok {
		return true // the loop looks again
	}
	w := wish{
		unit: unit, reason: state.ByHand, detail: a.Says(), ask: &a, repairs: true, effect: actuators.Disruptive,
		action: actuators.Action{Actuator: "systemd", Verb: a.Verb, Target: unit},
		rests:  []state.Ref{unitRef(unit)},
	}
	verb, failed := handVerb(a, u)
	if d.stoppedSince(sv, a, unit, u) {
		failed = "was stopped by hand meanwhile"
	}
	switch at := d.have.Units[unit].At; {
	case (failed != "" || verb == "") && at.Before(a.At):
		d.gaps = append(d.gaps, state.Gap{Object: sv.object, Source: unitRef(unit), Detail: "last looked at before it was asked for", After: a.At})
		return true
	case failed != "":
		d.answer(a, []string{unit}, unit+" "+failed)
		return false
	case verb == "":
		d.answer(a, []string{unit}, "")
		return false
	default:
		w.action.Verb = verb
	}
	if u.Job.ID != 0 && !sv.frozen {
		w.holds = append(w.holds, hold{state.SystemdActing, fmt.Sprintf("systemd has a %s job for %s", u.Job.Type, unit), nil})
	}
	if w.action.Verb == "start" {
		w.effect = actuators.Benign
	}
	if isStart(w.action) {
		if u.Masked() && !d.maskedByUs(unit) {
			w.holds = append(w.holds, hold{state.Masked, unit + " is masked; a mask stands until it is lifted", nil})
		}
		w.needs = append(append(w.needs, sv.changed...), sv.written...)
		d.unlimit(sv, u, &w)
		_, _ = d.dependencies(sv, &w) // the order is respected; whether it makes sense is for the human to say
	}
	if id, ok := d.wish(sv, w); ok {
		sv.asked = append(sv.asked, unit)
		if isStart(w.action) {
			sv.starting = append(sv.starting, id)
		}
	}
	return true
}

// restore plans to put a version back that had been displaced. The service is
// suspended with it, so that what is declared does not displace it again at once.
func (d *draft) restore(sv *service, a state.Ask) (stands bool) {
	k := a.Kept
	have, ok := d.file(sv.object, k.Path)
	if !ok {
		return true // the loop looks again
	}
	if k.Lies(have) {
		d.answer(a, nil, "")
		return false
	}
	w := wish{
		reason: state.ByHand, detail: a.Says(), ask: &a, effect: actuators.Benign, rests: []state.Ref{fileRef(k.Path)},
		fields: []state.Field{{Path: k.Path, Desired: cmp.Or(k.Link, short(k.Digest)), Observed: cmp.Or(have.Link, short(have.Digest))}},
		action: k.Action(have),
	}
	w.action.Args["object"] = sv.object
	if have.Lies() != "" && !d.past.Owned[k.Path].Is(have) {
		w.action.Args["keep"] = "1"
	}
	if isUnitPath(k.Path) {
		w.unit = sv.fileUnit()
	} else {
		w.path = k.Path
	}
	if id, ok := d.wish(sv, w); ok && loads(w.action) {
		d.links, sv.reload = append(d.links, id), true
	}
	return true
}

// stoppedSince tells that somebody stopped the unit after another human had
// asked for it to run: the later word counts.
func (d *draft) stoppedSince(sv *service, a state.Ask, unit string, u state.Unit) bool {
	down := wentDown(u)
	before := down > 0 && down <= a.At.Up
	return (a.Verb == "start" || a.Verb == "restart") && u.Job.Type != "stop" && !before && d.humanStop(sv, unit, u)
}

// unlimit has a start by hand wait for a reset of systemd's own start limit,
// without which systemd would refuse it.
func (d *draft) unlimit(sv *service, u state.Unit, w *wish) {
	if !u.StartLimited() || len(w.holds)+len(d.reasonsToHold(sv, *w)) > 0 {
		return
	}
	reset := *w
	reset.detail, reset.needs = "systemd refuses to start "+w.unit+" until its start limit is reset; "+w.detail, nil
	d.resetFirst(sv, w, reset)
}

// handVerb is what it takes to do what was asked for, or why it cannot be done;
// nothing at all where it is so already.
func handVerb(a state.Ask, u state.Unit) (do, failed string) {
	verb, up := a.Verb, u.Up()
	switch {
	case u.Missing():
		return "", "is not known to systemd"
	case verb == "start" && up, verb == "stop" && (u.Active == "inactive" || u.Active == "failed"):
		return "", ""
	case verb == "restart" && up && u.Entered > a.At.Up:
		return "", "" // by whomever, also by a step whose end nobody saw
	case verb == "restart" && !up && u.Active != "activating" && u.Active != "deactivating":
		return "start", ""
	case verb == "reload" && !up:
		return "", "is not running"
	case verb == "reload" && !u.CanReload:
		return "", "has no ExecReload=: it cannot be reloaded, only restarted"
	}
	return verb, ""
}

// handOrder has what is stopped by hand wait for what depends on it and is
// stopped by hand, too. They trade places with each other, so that the lanes of
// disruptive Steps, which go by place, agree.
func (d *draft) handOrder() {
	stops := make(map[string][]int) // by service: its stops by hand
	var places []int
	for i := range d.steps {
		if s := &d.steps[i]; s.Ask != "" && s.Action.Verb == "stop" {
			places = append(places, i)
		}
	}
	for i, j := 0, len(places)-1; i < j; i, j = i+1, j-1 {
		d.steps[places[i]], d.steps[places[j]] = d.steps[places[j]], d.steps[places[i]]
	}
	for _, i := range places {
		stops[d.steps[i].Object] = append(stops[d.steps[i].Object], i)
	}
	if len(stops) < 2 {
		return
	}
	for i := range d.order {
		sv := &d.order[i]
		for _, before := range stops[sv.object] {
			for _, name := range slices.Concat(sv.Requires, sv.Follows) {
				for _, after := range stops["Service/"+name] {
					d.steps[after].Needs = append(d.steps[after].Needs, d.steps[before].ID)
				}
			}
		}
	}
}

package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// orphans plans for what evenkeel manages and nobody declares for this host any
// more. What is gone is computed from the inventory, never guessed; and if more
// than policy's share is gone at once, it is held: an emptied repository stops
// nothing, and a mistaken matcher lets go of nothing. A service that was given
// another name is not gone, and one that is declared for other hosts now has moved.
func (d *draft) orphans() {
	var gone, moved, renamed []string
	for object, m := range d.past.Managed {
		switch name, ok := strings.CutPrefix(object, "Service/"); {
		case !ok || d.services[name] != nil:
		case d.elsewhere(name) != nil:
			moved = append(moved, object)
		case len(m.Units) > 0 && len(d.nobodys(m.Units)) == 0:
			renamed = append(renamed, object)
		default:
			gone = append(gone, object)
		}
	}
	holds := d.shrunk(len(gone), len(moved))
	if len(holds) == 0 {
		d.neverBack()
	}
	if len(gone)+len(moved)+len(renamed) == 0 || d.unread() {
		return
	}
	slices.Sort(gone)
	slices.Sort(moved)
	slices.Sort(renamed)
	for _, object := range renamed {
		d.orphan(object, d.past.Managed[object], nil)
	}
	for _, object := range gone {
		d.orphan(object, d.past.Managed[object], holds)
	}
	for _, object := range moved {
		d.moveAway(object, holds)
	}
}

// shrunk holds what leaves the host where that is more than policy's share of all
// that it has, whether it is gone or has moved.
func (d *draft) shrunk(gone, moved int) []hold {
	all := len(d.past.Managed)
	if float64(gone+moved) <= d.want.Policy.Shrink*float64(all) {
		return nil
	}
	what := fmt.Sprintf("%d of %d services are no longer declared", gone, all)
	switch {
	case gone == 0:
		what = fmt.Sprintf("%d of %d services are declared for other hosts now", moved, all)
	case moved > 0:
		what += fmt.Sprintf(", and %d for other hosts", moved)
	}
	return []hold{{state.Shrunk, fmt.Sprintf("%s, more than policy's share of %g", what, d.want.Policy.Shrink), nil}}
}

// orphan lets go of one object, in the way that its last declaration asked for.
// Each Step of it needs the one before, so that nothing is removed under a
// running process. What somebody else declares now is his.
func (d *draft) orphan(object string, m state.Managed, holds []hold) {
	s := desired.Service{Name: strings.TrimPrefix(object, "Service/"), Units: m.Units, Spec: desired.ServiceSpec{Management: desired.Enforce}}
	sv := d.newService(&s, object, d.want.Policy.Mode)
	created := d.created(object)
	onRemove := whenRemoved(m.OnRemove, created)
	left := d.letGo(&sv, d.nobodys(m.Units), created, onRemove, holds)
	if left {
		if len(holds) > 0 {
			d.held = append(d.held, state.Held{Object: object, Reason: holds[0].reason, Detail: holds[0].detail})
		}
		return
	}
	d.note(state.Note{Kind: state.NoteForgot, Object: object, Detail: "no longer declared: " + onRemove})
}

// whenRemoved is what was declared, or its default: delete what evenkeel
// created, release the rest.
func whenRemoved(declared string, created []string) string {
	ours := func(p string) bool { return strings.HasPrefix(p, unitDir) && !strings.Contains(p, ".d/") }
	switch {
	case declared != "":
		return declared
	case slices.ContainsFunc(created, ours):
		return desired.OnRemoveDelete
	}
	return desired.OnRemoveRelease
}

// letGo stops, disables and removes units, as far as onRemove asks for it, and
// reports whether something of that is left. What follows a Step that is held
// is not even planned.
func (d *draft) letGo(sv *service, units, created []string, onRemove string, holds []hold) (left bool) {
	var needs []string
	stuck := false
	left = len(holds) > 0
	try := func(w wish) {
		left = true
		if stuck {
			return
		}
		w.reason, w.holds, w.needs = state.NotDeclared, holds, slices.Clone(needs)
		id, ok := d.wish(sv, w)
		if !ok {
			stuck = len(holds) == 0
			return
		}
		needs = append(needs, id)
		if loads(w.action) {
			d.links = append(d.links, id)
		}
	}
	if onRemove != desired.OnRemoveRelease {
		left = d.stopOrphan(sv.Object(), units, try) || left
	}
	if onRemove == desired.OnRemoveDelete {
		left = d.deleteOrphan(sv.Object(), units, created, try) || left
	}
	return left
}

// nobodys are the units of a former declaration that no service has now.
func (d *draft) nobodys(units []string) (out []string) {
	for _, u := range units {
		if !d.declaredUnit(u) {
			out = append(out, u)
		}
	}
	return out
}

// created lists the files of an object that did not exist before evenkeel wrote
// them. Nothing else is ever deleted.
func (d *draft) created(object string) []string {
	var out []string
	for p, o := range d.past.Owned {
		if o.Object == object && o.Created {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// stopOrphan reports whether something is still to be found out.
func (d *draft) stopOrphan(object string, units []string, try func(wish)) (unknown bool) {
	for _, unit := range units {
		u, ok := d.unit(object, unit)
		if !ok {
			unknown = true
			continue
		}
		if u.Active == "inactive" || u.Active == "failed" {
			continue
		}
		try(wish{
			unit: unit, detail: unit + " is " + u.Active + " and no longer declared", effect: actuators.Disruptive, repairs: true,
			action: actuators.Action{Actuator: "systemd", Verb: "stop", Target: unit}, rests: []state.Ref{unitRef(unit)},
		})
	}
	return unknown
}

func (d *draft) deleteOrphan(object string, units, created []string, try func(wish)) (unknown bool) {
	for _, unit := range units {
		if u, ok := d.unit(object, unit); !ok {
			unknown = true
		} else if u.Boot == "enabled" {
			try(wish{
				unit: unit, detail: unit + " is enabled and no longer declared", effect: actuators.Benign,
				action: actuators.Action{Actuator: "systemd", Verb: "disable", Target: unit}, rests: []state.Ref{unitRef(unit)},
			})
		}
	}
	for _, path := range created {
		f, ok := d.file(object, path)
		if !ok {
			unknown = true
			continue
		}
		owned := d.past.Owned[path]
		if f.Kind != state.Regular && f.Kind != state.Symlink || (owned.Link != "" || f.Kind == state.Symlink) && !owned.Is(f) {
			continue // gone already, or something of a human's in its place
		}
		w := wish{
			detail: path + " is no longer declared", effect: actuators.Benign, rests: []state.Ref{fileRef(path)},
			action: actuators.Action{Actuator: "file", Verb: "remove", Target: path, Args: map[string]string{"object": object, "was": f.Digest}},
		}
		switch {
		case f.Kind == state.Symlink:
			delete(w.action.Args, "was")
			w.action.Args["wasLink"] = f.Link
		case !owned.Is(f):
			w.action.Args["keep"] = "1"
		}
		if isUnitPath(path) {
			w.unit = unitOfPath(path)
		} else {
			w.path = path
		}
		try(w)
	}
	return unknown
}

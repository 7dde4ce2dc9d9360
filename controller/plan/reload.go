package plan

import (
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// loaded finds out whether what systemd has loaded of a service is older than
// what lies on disk: by systemd's own word, by the change times of what it was
// loaded from, or because evenkeel itself changed a link or a file since.
// systemd's word alone is not enough, because it compares modification times,
// which cp -p and packages set back.
func (d *draft) loaded(sv *service) {
	reason := d.staleLoad(sv)
	if reason == "" || sv.left {
		// A change that is merely told, or tolerated for a while, is not loaded
		// on evenkeel's account either.
		return
	}
	sv.reload = true
	w := wish{
		unit: sv.fileUnit(), reason: state.DaemonReloadNeeded, detail: reason, effect: actuators.Benign,
		fields: []state.Field{{Path: "loaded", Desired: "what lies on disk", Observed: "older"}},
		action: reloadAction(),
	}
	if holds := d.reasonsToHold(&service{Service: sv.Service, object: sv.object, mode: sv.mode}, w); len(holds) > 0 {
		for _, h := range holds {
			d.hold(sv.Object(), w, h)
		}
		return
	}
	d.loaders = append(d.loaders, reason)
}

func (d *draft) staleLoad(sv *service) string {
	if !d.have.Host.Known() {
		return ""
	}
	for _, name := range sv.Units {
		u := d.have.Units[name]
		if u.Known() && u.Value.NeedReload && !u.Value.Masked() && !u.At.Outdated(d.past.Reloaded) {
			return "systemd says that the files of " + name + " changed on disk"
		}
	}
	for a := range unitArtifacts(sv.Service) {
		if have := d.have.Files[a.Path]; have.Known() && have.Value.Kind == state.Regular && d.newerThanLoad(have.Value.Changed) {
			return a.Path + " changed after systemd loaded its units"
		}
	}
	for _, dir := range sv.dirs {
		if have := d.have.Dirs[dir]; have.Known() && have.Value.Exists && d.newerThanLoad(have.Value.Changed) {
			return dir + " changed after systemd loaded its units"
		}
	}
	return ""
}

// newerThanLoad leaves out change times in the future: after the clock was set
// back they would ask for a reload for ever.
func (d *draft) newerThanLoad(changed time.Time) bool {
	return changed.After(d.have.Host.Value.UnitsLoaded) && !changed.After(d.now.Wall)
}

// touched tells that evenkeel changed what systemd loads, and that nobody has
// loaded it since: not evenkeel, and by the wall clock nobody else either. A
// load in the future says only that the clock was set back.
func (d *draft) touched() bool {
	t := d.past.Touched
	if t.IsZero() || t.Boot != d.now.Boot || t.Outdated(d.past.Reloaded) || !d.have.Host.Known() {
		return false
	}
	loaded := d.have.Host.Value.UnitsLoaded
	return !loaded.After(t.Wall) || loaded.After(d.now.Wall)
}

// reload plans one daemon-reload for all that needs it, after every file and
// link of this Plan.
func (d *draft) reload() {
	if d.reloads != "" {
		return // in flight
	}
	if len(d.links) == 0 && len(d.loaders) == 0 && !d.touched() {
		return
	}
	detail := "evenkeel changed unit files or links"
	if len(d.loaders) > 0 {
		detail = strings.Join(d.loaders[:min(3, len(d.loaders))], "; ")
	}
	w := wish{
		reason: state.DaemonReloadNeeded, detail: detail, effect: actuators.Benign, action: reloadAction(),
		rests: d.loadedRefs(), needs: d.links,
	}
	holds := d.global
	if h, ok := d.failing(d.hostObject(), w); ok {
		holds = append(holds[:len(holds):len(holds)], h)
	}
	for _, h := range holds {
		d.hold(d.hostObject(), w, h)
	}
	if len(holds) == 0 {
		d.reloads = d.step(d.hostObject(), w)
	}
}

// loadedRefs are what a daemon-reload rests on: the host, and the units that
// might be linked first, or of which systemd itself says that they need it. The
// others are read when systemd has loaded them.
func (d *draft) loadedRefs() []state.Ref {
	refs := []state.Ref{hostRef}
	for i := range d.order {
		sv := &d.order[i]
		for _, u := range sv.Units {
			f := d.have.Units[u]
			if sv.reload && f.Known() && (sv.Spec.Boot != "ignored" || f.Value.NeedReload) {
				refs = append(refs, unitRef(u))
			}
		}
	}
	return refs
}

func reloadAction() actuators.Action {
	return actuators.Action{Actuator: "systemd", Verb: "daemon-reload"}
}

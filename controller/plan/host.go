package plan

import (
	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// host collects what holds every Step of this host.
func (d *draft) host() {
	add := func(r state.Reason, detail string) { d.global = append(d.global, hold{r, detail, nil}) }
	if d.past.Distrust != "" {
		add(state.StoreUntrusted, d.past.Distrust)
	}
	h := d.have.Host.Value
	if !d.good(d.hostObject(), hostRef, d.have.Host.At, d.have.Host.Err) {
		add(state.Unobserved, "the host itself could not be observed")
		return
	}
	if unit, after := d.wentDown(); unit != "" {
		// A shutdown stops units, too: it must not be taken for a human's stop of
		// each, nor for something to be mended.
		d.unsettled = true
		d.gaps = append(d.gaps, state.Gap{Object: d.hostObject(), Source: hostRef, Detail: "last looked at before " + unit + " was stopped", After: after})
		add(state.Unobserved, unit+" was stopped; whether the host is shutting down is being looked at")
		return
	}
	if h.Stopped {
		add(state.KillSwitch, "/run/evenkeel/stop exists; remove it to let evenkeel act")
	}
	switch {
	case h.System == "stopping":
		add(state.HostStopping, "the host is shutting down")
	case (h.System == "starting" || h.System == "initializing") && h.Jobs > 0:
		add(state.HostStarting, "systemd is still starting the host")
	}
}

// wentDown names a unit that was stopped, or is to be, since the host was last
// looked at, and when the host must be looked at to know whether it stops.
func (d *draft) wentDown() (unit string, after state.Time) {
	looked := d.have.Host.At
	for i := range d.want.Services {
		for _, name := range d.want.Services[i].Units {
			f := d.have.Units[name]
			if !f.Known() || f.At.Boot != looked.Boot {
				continue
			}
			after := f.At
			if f.Value.Active == "inactive" && f.Value.Job.ID == 0 {
				after.Up = min(after.Up, f.Value.Exited)
			} else if f.Value.Job.Type != "stop" {
				continue
			}
			if looked.Up < after.Up {
				return name, after
			}
		}
	}
	return "", state.Time{}
}

// packages holds what disturbs a service while a package manager is at work, and
// a while longer: what it replaces is whole only at its end, and it restarts
// services of its own accord. A human who asks for a restart need only wait for
// its end.
func (d *draft) packages(w wish) (hold, bool) {
	h := d.have.Host
	switch {
	case w.effect != actuators.Disruptive || w.human || !h.Known():
		return hold{}, false
	case h.Value.Packages:
		return hold{state.PackageManager, "a package manager holds its lock", nil}, true
	case h.Value.PackagesUntil > d.now.Up && w.ask == nil:
		return hold{state.PackageManager, "a package manager was at work just now", d.at(h.Value.PackagesUntil - d.now.Up)}, true
	}
	return hold{}, false
}

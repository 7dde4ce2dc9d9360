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

// packages holds what disturbs a service while a package manager is at work, and
// a while longer: what it replaces is whole only at its end, and it restarts
// services of its own accord.
func (d *draft) packages(w wish) (hold, bool) {
	h := d.have.Host
	switch {
	case w.effect != actuators.Disruptive || !h.Known():
		return hold{}, false
	case h.Value.Packages:
		return hold{state.PackageManager, "a package manager holds its lock", nil}, true
	case h.Value.PackagesUntil > d.now.Up:
		return hold{state.PackageManager, "a package manager was at work just now", d.at(h.Value.PackagesUntil - d.now.Up)}, true
	}
	return hold{}, false
}

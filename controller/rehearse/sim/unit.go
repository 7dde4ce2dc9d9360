package sim

import (
	"slices"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// unit is a unit that systemd has loaded.
type unit struct {
	files // as they were loaded

	active, sub, result string
	restarts            uint32
	flush               bool // the next start begins to count restarts anew
	condition           bool
	unmet               []string // conditions, as the unit file has them
	conditionAt         time.Time
	invocation          string
	changed             time.Duration
	entered, exited     time.Duration
	rested              time.Duration
	changedAt           time.Time
	starts              []time.Duration // lately, for the start limit

	job     *job
	forbid  bool // a job stops it: no Restart=
	control bool // a control command runs: ExecStartPre, ExecStop
	process process
	life    int // counts changes of state: what was due in an earlier one is void
}

// process is the main process of a unit.
type process struct {
	pid     uint32
	n       int // counts processes: the end of an earlier one is void
	program Program
	exe     string
	node    *node // what lay at exe when it was started
}

func newUnit(f files) *unit {
	return &unit{files: f, active: "inactive", sub: "dead", result: "success", flush: true}
}

func (u *unit) up() bool   { return u.active == "active" || u.active == "reloading" }
func (u *unit) down() bool { return u.active == "inactive" || u.active == "failed" }

// loadedUnit finds a unit by any of its names, as systemd has it in memory, and
// else as it would load it now. That one is forgotten again at once.
func (h *Host) loadedUnit(name string) *unit {
	if u := h.units[name]; u != nil {
		return u
	}
	f := h.find(name)
	if u := h.units[f.id]; u != nil {
		return u
	}
	h.list()
	return newUnit(f)
}

// keep has systemd remember a unit, and what it refers to.
func (h *Host) keep(u *unit) {
	if h.units[u.id] == u {
		return
	}
	h.units[u.id] = u
	h.refer(u)
}

// refer loads what a unit refers to: as long as it is loaded, so are they.
func (h *Host) refer(u *unit) {
	names := slices.Concat(u.config.requires, u.config.wants, u.config.after, u.config.conflicts)
	if t := u.triggered(); t != "" {
		names = append(names, t)
	}
	for _, name := range names {
		dep := h.loadedUnit(name)
		if h.held[dep.id] = true; h.units[dep.id] == nil {
			h.keep(dep)
		}
	}
}

// triggered is what a timer, socket or path starts.
func (u *unit) triggered() string {
	for _, suffix := range []string{".timer", ".socket", ".path"} {
		if base, ok := cutSuffix(u.id, suffix); ok {
			if u.config.triggers != "" {
				return u.config.triggers
			}
			return base + ".service"
		}
	}
	return ""
}

func cutSuffix(s, suffix string) (string, bool) {
	if len(s) > len(suffix) && s[len(s)-len(suffix):] == suffix {
		return s[:len(s)-len(suffix)], true
	}
	return s, false
}

// set brings a unit into a state, with all that follows at once.
func (h *Host) set(u *unit, active, sub string) {
	wasUp, wasDown := u.up(), u.down()
	u.active, u.sub = active, sub
	u.life++
	u.changed, u.changedAt = h.clock.up, h.clock.wallNow()
	switch {
	case !wasUp && u.up():
		u.entered = h.clock.up
	case wasUp && !u.up():
		u.exited = h.clock.up
	}
	if !wasDown && u.down() {
		u.rested = h.clock.up
	}
	h.touch(state.Ref{Kind: state.RefUnit, Name: u.id})
	if active == "failed" || wasDown != u.down() {
		h.touch(state.Ref{Kind: state.RefHost})
	}
	h.progress(u)
}

// later has something happen unless the unit's state changes before.
func (h *Host) later(u *unit, d time.Duration, do func()) {
	if d < 0 {
		return
	}
	life := u.life
	h.clock.after(d, func() {
		if u.life == life {
			do()
		}
	})
}

// forget lets systemd drop a unit that is at rest and that nothing refers to.
func (h *Host) forget(u *unit) {
	if u.active == "inactive" && u.job == nil && !h.held[u.id] {
		delete(h.units, u.id)
	}
}

// reload is a daemon-reload: files are read again, what runs goes on.
func (h *Host) reload() {
	h.loaded = h.clock.wallNow()
	h.list()
	h.held = map[string]bool{}
	for _, dir := range searchPath {
		for _, folder := range h.fs.names(dir) {
			if !wants(folder) {
				continue
			}
			for _, name := range h.fs.names(dir + "/" + folder) {
				h.held[name] = true
			}
		}
	}
	for _, u := range h.units {
		u.files = h.find(u.id)
	}
	for name := range h.held {
		u := h.loadedUnit(name)
		h.held[u.id] = true
		h.keep(u)
	}
	for _, u := range h.units {
		h.refer(u)
	}
	for _, u := range h.units {
		h.forget(u)
		h.touch(state.Ref{Kind: state.RefUnit, Name: u.id})
	}
	h.touch(state.Ref{Kind: state.RefHost})
}

// wants tells the folders whose links make units be loaded.
func wants(folder string) bool {
	for _, suffix := range []string{".wants", ".requires", ".upholds"} {
		if _, ok := cutSuffix(folder, suffix); ok {
			return true
		}
	}
	return false
}

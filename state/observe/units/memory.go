package units

import (
	"context"
	"maps"
	"slices"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
)

// memory is what earlier readings of units are good for: to know what may be
// asked in the first round trip, and to leave out what cannot have changed.
type memory struct {
	units   map[string]remembered // by the name that was asked for
	kept    map[string]int        // by how many calls of KeepLoaded
	touched map[string]bool       // primary names about which a signal has come since
	watched bool                  // signals come
}

// remembered is the last whole reading of a unit.
type remembered struct {
	unit  state.Unit
	stamp uint64 // when systemd had loaded its units, before that reading
	kept  bool   // systemd has not forgotten it since
}

func newMemory() memory {
	return memory{units: map[string]remembered{}, kept: map[string]int{}, touched: map[string]bool{}}
}

// loaded tells a unit that systemd has in memory, so that single properties
// are cheap to ask for. If it has forgotten the unit meanwhile, they are dear,
// and just as true.
func (m memory) loaded(name string) bool {
	r, ok := m.units[name]
	return m.kept[name] > 0 || ok && r.unit.Active != "inactive"
}

// steady tells a unit whose last reading a few properties may confirm. An idle
// one counts only while it is kept loaded: systemd may have forgotten any other, and
// read its files again.
func (m memory) steady(name string) bool {
	r, ok := m.units[name]
	switch {
	case !ok || r.stamp == 0:
		return false
	case r.unit.Active == "inactive":
		return r.kept && m.kept[name] > 0
	}
	return r.unit.Changed > 0 && (r.unit.Active == "active" || r.unit.Active == "failed")
}

// calm tells a unit that has very likely not changed.
func (m memory) calm(name string) bool {
	return m.watched && !m.touched[m.units[name].unit.ID]
}

// confirms tells whether the properties of a unit are what they were: systemd
// dates every change of a unit's state, and reads its files only in a
// daemon-reload.
func (r remembered) confirms(is state.Unit, stamp uint64) bool {
	was := r.unit
	return r.stamp == stamp && was.ID == is.ID && was.Load == is.Load && was.Active == is.Active && was.Sub == is.Sub &&
		was.Job == is.Job && was.Changed == is.Changed
}

// again is the last reading with what may have changed since: rechecks.
func (r remembered) again(is state.Unit) state.Unit {
	u := r.unit
	u.NeedReload, u.DropIns, u.MainPID = is.NeedReload, is.DropIns, is.MainPID
	if u.Active != "active" {
		u.Condition, u.ConditionAt = is.Condition, is.ConditionAt
	}
	return u
}

// KeepLoaded keeps systemd from forgetting idle units until let is called, and so
// from reading their files at each question. It changes nothing else.
func (o *Observer) KeepLoaded(ctx context.Context, names []string) (let func()) {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return badName(n) != "" })
	if fresh := o.count(names, 1); len(fresh) > 0 {
		o.bus.Ref(ctx, fresh)
	}
	return func() {
		if last := o.count(names, -1); len(last) > 0 {
			o.bus.Unref(context.WithoutCancel(ctx), last)
		}
	}
}

// count adds to the calls of KeepLoaded for units, and returns those that are
// kept since, or no longer.
func (o *Observer) count(names []string, by int) (changed []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range names {
		was := o.memory.kept[n]
		if was == 0 || was+by == 0 {
			changed = append(changed, n)
		}
		if o.memory.kept[n] = was + by; was+by == 0 {
			delete(o.memory.kept, n)
			o.memory.loosen(n)
		}
	}
	return changed
}

// loosen notes that systemd may have forgotten a unit.
func (m memory) loosen(name string) {
	if r, ok := m.units[name]; ok {
		r.kept = false
		m.units[name] = r
	}
}

// lost notes that a connection may have ended, and what it kept loaded with it.
func (o *Observer) lost() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for n := range o.memory.units {
		o.memory.loosen(n)
	}
}

// recall copies what is remembered of units that are about to be read.
func (o *Observer) recall(names []string) memory {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := memory{units: make(map[string]remembered, len(names)), kept: maps.Clone(o.memory.kept), touched: make(map[string]bool), watched: o.memory.watched}
	for _, n := range names {
		r, ok := o.memory.units[n]
		if !ok {
			continue
		}
		m.units[n] = r
		if id := r.unit.ID; o.memory.touched[id] {
			m.touched[id] = true
			delete(o.memory.touched, id) // this reading begins after that signal
		}
	}
	return m
}

// remember keeps whole readings, and which units were kept loaded before them. A lean
// one is good for nothing later.
func (o *Observer) remember(units []reading, stamp uint64, kept map[string]int) {
	if o.opts.Lean {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range units {
		r := &units[i]
		if r.err != nil || r.unit.Load == "not-found" {
			delete(o.memory.units, r.name)
			continue
		}
		o.memory.units[r.name] = remembered{unit: r.unit, stamp: stamp, kept: kept[r.name] > 0}
	}
}

// stampProp changes with every daemon-reload.
func stampProp() bus.Property { return managerProp("UnitsLoadTimestampMonotonic") }

package units

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
)

// reading is a unit while it is read.
type reading struct {
	name  string // that was asked for
	path  string // of systemd's object
	unit  state.Unit
	err   error
	asked asked // in the first round
	done  bool  // nothing is left to ask
}

// asked is what of a unit was asked for before its state was known.
type asked int

const (
	nothing asked = iota
	recheck       // what confirms the last reading
	whole         // everything
)

// few is the number of units up to which all of each is asked for at once:
// whoever reads one unit waits for it, and one round trip is sooner than two.
const few = 4

// read reads the units of valid names and gives each to put. Whatever can be
// asked before the states are known is asked together with them.
func (o *Observer) read(ctx context.Context, names []string, put func(string, state.Unit, error)) {
	units := make([]reading, len(names))
	for i, n := range names {
		units[i].name = n
	}
	err := o.readAll(ctx, names, units)
	for i := range units {
		r := &units[i]
		if err != nil {
			put(r.name, state.Unit{}, err)
			continue
		}
		if r.err == nil {
			o.process(&r.unit)
		}
		put(r.name, r.unit, r.err)
	}
}

func (o *Observer) readAll(ctx context.Context, names []string, units []reading) error {
	fresh, err := o.freshness(ctx, len(names))
	if err != nil {
		return err
	}
	known := o.recall(names)
	var stamp uint64
	if err := o.first(ctx, names, units, known, fresh, &stamp); err != nil {
		return err
	}
	if err := o.second(ctx, units, known, fresh); err != nil {
		return err
	}
	o.remember(units, stamp, known.kept)
	return nil
}

// first asks for the states of all units, and of those that are remembered for
// what is worth it.
func (o *Observer) first(ctx context.Context, names []string, units []reading, known memory, fresh freshness, stamp *uint64) error {
	var b batch
	if !o.opts.Lean {
		b.add(stampProp(), func(a bus.Reply) { *stamp, _ = a.Value.(uint64) })
	}
	for i := range units {
		r := &units[i]
		switch {
		case known.steady(r.name) && (len(units) > few || known.calm(r.name)):
			r.asked = recheck
			b.unit(r, bus.UnitPath(r.name), rechecks(known.units[r.name].unit, fresh))
		case len(units) <= few && known.loaded(r.name):
			r.asked = whole
			b.unit(r, bus.UnitPath(r.name), properties(r.name))
		}
	}
	listed, replies, err := o.bus.Look(ctx, names, b.props)
	if err == nil && len(listed) != len(names) {
		err = fmt.Errorf("systemd told of %d units of %d", len(listed), len(names))
	}
	if err != nil {
		return o.one(ctx, units, err)
	}
	for i := range units {
		units[i].listed(listed[i])
	}
	o.learn(units)
	b.settle(replies)
	for i := range units {
		units[i].judge(known, *stamp)
	}
	return nil
}

// one asks for the state of each unit alone where systemd refused all of them
// together, so that one name cannot hide the others.
func (o *Observer) one(ctx context.Context, units []reading, err error) error {
	if len(units) == 1 || wayLost(err) {
		return err
	}
	for i := range units {
		r := &units[i]
		listed, _, err := o.bus.Look(ctx, []string{r.name}, nil)
		switch {
		case err != nil && wayLost(err):
			return err
		case err != nil:
			r.err, r.done = err, true
		case len(listed) != 1:
			r.err, r.done = errors.New("systemd does not take it for a unit's name"), true
		default:
			r.listed(listed[0])
		}
	}
	o.learn(units)
	return nil
}

// wayLost tells an error that concerns the connection and not a name.
func wayLost(err error) bool {
	return errors.Is(err, bus.ErrNoServer) || errors.Is(err, bus.ErrDisconnected) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// listed takes what one call tells of every unit.
func (r *reading) listed(s bus.UnitStatus) {
	r.path = s.Path
	r.unit = state.Unit{
		ID: s.Name, Load: s.Load, Active: s.Active, Sub: s.Sub,
		Job: state.Job{ID: s.JobID, Type: s.JobType},
	}
}

// bare forgets all but the states.
func (r *reading) bare() {
	u := r.unit
	r.unit, r.err = state.Unit{ID: u.ID, Load: u.Load, Active: u.Active, Sub: u.Sub, Job: u.Job}, nil
}

// judge tells whether the first round was enough.
func (r *reading) judge(known memory, stamp uint64) {
	last := known.units[r.name]
	switch {
	case r.unit.Active == "inactive" && r.unit.Job.ID == 0 && (r.unit.Load == "not-found" || r.unit.Load == "masked"):
		r.bare()
		r.done = true // there is nothing to tell of it
	case r.asked == whole:
		r.done = true
	case r.asked == recheck && r.err == nil && last.confirms(r.unit, stamp):
		r.unit, r.done = last.again(r.unit), true
	default:
		r.bare()
	}
}

// second asks for the rest, of each unit once.
func (o *Observer) second(ctx context.Context, units []reading, known memory, fresh freshness) error {
	var b batch
	first := make(map[string]*reading)
	for i := range units {
		r := &units[i]
		if r.done || first[r.unit.ID] != nil {
			continue
		}
		first[r.unit.ID] = r
		b.unit(r, r.path, o.wants(&r.unit, fresh, known.loaded(r.name)))
	}
	replies, err := o.bus.Get(ctx, b.props)
	if err != nil {
		return err
	}
	b.settle(replies)
	for i := range units {
		if r := &units[i]; !r.done {
			r.unit, r.err = first[r.unit.ID].unit, first[r.unit.ID].err
		}
	}
	return nil
}

// batch gathers properties, and where their values go.
type batch struct {
	props []bus.Property
	sets  []func(bus.Reply)
}

func (b *batch) add(p bus.Property, set func(bus.Reply)) {
	b.props, b.sets = append(b.props, p), append(b.sets, set)
}

func (b *batch) unit(r *reading, path string, props []prop) {
	for _, p := range props {
		b.add(bus.Property{Path: path, Interface: p.iface, Name: p.name}, func(a bus.Reply) {
			if a.Err != nil {
				r.err = cmp.Or(r.err, a.Err)
				return
			}
			p.set(&r.unit, a.Value)
		})
	}
}

func (b *batch) settle(replies []bus.Reply) {
	for i, a := range replies {
		b.sets[i](a)
	}
}

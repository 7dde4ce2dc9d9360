package bus

import (
	"context"

	"github.com/godbus/dbus/v5"
)

// The match rules of a subscription.
const (
	matchManager = "type='signal',sender='" + destination + "',path='" + managerPath + "',interface='" + managerIface + "'"
	matchUnits   = "type='signal',sender='" + destination + "',path_namespace='/org/freedesktop/systemd1/unit',interface='" + propsIface + "',member='PropertiesChanged'"
	matchOwner   = "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" + destination + "'"
)

// hearManager makes sure that the Manager's own signals come: JobNew and
// JobRemoved of jobs that we queue are sent to us without a subscription, but
// the message bus delivers them only where there is a rule.
func (l *link) hearManager(ctx context.Context) error {
	l.hearing.Lock()
	defer l.hearing.Unlock()
	return l.hear(ctx)
}

func (l *link) hear(ctx context.Context) error {
	if l.hears || l.via == viaPrivate { // there everything comes unasked
		return nil
	}
	for _, rule := range []string{matchOwner, matchManager} {
		if err := l.match(ctx, rule); err != nil {
			return err
		}
	}
	l.hears = true
	return nil
}

func (l *link) match(ctx context.Context, rule string) error {
	return l.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.AddMatch", 0, rule).Err
}

// subscribe asks for all signals about units, once.
func (l *link) subscribe(ctx context.Context) error {
	if l.via == viaPrivate {
		return nil
	}
	l.hearing.Lock()
	defer l.hearing.Unlock()
	if l.subscribed {
		return nil
	}
	if err := l.hear(ctx); err != nil {
		return err
	}
	if err := l.match(ctx, matchUnits); err != nil {
		return err
	}
	err := l.callRaw(ctx, "Subscribe", nil)
	l.subscribed = err == nil
	return err
}

// look is the first to see each message: it takes the answers to readings and
// the signals about units and jobs, and leaves the rest to godbus.
func (l *link) look(m *message) bool {
	if m.kind != typeSignal {
		return l.reads.look(m)
	}
	if !l.fromSystemd(m) {
		return string(m.sender) != "org.freedesktop.DBus"
	}
	switch string(m.iface) {
	case propsIface:
		if string(m.member) == "PropertiesChanged" {
			if name, ok := UnitName(string(m.path)); ok {
				l.owner.touched(name)
			}
		}
		return true
	case managerIface:
		return l.manager(m)
	}
	return false
}

// fromSystemd tells the genuine signals. A match rule is no guard: anybody on
// the message bus may address a signal to us. The bus vouches for the sender.
func (l *link) fromSystemd(m *message) bool {
	if l.via == viaPrivate {
		return true
	}
	owner := l.systemd.Load()
	return owner != nil && *owner == string(m.sender)
}

func (l *link) manager(m *message) bool {
	switch string(m.member) {
	case "JobNew": // id, job, unit
		m.body.uint32()
		path, unit := string(m.body.string()), string(m.body.string())
		l.jobs.onNew(path)
		l.owner.touched(unit)
	case "JobRemoved": // id, job, unit, result
		m.body.uint32()
		path, unit, result := string(m.body.string()), string(m.body.string()), string(m.body.string())
		l.jobs.onRemoved(path, result)
		l.owner.touched(unit)
	case "Reloading": // active: true before, false after
		if m.body.uint32() == 0 {
			l.owner.allTouched()
		}
	case "UnitFilesChanged":
		l.owner.allTouched()
	}
	// UnitNew and UnitRemoved are left out on purpose: looking at a unit that
	// is not loaded makes both, so that each look would cause another.
	return true
}

// DeliverSignal gets what look left: the message bus' own signals.
func (l *link) DeliverSignal(iface, member string, s *dbus.Signal) {
	if iface != "org.freedesktop.DBus" || member != "NameOwnerChanged" || len(s.Body) != 3 || s.Body[0] != destination {
		return
	}
	owner, _ := s.Body[2].(string)
	l.systemd.Store(&owner)
	if owner != "" {
		l.owner.background(func(ctx context.Context) { l.returned(ctx) })
	}
	l.owner.allTouched()
}

// returned makes up for what may have been lost while systemd was not on the
// message bus.
func (l *link) returned(ctx context.Context) {
	l.hearing.Lock()
	again := l.subscribed
	l.hearing.Unlock()
	if again {
		// Usually it has kept our subscription and refuses a second one.
		_ = l.callRaw(ctx, "Subscribe", nil)
	}
	l.recount(ctx)
	l.owner.allTouched()
}

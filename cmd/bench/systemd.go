package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	systemBus   = "unix:path=/run/dbus/system_bus_socket"
	destination = "org.freedesktop.systemd1"
	managerPath = "/org/freedesktop/systemd1"
	managerName = destination + ".Manager"
	getProperty = "org.freedesktop.DBus.Properties.Get"
)

// systemd is a bare connection to the host's systemd, by the system bus: what
// the limits are made of, and how the bench looks at the host.
type systemd struct {
	conn    *dbus.Conn
	manager dbus.BusObject
	signals chan *dbus.Signal
}

// connect reaches systemd and asks for its Manager's signals.
func connect(matches ...dbus.MatchOption) (*systemd, error) {
	conn, err := dbus.Connect(systemBus)
	if err != nil {
		return nil, err
	}
	s := &systemd{conn: conn, manager: conn.Object(destination, managerPath), signals: make(chan *dbus.Signal, 1<<16)}
	conn.Signal(s.signals)
	if len(matches) == 0 {
		matches = []dbus.MatchOption{dbus.WithMatchInterface(managerName)}
	}
	if err := conn.AddMatchSignal(matches...); err != nil {
		return nil, err
	}
	return s, s.manager.Call(managerName+".Subscribe", 0).Err
}

func (s *systemd) close() { _ = s.conn.Close() }

func (s *systemd) reload() error { return s.manager.Call(managerName+".Reload", 0).Err }

// all queues one job for each unit, at once, and waits until all are gone. Each
// queued job costs systemd a match rule of the 512 that the bus allows it: many
// units go in parts.
func (s *systemd) all(method string, units []string) error {
	for part := range slices.Chunk(units, 100) {
		if err := s.part(method, part); err != nil {
			return err
		}
	}
	return nil
}

func (s *systemd) part(method string, units []string) error {
	s.forget()
	calls := make(chan *dbus.Call, len(units))
	const window = 64 // the bus refuses more unanswered calls than 128
	waits := make(map[dbus.ObjectPath]bool, len(units))
	for sent, answered := 0, 0; answered < len(units); {
		if sent < len(units) && sent-answered < window {
			s.manager.Go(managerName+"."+method, 0, calls, units[sent], "replace")
			sent++
			continue
		}
		c := <-calls
		if c.Err != nil {
			return fmt.Errorf("%s: %w", method, c.Err)
		}
		waits[c.Body[0].(dbus.ObjectPath)] = true
		answered++
	}
	timeout := time.After(2 * time.Minute)
	for len(waits) > 0 {
		select {
		case sig := <-s.signals:
			if sig.Name == managerName+".JobRemoved" {
				delete(waits, sig.Body[1].(dbus.ObjectPath))
			}
		case <-timeout:
			return fmt.Errorf("%s: %d of %d jobs did not end", method, len(waits), len(units))
		}
	}
	return nil
}

// forget drops the signals that have come so far.
func (s *systemd) forget() {
	for {
		select {
		case <-s.signals:
		default:
			return
		}
	}
}

// reloaded waits until systemd has read its units again, and says when.
func (s *systemd) reloaded(timeout time.Duration) (time.Time, error) {
	late := time.After(timeout)
	for {
		select {
		case sig := <-s.signals:
			if sig.Name == managerName+".Reloading" && sig.Body[0] == false {
				return time.Now(), nil
			}
		case <-late:
			return time.Time{}, fmt.Errorf("no daemon-reload within %s", timeout)
		}
	}
}

// reloads counts the daemon-reloads that were begun since forget.
func (s *systemd) reloads() (n int) {
	for {
		select {
		case sig := <-s.signals:
			if sig.Name == managerName+".Reloading" && sig.Body[0] == true {
				n++
			}
		default:
			return n
		}
	}
}

// property reads one property of a unit.
func (s *systemd) property(unit, iface, name string) (any, error) {
	var path dbus.ObjectPath
	if err := s.manager.Call(managerName+".LoadUnit", 0, unit).Store(&path); err != nil {
		return nil, err
	}
	var v dbus.Variant
	err := s.conn.Object(destination, path).Call(getProperty, 0, destination+"."+iface, name).Store(&v)
	return v.Value(), err
}

// mainPID is a service's main process; 0 where there is none.
func (s *systemd) mainPID(unit string) (int, error) {
	v, err := s.property(unit, "Service", "MainPID")
	pid, _ := v.(uint32)
	return int(pid), err
}

// active waits until a unit is active.
func (s *systemd) active(unit string, timeout time.Duration) error {
	for until := time.Now().Add(timeout); time.Now().Before(until); time.Sleep(2 * time.Millisecond) {
		v, err := s.property(unit, "Unit", "ActiveState")
		if err != nil {
			return err
		}
		if v == "active" {
			return nil
		}
	}
	return fmt.Errorf("%s is not active after %s", unit, timeout)
}

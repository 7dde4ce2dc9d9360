package systemd

import "context"

// Manager is what the actuator needs of a connection to systemd. Errors should
// offer BusName() string, the D-Bus error name; a job whose fate is unknown
// because the connection died is org.freedesktop.DBus.Error.Disconnected, and
// no connection at all org.freedesktop.DBus.Error.NoServer.
type Manager interface {
	// Unit reads the state of a unit now. A unit that does not exist is no
	// error: its Load is "not-found".
	Unit(ctx context.Context, unit string) (load, active, sub string, job uint32, jobType string, err error)

	// Unmet lists the conditions (Condition=) for which systemd passed over the
	// last start of a unit, as unit files have them; none where it was started.
	Unmet(ctx context.Context, unit string) ([]string, error)

	// These queue a job in mode "fail" and return systemd's word for how it
	// ended: done, failed, timeout, canceled, dependency, skipped, …
	StartUnit(ctx context.Context, unit string) (result string, err error)
	StopUnit(ctx context.Context, unit string) (result string, err error)
	RestartUnit(ctx context.Context, unit string) (result string, err error)
	ReloadUnit(ctx context.Context, unit string) (result string, err error)

	// These return how many links were made or removed. Enable also tells
	// whether the unit has an [Install] section.
	Enable(ctx context.Context, unit string) (install bool, changed int, err error)
	Disable(ctx context.Context, unit string) (changed int, err error)
	Mask(ctx context.Context, unit string) (changed int, err error)
	Unmask(ctx context.Context, unit string) (changed int, err error)

	Reload(ctx context.Context) error
	ResetFailedUnit(ctx context.Context, unit string) error
}

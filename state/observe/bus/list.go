package bus

import (
	"context"

	"github.com/godbus/dbus/v5"
)

// LoadedUnit is a unit that systemd has in memory: it runs, has run and failed,
// or something that runs refers to it.
type LoadedUnit struct {
	Name        string // the primary name
	Description string
	Load        string // loaded, not-found, bad-setting, error, masked
	Active      string
	Sub         string
}

// ListUnits lists every unit that systemd has loaded. Like the answer to
// `systemctl list-units --all`, it is in no order.
func (c *Conn) ListUnits(ctx context.Context) ([]LoadedUnit, error) {
	var rows []struct {
		Name, Description, Load, Active, Sub, Following string

		Path    dbus.ObjectPath
		JobID   uint32
		JobType string
		JobPath dbus.ObjectPath
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	if err := c.attempt(ctx, "ListUnits", nil, &rows); err != nil {
		return nil, err
	}
	units := make([]LoadedUnit, len(rows))
	for i, r := range rows {
		units[i] = LoadedUnit{Name: r.Name, Description: r.Description, Load: r.Load, Active: r.Active, Sub: r.Sub}
	}
	return units, nil
}

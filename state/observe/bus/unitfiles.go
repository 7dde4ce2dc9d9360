package bus

import "context"

// change is one link that an operation on unit files made or removed.
type change struct {
	Type        string // symlink, unlink
	File        string
	Destination string
}

// Enable makes the links that the unit's [Install] section asks for. It tells
// whether there is such a section, and how many links are new. Files that are
// there are never replaced.
func (c *Conn) Enable(ctx context.Context, unit string) (install bool, changed int, err error) {
	var changes []change
	err = c.effect(ctx, "EnableUnitFiles", []any{[]string{unit}, false, false}, &install, &changes)
	return install, len(changes), err
}

// Disable removes the links to the unit, and tells how many there were.
func (c *Conn) Disable(ctx context.Context, unit string) (changed int, err error) {
	return c.links(ctx, "DisableUnitFiles", []string{unit}, false)
}

// Mask links the unit to /dev/null. A file in the place of the link is never
// replaced: the error is then org.freedesktop.systemd1.UnitExists.
func (c *Conn) Mask(ctx context.Context, unit string) (changed int, err error) {
	return c.links(ctx, "MaskUnitFiles", []string{unit}, false, false)
}

// Unmask removes the unit's link to /dev/null.
func (c *Conn) Unmask(ctx context.Context, unit string) (changed int, err error) {
	return c.links(ctx, "UnmaskUnitFiles", []string{unit}, false)
}

func (c *Conn) links(ctx context.Context, method string, args ...any) (int, error) {
	var changes []change
	err := c.effect(ctx, method, args, &changes)
	return len(changes), err
}

// Reload is the daemon-reload. It returns when systemd has read everything
// again; PID 1 answers nobody meanwhile.
func (c *Conn) Reload(ctx context.Context) error {
	return c.effect(ctx, "Reload", nil)
}

// ResetFailedUnit clears a unit's failed state and its start counter.
func (c *Conn) ResetFailedUnit(ctx context.Context, unit string) error {
	return c.effect(ctx, "ResetFailedUnit", []any{unit})
}

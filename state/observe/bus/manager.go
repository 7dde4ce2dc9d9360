package bus

import "context"

// UnitStatus is what one call tells of a unit, whether or not it exists.
type UnitStatus struct {
	Name        string // the primary name, whatever name was asked for
	Description string
	Load        string
	Active      string
	Sub         string
	Following   string
	Path        string
	JobID       uint32 // 0: no job is queued
	JobType     string
	JobPath     string
}

// ListUnitsByNames reads the states of all named units in one call, in the
// order of the names. systemd leaves out what is no unit name at all and fails
// as a whole on a template without instance: ask for valid names only.
func (c *Conn) ListUnitsByNames(ctx context.Context, names []string) ([]UnitStatus, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var out []UnitStatus
	err := c.call(ctx, "ListUnitsByNames", []any{names}, &out)
	return out, err
}

// Unit reads the state of one unit now, for somebody who is about to act: it
// waits as long as an act would, through daemon-reloads of others. A unit that
// does not exist is no error: its load state is "not-found".
func (c *Conn) Unit(ctx context.Context, unit string) (load, active, sub string, job uint32, jobType string, err error) {
	var all []UnitStatus
	err = c.effect(ctx, "ListUnitsByNames", []any{[]string{unit}}, &all)
	if err == nil && len(all) != 1 {
		err = &Error{Name: "org.freedesktop.DBus.Error.InvalidArgs", Text: unit + " is not a unit name"}
	}
	if err != nil {
		return "", "", "", 0, "", err
	}
	return all[0].Load, all[0].Active, all[0].Sub, all[0].JobID, all[0].JobType, nil
}

// Get reads properties, many in flight at a time. The error is that of the
// whole (no connection, no answer for as long as Options.Timeout); that of one
// property is in its Reply.
func (c *Conn) Get(ctx context.Context, props []Property) ([]Reply, error) {
	var replies []Reply
	read := func(l *link) (err error) {
		replies, err = l.reads.get(ctx, l.wire, props, c.opts.Timeout)
		return err
	}
	err := c.with(ctx, read)
	if unanswered(err) {
		err = c.with(ctx, read)
	}
	return replies, err
}

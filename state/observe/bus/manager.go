package bus

import (
	"context"
	"time"
)

// UnitStatus is what one call tells of a unit, whether or not it exists.
type UnitStatus struct {
	Name    string // the primary name, whatever name was asked for
	Load    string
	Active  string
	Sub     string
	Path    string
	JobID   uint32 // 0: no job is queued
	JobType string
}

// Look reads the states of all named units, and properties, in one round trip:
// first the states, in the order of the names, then the properties. systemd
// leaves out what is no unit name at all and fails as a whole on a template
// without instance: ask for valid names only.
//
// The error is that of the states, or of the whole (no connection, no answer for
// as long as Options.Timeout); that of one property is in its Reply.
func (c *Conn) Look(ctx context.Context, names []string, props []Property) ([]UnitStatus, []Reply, error) {
	questions := make([]question, 0, len(props)+1)
	if len(names) > 0 {
		questions = append(questions, listing(names))
	}
	for _, p := range props {
		questions = append(questions, p.question())
	}
	replies, err := c.ask(ctx, questions)
	if unanswered(err) {
		replies, err = c.ask(ctx, questions)
	}
	if err != nil || len(names) == 0 {
		return nil, replies, err
	}
	if err := replies[0].Err; err != nil {
		return nil, nil, err
	}
	status, _ := replies[0].Value.([]UnitStatus)
	return status, replies[1:], nil
}

// Get is Look without states.
func (c *Conn) Get(ctx context.Context, props []Property) ([]Reply, error) {
	_, replies, err := c.Look(ctx, nil, props)
	return replies, err
}

func listing(names []string) question {
	return question{path: managerPath, iface: managerIface, member: "ListUnitsByNames", names: names}
}

func (c *Conn) ask(ctx context.Context, questions []question) (replies []Reply, err error) {
	err = c.with(ctx, func(l *link) (err error) {
		replies, err = l.reads.ask(ctx, l.wire, questions, c.opts.Timeout)
		return err
	})
	return replies, err
}

// Unit reads the state of one unit now, for somebody who is about to act: it
// waits as long as an act would, through daemon-reloads of others. A unit that
// does not exist is no error: its load state is "not-found".
func (c *Conn) Unit(ctx context.Context, unit string) (load, active, sub string, job uint32, jobType string, err error) {
	ctx, cancel := c.patience(ctx)
	defer cancel()
	var all []UnitStatus
	err = c.with(ctx, func(l *link) error {
		replies, err := l.reads.ask(ctx, l.wire, []question{listing([]string{unit})}, time.Hour)
		if err == nil {
			all, _ = replies[0].Value.([]UnitStatus)
			err = replies[0].Err
		}
		return err
	})
	if err == nil && len(all) != 1 {
		err = &Error{Name: "org.freedesktop.DBus.Error.InvalidArgs", Text: unit + " is not a unit name"}
	}
	if err != nil {
		return "", "", "", 0, "", err
	}
	return all[0].Load, all[0].Active, all[0].Sub, all[0].JobID, all[0].JobType, nil
}

// Ref keeps units loaded until Unref or the end of the connection: systemd
// forgets a unit that is idle and that nothing refers to as soon as it has
// answered, and reads its files again for the next question. What cannot be kept
// (there is no such unit, the way is the private socket) is only slower.
func (c *Conn) Ref(ctx context.Context, units []string) { c.refer(ctx, "RefUnit", units) }

// Unref ends what Ref began.
func (c *Conn) Unref(ctx context.Context, units []string) { c.refer(ctx, "UnrefUnit", units) }

func (c *Conn) refer(ctx context.Context, member string, units []string) {
	l, err := c.link(ctx)
	if err != nil || l.via == viaPrivate {
		return
	}
	questions := make([]question, len(units))
	for i, u := range units {
		questions[i] = question{path: managerPath, iface: managerIface, member: member, first: u}
	}
	_, _ = l.reads.ask(ctx, l.wire, questions, c.opts.Timeout)
}

package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
)

// Name is what actions call this actuator.
const Name = "postgres"

// Actuator ends sessions. It keeps nothing between calls, and is safe for
// concurrent use.
type Actuator struct{ info actuators.Info }

var (
	_ actuators.Actuator  = (*Actuator)(nil)
	_ actuators.Previewer = (*Actuator)(nil)
)

// New returns an Actuator of a version of evenkeel.
func New(version string) *Actuator {
	return &Actuator{actuators.Info{
		Name: Name, Version: version,
		Verbs: []actuators.Verb{{
			Name: "terminate", Effect: actuators.Disruptive, Content: true,
			Args: []string{"state", "over", "application", "user", "max", "declared"},
			Help: "Ends sessions that have been idle, or idle in a transaction, for longer than over (10m), at most max (50) at a time.",
		}},
	}}
}

// Info lists the one verb.
func (a *Actuator) Info(context.Context) (actuators.Info, error) { return a.info, nil }

// Preview counts.
func (a *Actuator) Preview(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	c, seen, err := a.look(ctx, r)
	if err != nil {
		return actuators.Result{}, err
	}
	c.Close()
	return result(seen, seen.idle, "to be ended"), nil
}

// Apply ends what it has seen, and waits until it is gone.
func (a *Actuator) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	c, seen, err := a.look(ctx, r)
	if err != nil {
		return actuators.Result{}, err
	}
	defer c.Close()
	ended, forbidden, err := c.endAll(ctx, seen.idle)
	if err == nil {
		err = c.gone(ctx, ended)
	}
	if err != nil {
		return actuators.Result{}, actuators.Errorf(actuators.KindOf(err), "%s: after %d of %d: %w", r.Action, len(ended), len(seen.idle), err)
	}
	if forbidden > 0 && len(ended) == 0 {
		return actuators.Result{}, actuators.Errorf(actuators.Refused, "%s: the role of the DSN may end none of %d sessions; grant it pg_signal_backend", r.Action, forbidden)
	}
	res := result(seen, ended, "ended")
	if forbidden > 0 {
		res.Detail += fmt.Sprintf("; the role of the DSN may not end %d others", forbidden)
	}
	return res, nil
}

// look connects and finds the sessions. Its errors say that nothing was changed.
func (a *Actuator) look(ctx context.Context, r actuators.Request) (*Conn, view, error) {
	w, err := a.parse(r)
	if err != nil {
		return nil, view{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, view{}, actuators.Errorf(actuators.Timeout, "%s: nothing was done: %w", r.Action, err)
	}
	c, err := Dial(ctx, w.dsn)
	if err == nil {
		var seen view
		if seen, err = c.find(ctx, w); err == nil {
			return c, seen, nil
		}
		c.Close()
	}
	return nil, view{}, actuators.Errorf(actuators.KindOf(err), "%s: nothing was done: %w", r.Action, err)
}

// result says what became, or would become, of sessions.
func result(seen view, of []session, what string) actuators.Result {
	r := actuators.Result{
		Changed: len(of) > 0,
		Detail:  fmt.Sprintf("none of %d sessions is to be ended", seen.all),
		Data:    map[string]string{"sessions": strconv.Itoa(seen.all), "matched": strconv.Itoa(len(seen.idle))},
	}
	if len(of) > 0 {
		var states []string
		for _, state := range idleStates {
			n := 0
			for _, s := range of {
				if s.state == state {
					n++
				}
			}
			if n > 0 {
				states = append(states, fmt.Sprintf("%d %s", n, state))
			}
		}
		r.Detail = fmt.Sprintf("%d of %d sessions %s: %s", len(of), seen.all, what, strings.Join(states, ", "))
	}
	if seen.more {
		r.Detail += fmt.Sprintf("; no more than %d at a time", len(seen.idle))
	}
	if seen.hidden > 0 {
		r.Detail += fmt.Sprintf("; what %d do is hidden from the role of the DSN", seen.hidden)
	}
	if seen.spared > 0 {
		r.Detail += fmt.Sprintf("; %d of superusers were left alone", seen.spared)
	}
	return r
}

package systemd

import (
	"context"
	"fmt"

	"github.com/pakashop/evenkeel/actuators"
)

func (a *Actuator) enable(ctx context.Context, unit string) (actuators.Result, error) {
	install, n, err := a.m.Enable(ctx, unit)
	if err != nil {
		return actuators.Result{}, err
	}
	if !install && n == 0 {
		return actuators.Result{}, actuators.Errorf(actuators.Refused, "the unit has no [Install] section: it cannot be enabled")
	}
	return links(n, nil)
}

// links is the Result of an operation that made or removed n links.
func links(n int, err error) (actuators.Result, error) {
	switch {
	case err != nil:
		return actuators.Result{}, err
	case n == 0:
		return actuators.Result{Detail: "already so"}, nil
	case n == 1:
		return actuators.Result{Changed: true, Detail: "1 link"}, nil
	}
	return actuators.Result{Changed: true, Detail: fmt.Sprintf("%d links", n)}, nil
}

// resetFailed clears the start counter also of a unit that has not failed. A
// unit that is not loaded has nothing to clear.
func (a *Actuator) resetFailed(ctx context.Context, unit string) (actuators.Result, error) {
	s, err := a.look(ctx, unit)
	if err != nil {
		return actuators.Result{}, err
	}
	if s.load == "not-found" && s.active != "failed" {
		return actuators.Result{}, actuators.Errorf(actuators.NotFound, "there is no such unit")
	}
	if err := a.m.ResetFailedUnit(ctx, unit); err != nil {
		if busName(err) == errNoSuchUnit {
			return actuators.Result{Detail: "not loaded: nothing to clear"}, nil
		}
		return actuators.Result{}, err
	}
	return actuators.Result{Changed: s.active == "failed", Detail: "was " + s.String()}, nil
}

package systemd

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// status is a unit as the last look found it.
type status struct {
	load, active, sub string
	job               uint32
	jobType           string
}

func (a *Actuator) look(ctx context.Context, unit string) (s status, err error) {
	s.load, s.active, s.sub, s.job, s.jobType, err = a.m.Unit(ctx, unit)
	return s, err
}

func (s status) up() bool   { return s.active == "active" || s.active == "reloading" }
func (s status) down() bool { return s.active == "inactive" || s.active == "failed" }
func (s status) String() string {
	return s.active + " (" + s.sub + ")"
}

// ready looks at a unit before a job of one type and refuses what cannot go
// well. A job of the same type that is already queued is no conflict: systemd
// joins ours to it.
func (a *Actuator) ready(ctx context.Context, unit, jobType string) (status, error) {
	s, err := a.look(ctx, unit)
	switch {
	case err != nil:
		return s, err
	case s.job != 0 && s.jobType != jobType:
		return s, actuators.Errorf(actuators.Conflict, "a job of somebody else is queued: %s (job %d)", s.jobType, s.job)
	case s.load == "not-found" && s.down():
		return s, actuators.Errorf(actuators.NotFound, "there is no such unit")
	case s.load == "masked" && jobType != "stop":
		return s, actuators.Errorf(actuators.Refused, "the unit is masked")
	}
	return s, nil
}

func (a *Actuator) start(ctx context.Context, unit string) (actuators.Result, error) {
	s, err := a.ready(ctx, unit, "start")
	if err != nil {
		return actuators.Result{}, err
	}
	if s.up() && s.job == 0 {
		return actuators.Result{Detail: "already " + s.String()}, nil
	}
	return a.begin(ctx, unit, s, a.m.StartUnit)
}

func (a *Actuator) restart(ctx context.Context, unit string) (actuators.Result, error) {
	s, err := a.ready(ctx, unit, "restart")
	if err != nil {
		return actuators.Result{}, err
	}
	return a.begin(ctx, unit, s, a.m.RestartUnit)
}

// begin runs a job that should end with the unit up, and looks at what became
// of it.
func (a *Actuator) begin(ctx context.Context, unit string, was status, job func(context.Context, string) (string, error)) (actuators.Result, error) {
	result, err := job(ctx, unit)
	if err != nil {
		return actuators.Result{}, err
	}
	if err := verdict(result); err != nil {
		return actuators.Result{}, err
	}
	is, err := a.settle(ctx, unit)
	if err != nil {
		// The job is done; that we could not look again is for the next reading.
		return actuators.Result{Changed: true, Detail: "was " + was.String()}, nil
	}
	if !is.up() {
		if unmet, err := a.m.Unmet(ctx, unit); err == nil && len(unmet) > 0 {
			return actuators.Result{Detail: "not met: " + strings.Join(unmet, ", ")}, nil
		}
	}
	if is.active == "failed" {
		return actuators.Result{}, actuators.Errorf(actuators.Failed, "systemd called it done, then it failed: %s", is)
	}
	return actuators.Result{Changed: true, Detail: fmt.Sprintf("was %s, is %s", was, is)}, nil
}

// settle looks until the unit is up or failed, for a moment only: a simple
// service whose binary is missing is "done" first and "failed" a little later,
// a oneshot and a unit with an unmet condition end inactive.
func (a *Actuator) settle(ctx context.Context, unit string) (status, error) {
	const step = 5 * time.Millisecond
	for waited := time.Duration(0); ; waited += step {
		s, err := a.look(ctx, unit)
		if err != nil || s.up() || s.active == "failed" || waited >= a.opts.Settle {
			return s, err
		}
		select {
		case <-time.After(step):
		case <-ctx.Done():
			return s, nil
		}
	}
}

func (a *Actuator) stop(ctx context.Context, unit string) (actuators.Result, error) {
	s, err := a.ready(ctx, unit, "stop")
	if err != nil {
		return actuators.Result{}, err
	}
	if s.down() && s.job == 0 {
		return actuators.Result{Detail: "already " + s.String()}, nil
	}
	return a.simple(ctx, unit, s, a.m.StopUnit)
}

func (a *Actuator) reload(ctx context.Context, unit string) (actuators.Result, error) {
	s, err := a.ready(ctx, unit, "reload")
	if err != nil {
		return actuators.Result{}, err
	}
	if !s.up() {
		return actuators.Result{}, actuators.Errorf(actuators.Conflict, "the unit is %s: only a running one can be reloaded", s)
	}
	return a.simple(ctx, unit, s, a.m.ReloadUnit)
}

func (a *Actuator) simple(ctx context.Context, unit string, was status, job func(context.Context, string) (string, error)) (actuators.Result, error) {
	result, err := job(ctx, unit)
	if err == nil {
		err = verdict(result)
	}
	if err != nil {
		return actuators.Result{}, err
	}
	return actuators.Result{Changed: true, Detail: "was " + was.String()}, nil
}

// verdict turns systemd's word for how a job ended into an error.
func verdict(result string) error {
	switch result {
	case "done":
		return nil
	case "skipped": // the job did not apply to the unit's state any more
		return actuators.Errorf(actuators.Conflict, "systemd skipped the job: it does not apply to the unit as it is")
	case "canceled":
		return actuators.Errorf(actuators.Conflict, "%w", actuators.ErrCanceled)
	case "timeout":
		return actuators.Errorf(actuators.Failed, "the job ran into the unit's own time limit")
	case "dependency":
		return actuators.Errorf(actuators.Failed, "a unit that it requires did not start")
	case "once":
		return actuators.Errorf(actuators.Refused, "the unit may run only once in a boot")
	case "invalid", "unsupported":
		return actuators.Errorf(actuators.Invalid, "systemd refused the job: %s", result)
	case "failed", "assert", "collected":
		return actuators.Errorf(actuators.Failed, "the job ended with %q", result)
	}
	return actuators.Errorf(actuators.Failed, "the job ended with %q, which is unknown to evenkeel", result)
}

// Package act does one Step: it checks once more that the Step is allowed, lets
// an actuator do it, and reads the world again to see whether it is true.
//
// It knows actuators by their contract and the host by one method, because it
// must work the same for evenkeel's own actuators, for strangers' plugins and
// for the simulated host. Which Steps are done, and when, is the loop's
// decision; whether one may be done at all is checked here again, from the
// Action alone, so that no defect in planning can get past the host's policy.
package act

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/failpoint"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Eyes read the world.
type Eyes interface {
	Observe(ctx context.Context, refs []state.Ref) state.Facts
	Now() state.Time
}

// Options are what an Actor needs.
type Options struct {
	Actuators map[string]actuators.Actuator // by name; required
	Eyes      Eyes                          // required
	Stopped   func() bool                   // the kill switch, read before each act; nil: there is none
	Log       *slog.Logger                  // required
}

// Actor does Steps.
type Actor struct{ o Options }

// New returns an Actor.
func New(o Options) *Actor {
	if o.Stopped == nil {
		o.Stopped = func() bool { return false }
	}
	return &Actor{o}
}

// Order is a Step that is to be done now.
type Order struct {
	Step    state.Step
	Content []byte         // for verbs that write
	Before  state.Facts    // what the Step rests on, as it was read for the guard
	Policy  desired.Policy // of the host
	Let     bool           // a human asked for it or approved it
}

// deadline bounds an act by its verb. systemd's own limit for a job is 90 s
// unless a unit says otherwise; ours must be later, or we would cut it short.
func deadline(a actuators.Action) time.Duration {
	switch a.Actuator + "." + a.Verb {
	case "systemd.start", "systemd.stop", "systemd.restart", "systemd.reload":
		return 2 * time.Minute
	case "systemd.daemon-reload":
		return 90 * time.Second
	}
	return 30 * time.Second
}

// settle bounds the second reading.
const settle = 10 * time.Second

// Report is how a Step ended.
type Report struct {
	Outcome state.Outcome
	Ended   state.Time  // before the second reading began: what was read earlier is no longer to be trusted
	Facts   state.Facts // the second reading
}

// Do does a Step and says how it ended, together with the reading that shows
// it. It returns when the Step has ended or ctx has; what ctx cut short is an
// outcome that nobody knows.
func (a *Actor) Do(ctx context.Context, o Order) Report {
	began := time.Now()
	r := Report{Outcome: state.Outcome{ID: o.Step.ID}}
	out := &r.Outcome
	if err := a.check(o); err != nil {
		out.Status, out.Kind, out.Detail = state.StepRefused, actuators.KindOf(err).String(), err.Error()
		r.Ended = a.o.Eyes.Now()
		r.Facts = a.o.Eyes.Observe(ctx, o.Step.Rests)
		return r
	}
	before, after := failpoint.Act(o.Step.Action.Actuator, o.Step.Action.Verb)
	failpoint.Hit(before)
	actx, cancel := context.WithTimeout(ctx, deadline(o.Step.Action))
	res, err := a.o.Actuators[o.Step.Action.Actuator].Apply(actx, actuators.Request{Action: o.Step.Action, Key: o.Step.Key, Content: o.Content})
	cancel()
	failpoint.Hit(after)

	r.Ended = a.o.Eyes.Now()
	rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settle)
	defer cancel()
	r.Facts = a.o.Eyes.Observe(rctx, o.Step.Rests)
	judge(out, o, res, err, r.Facts)
	out.Took = time.Since(began)
	return r
}

// judge decides how a Step ended from what the actuator said and from what the
// second reading shows. The reading has the last word: an actuator that says
// "done" may be wrong, and one that lost its connection may have succeeded.
func judge(out *state.Outcome, o Order, res actuators.Result, err error, facts state.Facts) {
	out.Detail, out.Displaced = res.Detail, res.Displaced
	seen := verify(o.Step, o.Before, facts)
	if err != nil {
		out.Kind, out.Detail = actuators.KindOf(err).String(), err.Error()
	}
	switch kind := actuators.KindOf(err); {
	case err == nil && seen == nil:
		out.Status = state.Done
	case err == nil && errors.Is(seen, errUnread):
		out.Status, out.Detail = state.Cut, seen.Error()
	case err == nil && errors.Is(seen, errUnmet):
		out.Status, out.Kind, out.Detail = state.StepRefused, state.Unmet, fmt.Sprintf("%v (%s)", seen, res.Detail)
	case err == nil:
		out.Status, out.Detail = state.StepFailed, "the actuator said it was done, but "+seen.Error()
	case kind == actuators.Refused || kind == actuators.Conflict || kind == actuators.Invalid || kind == actuators.NotFound:
		out.Status = state.StepRefused
	case kind != actuators.Unknown && kind != actuators.Timeout:
		out.Status = state.StepFailed
	case errors.Is(seen, errUnread):
		out.Status = state.Cut
	case seen == nil && o.Step.Key == "":
		out.Status = state.Done
	case o.Step.Key != "":
		out.Status = state.Cut
	default:
		out.Status = state.StepFailed
	}
}

// check refuses what the host's policy does not allow, from the Action alone.
func (a *Actor) check(o Order) error {
	act := o.Step.Action
	if a.o.Stopped() {
		return actuators.Errorf(actuators.Refused, "%s: the kill switch is set", act)
	}
	if _, ok := a.o.Actuators[act.Actuator]; !ok {
		return actuators.Errorf(actuators.Invalid, "%s: there is no actuator %q", act, act.Actuator)
	}
	if err := Allowed(o.Policy, act, o.Let); err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	if act.Actuator == "systemd" && act.Target != "" {
		if err := allowedAlias(o.Policy, act.Target, o.Before.Units[act.Target].Value); err != nil {
			return fmt.Errorf("%s: %w", act, err)
		}
	}
	return nil
}

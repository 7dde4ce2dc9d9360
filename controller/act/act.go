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

// Plugins are the actuators that run as processes of their own.
type Plugins interface {
	// Actuator finds one that is declared; its first call starts it. The error
	// says which there are.
	Actuator(name string) (actuators.Actuator, error)
}

// Options are what an Actor needs.
type Options struct {
	Actuators map[string]actuators.Actuator // those that are called directly, by name; required
	Plugins   Plugins                       // the others; nil: there are none
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
	Content []byte // for verbs that write
	// Resolve says what the Content is where that takes a look at the host: a
	// secret. nil: it is Content. Its error, which must tell no secret, refuses
	// the Step.
	Resolve func(context.Context) ([]byte, error)
	Before  state.Facts    // what the Step rests on, as it was read for the guard
	Policy  desired.Policy // of the host
	Let     bool           // a human asked for it or approved it
}

// deadline bounds an act by its verb. systemd's own limit for a job is 90 s
// unless a unit says otherwise; ours must be later, or we would cut it short.
func deadline(a actuators.Action) time.Duration {
	if a.Actuator == desired.Gatherer {
		return 15 * time.Second // the collectors' own ten, and the start of their process
	}
	switch a.Actuator + "." + a.Verb {
	case "systemd.start", "systemd.stop", "systemd.restart", "systemd.reload":
		return 2 * time.Minute
	case "systemd.daemon-reload":
		return 90 * time.Second
	case "cache.flush":
		return 2 * time.Minute
	case "git.revert", "git.push":
		return 2 * time.Minute // a fetch, a push, and a look at what came of it
	case "exec.run":
		// What it runs has a limit of its own, which must come first.
		if d, err := time.ParseDuration(a.Args["timeout"]); err == nil && d > 0 {
			return min(d, time.Hour) + 30*time.Second
		}
		return time.Minute
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
	hand, request, err := a.prepare(ctx, o)
	if err != nil {
		out.Status, out.Kind, out.Detail = state.StepRefused, actuators.KindOf(err).String(), err.Error()
		r.Ended = a.o.Eyes.Now()
		r.Facts = a.o.Eyes.Observe(ctx, o.Step.Rests)
		return r
	}
	before, after := failpoint.Act(o.Step.Action.Actuator, o.Step.Action.Verb)
	failpoint.Hit(before)
	actx, cancel := context.WithTimeout(ctx, deadline(o.Step.Action))
	res, err := hand.Apply(actx, request)
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
	if o.Step.Action.Actuator == desired.Gatherer && err == nil {
		out.Evidence = evidence(res.Data["evidence"])
	}
	seen := verify(o.Step, o.Before, facts)
	if err != nil {
		out.Kind, out.Detail = actuators.KindOf(err).String(), err.Error()
	}
	if errors.Is(err, actuators.ErrCanceled) {
		out.Kind = state.Canceled
	}
	switch kind := actuators.KindOf(err); {
	case err == nil && (seen == nil || errors.Is(seen, errUnseen)):
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
	case errors.Is(seen, errUnread), errors.Is(seen, errUnseen):
		out.Status = state.Cut
	case seen == nil && o.Step.Key == "":
		out.Status = state.Done
	case o.Step.Key != "":
		out.Status = state.Cut
	default:
		out.Status = state.StepFailed
	}
}

// prepare finds who acts and what is sent, once all allows it. Its error says
// that nothing was done.
func (a *Actor) prepare(ctx context.Context, o Order) (actuators.Actuator, actuators.Request, error) {
	r := actuators.Request{Action: o.Step.Action, Key: o.Step.Key, Content: o.Content}
	if err := a.check(o); err != nil {
		return nil, r, err
	}
	hand, err := a.hand(r.Action)
	if err != nil || o.Resolve == nil {
		return hand, r, err
	}
	rctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	if r.Content, err = o.Resolve(rctx); err != nil {
		return nil, r, fmt.Errorf("%s: %w", r.Action, err)
	}
	return hand, r, nil
}

// hand finds the actuator of an Action.
func (a *Actor) hand(act actuators.Action) (actuators.Actuator, error) {
	if hand, ok := a.o.Actuators[act.Actuator]; ok {
		return hand, nil
	}
	if a.o.Plugins == nil {
		return nil, actuators.Errorf(actuators.Invalid, "%s: there is no actuator %q", act, act.Actuator)
	}
	hand, err := a.o.Plugins.Actuator(act.Actuator)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", act, err)
	}
	return hand, nil
}

// check refuses what the host's policy does not allow, from the Action alone.
func (a *Actor) check(o Order) error {
	act := o.Step.Action
	if a.o.Stopped() {
		return actuators.Errorf(actuators.Refused, "%s: the kill switch is set", act)
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

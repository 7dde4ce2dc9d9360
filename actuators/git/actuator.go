package git

import (
	"context"
	"errors"
	"fmt"

	"github.com/pakashop/evenkeel/actuators"
)

// Name is what actions call this actuator.
const Name = "git"

// Actuator reverts and pushes. It keeps nothing between calls, and is safe for
// concurrent use: it does one thing at a time.
type Actuator struct {
	info  actuators.Info
	turn  chan struct{} // held by who is at work
	extra string        // of git's configuration, for tests
}

var (
	_ actuators.Actuator  = (*Actuator)(nil)
	_ actuators.Previewer = (*Actuator)(nil)
)

// New returns an Actuator of a version of evenkeel.
func New(version string) *Actuator {
	return &Actuator{turn: make(chan struct{}, 1), info: actuators.Info{
		Name: Name, Version: version,
		Verbs: []actuators.Verb{{
			Name: "revert", Effect: actuators.Benign, Content: true, Args: []string{"commit", "base", "at", "host", "why"},
			Help: "Reverts what lies on the target, a branch, after the commit base up to the commit commit, its newest, in one commit, and pushes it; where the branch is protected, to a branch for a pull request.",
		}, {
			Name: "push", Effect: actuators.Benign, Content: true, Args: []string{"commit", "expect"},
			Help: "Moves the target, a branch, on to a commit that the remote already has, if it is still at the commit expect; without expect it makes the branch.",
		}},
	}}
}

// Info lists the verbs.
func (a *Actuator) Info(context.Context) (actuators.Info, error) { return a.info, nil }

// Preview says what would be pushed.
func (a *Actuator) Preview(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	return a.do(ctx, r, true)
}

// Apply pushes.
func (a *Actuator) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	return a.do(ctx, r, false)
}

// do asks the remotes in their order. One that cannot be reached is passed over;
// what another one says counts.
func (a *Actuator) do(ctx context.Context, r actuators.Request, preview bool) (actuators.Result, error) {
	w, err := a.parse(r)
	if err != nil {
		return actuators.Result{}, err
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return actuators.Result{}, actuators.Errorf(actuators.Timeout, "%s: nothing was done: %w", r.Action, err)
	}
	sweep()
	var unreached []error
	for _, remote := range w.remotes {
		res, err := a.at(ctx, w, remote, preview)
		if err == nil {
			return res, nil
		}
		if actuators.KindOf(err) != actuators.Unavailable {
			return res, actuators.Errorf(actuators.KindOf(err), "%s: %s: %w", r.Action, remote, err)
		}
		unreached = append(unreached, fmt.Errorf("%s: %w", remote, err))
	}
	return actuators.Result{}, actuators.Errorf(actuators.Unavailable, "%s: nothing was done: %w", r.Action, joined(unreached))
}

// at does it at one remote.
func (a *Actuator) at(ctx context.Context, w wish, r remote, preview bool) (actuators.Result, error) {
	res, err := a.in(ctx, w, r, true, preview)
	if errors.Is(err, errPartial) {
		res, err = a.in(ctx, w, r, false, preview)
	}
	return res, err
}

// in does it in a folder of its own.
func (a *Actuator) in(ctx context.Context, w wish, r remote, partial, preview bool) (actuators.Result, error) {
	p, err := newPlace(w, r, partial, a.extra)
	if err != nil {
		var known *actuators.Error
		if !errors.As(err, &known) {
			err = actuators.Errorf(actuators.Failed, "make a folder to work in: %w", err)
		}
		return actuators.Result{}, err
	}
	defer p.remove()
	if w.verb == "push" {
		return p.push(ctx, w, preview)
	}
	return p.revert(ctx, w, preview)
}

package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/controller/act"
	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/state"
)

// Controller keeps one host as it is declared.
type Controller struct {
	o     Options
	actor *act.Actor
	eyes  *eyes
	inbox chan message
	ended chan struct{} // closed when the loop no longer reads the inbox
}

// New checks the Options and returns a Controller that does nothing yet.
func New(o Options) (*Controller, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	return &Controller{
		o:     o,
		actor: act.New(act.Options{Actuators: o.Actuators, Plugins: o.Plugins, Eyes: o.Observer, Stopped: o.Stopped, Log: o.Log}),
		eyes:  newEyes(o.Observer),
		inbox: make(chan message, 64),
		ended: make(chan struct{}),
	}, nil
}

// Run keeps the host as declared until ctx ends. It returns nil after a clean
// shutdown, and an error if there is no desired state to begin with. It may be
// called once.
func (c *Controller) Run(ctx context.Context) error {
	_, err := c.run(ctx, nil)
	return err
}

// Result is what Apply has come to.
type Result struct {
	Converged bool
	View      api.View // how things stood at the end
}

// Apply makes passes until the host is as declared, or until nothing more will
// change by itself; a ctx that ends earlier is an unconverged end, not an error.
func (c *Controller) Apply(ctx context.Context) (Result, error) {
	return c.run(ctx, settled)
}

// run is Run and Apply: finished decides, after each pass, whether to end.
func (c *Controller) run(ctx context.Context, finished func(*loop) bool) (Result, error) {
	want, warnings, err := c.o.Source.Load(ctx)
	if err != nil {
		close(c.ended)
		return Result{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := newLoop(c, finished)
	l.offered = offer{want, warnings}
	in, missing := c.first(ctx, l.offered, l.past)
	l.start(in, missing)

	var workers sync.WaitGroup
	spawn := func(f func(context.Context)) {
		workers.Go(func() { f(ctx) })
	}
	spawn(func(ctx context.Context) { c.eyes.look(ctx, func(f state.Facts) { c.send(factsRead{f}) }) })
	if finished == nil {
		spawn(func(ctx context.Context) { c.watchSource(ctx) })
	}
	spawn(func(ctx context.Context) { c.watchHost(ctx, l.refs) })

	l.begin()
	l.serve(ctx)
	close(c.ended)
	cancel()
	workers.Wait()
	return Result{Converged: l.plan.InSync() && len(l.past.Flight) == 0, View: l.view()}, nil
}

// send hands a message to the loop, or drops it when the loop has ended.
func (c *Controller) send(m message) {
	select {
	case c.inbox <- m:
	case <-c.ended:
	}
}

func (c *Controller) watchHost(ctx context.Context, refs func() []state.Ref) {
	for ctx.Err() == nil {
		err := c.o.Observer.Watch(ctx, refs, c.eyes.dirty, func(f state.Facts) { c.send(factsCame{f}) })
		if ctx.Err() != nil {
			return
		}
		c.o.Log.Warn("watch of the host ended; everything is looked at again", "error", err)
		sleep(ctx, time.Second)
		c.eyes.dirty(nil)
	}
}

func (c *Controller) watchSource(ctx context.Context) {
	changed := func() {
		want, warnings, err := c.o.Source.Load(ctx)
		if ctx.Err() == nil {
			c.send(wanted{offer{want, warnings}, err})
		}
	}
	for ctx.Err() == nil {
		err := c.o.Source.Watch(ctx, changed)
		if ctx.Err() != nil {
			return
		}
		c.o.Log.Warn("watch of the desired state ended; it is read again", "error", err)
		sleep(ctx, time.Second)
		changed()
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// ErrEnded says that the controller no longer runs.
var ErrEnded = errors.New("the controller has ended")

// View returns how things stand. It waits for the loop to have a moment.
func (c *Controller) View(ctx context.Context) (api.View, error) {
	reply := make(chan api.View, 1)
	return ask(ctx, c, reply, viewed{reply})
}

// Reload reads the desired state again, as on SIGHUP. An invalid one is
// reported and changes nothing.
func (c *Controller) Reload(ctx context.Context) error {
	want, warnings, err := c.o.Source.Load(ctx)
	c.send(wanted{offer{want, warnings}, err})
	return err
}

// Reconcile looks at everything again, now.
func (c *Controller) Reconcile() { c.eyes.dirty(nil) }

// Hand carries out what a human asks for. What has to be done is done by Steps
// of the next passes; what cannot be is an error that is hand.ErrUnknown,
// hand.ErrInvalid or hand.ErrRefused.
func (c *Controller) Hand(ctx context.Context, r hand.Request) (hand.Answer, error) {
	reply := make(chan answered, 1)
	a, err := ask(ctx, c, reply, asked{r, reply})
	if err != nil {
		return hand.Answer{}, err
	}
	return a.answer, a.err
}

func ask[T any](ctx context.Context, c *Controller, reply chan T, m message) (T, error) {
	var zero T
	select {
	case c.inbox <- m:
	case <-c.ended:
		return zero, ErrEnded
	case <-ctx.Done():
		return zero, ctx.Err()
	}
	select {
	case v := <-reply:
		return v, nil
	case <-c.ended:
		return zero, ErrEnded
	case <-ctx.Done():
		return zero, ctx.Err()
	}
}

var _ api.Backend = (*Controller)(nil)

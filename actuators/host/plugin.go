package host

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/wire"
)

var errClosed = errors.New("the host of plugins is closed")

// leaving is how often it is looked whether a plugin that is no longer declared
// has ended its last call.
const leaving = 100 * time.Millisecond

// ping is how long a plugin has to prove that it is not hung.
const ping = 2 * time.Second

// plugin is one declared actuator: a process when it is needed, nothing when
// it is not.
type plugin struct {
	spec     Spec
	host     *Host
	unwanted chan struct{} // closed when it is no longer declared

	mu    sync.Mutex
	run   *run // nil: no process
	tally tally
	last  error // why it ended or did not start the last time
}

var (
	_ actuators.Actuator  = (*plugin)(nil)
	_ actuators.Previewer = (*plugin)(nil)
)

// Info starts the plugin if need be, and asks it.
func (p *plugin) Info(ctx context.Context) (actuators.Info, error) {
	return call(ctx, p, nil, func(ctx context.Context, c *wire.Client) (actuators.Info, error) { return c.Info(ctx) })
}

// Apply refuses what the plugin never promised to understand without asking it.
func (p *plugin) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	return call(ctx, p, &r, func(ctx context.Context, c *wire.Client) (actuators.Result, error) { return c.Apply(ctx, r) })
}

// Preview returns actuators.ErrNoPreview when the plugin is no Previewer.
func (p *plugin) Preview(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	return call(ctx, p, &r, func(ctx context.Context, c *wire.Client) (actuators.Result, error) { return c.Preview(ctx, r) })
}

// call brings a running plugin and a question together.
func call[T any](ctx context.Context, p *plugin, r *actuators.Request, ask func(context.Context, *wire.Client) (T, error)) (T, error) {
	var none T
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.host.options.CallTimeout)
		defer cancel()
	}
	run, err := p.acquire(ctx)
	if err != nil {
		return none, err
	}
	defer p.release(run)
	if r != nil {
		if err := run.info.Check(*r); err != nil {
			return none, err
		}
	}
	out, err := ask(ctx, run.wire)
	if actuators.KindOf(err) == actuators.Timeout {
		p.host.spawn(func() { p.suspect(run) })
	}
	return out, err
}

// acquire returns a run that has come up, launching one if there is none.
// release must follow.
func (p *plugin) acquire(ctx context.Context) (*run, error) {
	p.mu.Lock()
	r := p.run
	if !p.wanted() {
		defer p.mu.Unlock()
		return nil, actuators.Errorf(actuators.NotFound, "actuator %s is no longer declared, or otherwise", p.spec.Name)
	}
	if r == nil {
		if wait := p.tally.wait(time.Now()); wait > 0 {
			defer p.mu.Unlock()
			return nil, p.notYet(wait)
		}
		r = newRun()
		if !p.host.spawn(func() { p.mind(r) }) {
			p.mu.Unlock()
			return nil, actuators.Errorf(actuators.Unavailable, "actuator %s: %w", p.spec.Name, errClosed)
		}
		p.run = r
	}
	r.calls++
	p.mu.Unlock()
	select {
	case <-r.ready:
	case <-ctx.Done():
		p.release(r)
		return nil, actuators.Errorf(actuators.Timeout, "actuator %s: wait for its start: %w", p.spec.Name, ctx.Err())
	}
	if r.err != nil {
		p.release(r)
		return nil, r.err
	}
	return r, nil
}

func (p *plugin) notYet(wait time.Duration) error {
	why := "crashed"
	if p.tally.quarantined {
		why = "is quarantined"
	}
	return actuators.Errorf(actuators.Unavailable, "actuator %s %s after %d crashes, next start in %v: %w",
		p.spec.Name, why, p.tally.crashes, wait.Round(time.Millisecond), p.last)
}

func (p *plugin) release(r *run) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.calls--
	r.last = time.Now()
}

// mind launches a run, watches it, and ends it. It is the run's owner.
func (p *plugin) mind(r *run) {
	defer close(r.gone)
	o := p.host.options
	err := r.start(p.spec, o, p.host.thread, p.host.closing)
	if err != nil {
		r.err = p.failed(err)
		close(r.ready)
		return
	}
	o.Logger.Info("plugin started", "actuator", p.spec.Name, "program", p.spec.program(), "version", short(r.info.Version, 64), "pid", r.proc.pid())
	close(r.ready)
	tick := time.NewTicker(max(o.Idle/4, time.Millisecond))
	defer tick.Stop()
	unwanted := p.unwanted
	for {
		select {
		case <-r.proc.exited:
			r.stop(o) // hears its last words
			p.crashed(r, r.ending())
			return
		case <-r.hung:
			r.stop(o)
			p.crashed(r, errors.New("it did not answer, and was killed"))
			return
		case <-p.host.closing:
			p.forget(r)
		case <-unwanted:
			unwanted = nil
			tick.Reset(leaving)
			continue
		case now := <-tick.C:
			if !p.retire(r, now) {
				continue
			}
			o.Logger.Info("plugin stopped", "actuator", p.spec.Name, "declared", p.wanted())
		}
		r.stop(o)
		return
	}
}

// failed notes that a run did not come up. What was refused is not a crash:
// nothing ran, and it is looked at again the next time.
func (p *plugin) failed(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run, p.last = nil, err
	if errors.Is(err, errClosed) || actuators.KindOf(err) == actuators.Refused {
		return err
	}
	p.tally.crash(time.Now(), 0, p.host.options)
	p.host.options.Logger.Warn("plugin not started", "actuator", p.spec.Name, "crashes", p.tally.crashes, "quarantined", p.tally.quarantined, "error", err)
	return &actuators.Error{Kind: actuators.Unavailable, Err: err}
}

// crashed notes that a run ended, or must end, without being asked to.
func (p *plugin) crashed(r *run, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == r {
		p.run = nil
	}
	p.last = why
	p.tally.crash(time.Now(), time.Since(r.began), p.host.options)
	p.host.options.Logger.Warn("plugin crashed", "actuator", p.spec.Name, "crashes", p.tally.crashes, "quarantined", p.tally.quarantined, "error", why)
}

// retire takes a run out of use when nobody needed it for a while, or as soon
// as nobody needs it where it is no longer declared.
func (p *plugin) retire(r *run, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.calls > 0 || p.wanted() && now.Sub(r.last) < p.host.options.Idle {
		return false
	}
	p.run = nil
	return true
}

// wanted tells whether it is still declared.
func (p *plugin) wanted() bool {
	select {
	case <-p.unwanted:
		return false
	default:
		return true
	}
}

func (p *plugin) forget(r *run) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == r {
		p.run = nil
	}
}

// suspect asks a plugin that let a deadline pass whether it lives, and has it
// ended when it does not say so.
func (p *plugin) suspect(r *run) {
	ctx, cancel := context.WithTimeout(context.Background(), ping)
	defer cancel()
	if r.alive(ctx) == nil {
		return
	}
	select {
	case r.hung <- struct{}{}:
	default:
	}
}

func (p *plugin) status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Status{Name: p.spec.Name, Program: p.spec.program(), State: "stopped", Crashes: p.tally.crashes}
	if p.last != nil {
		s.Error = p.last.Error()
	}
	switch wait := p.tally.wait(time.Now()); {
	case p.run != nil:
		s.State = "starting"
		select {
		case <-p.run.ready:
			s.State, s.PID = "running", p.run.proc.pid()
		default:
		}
	case wait > 0 && p.tally.quarantined:
		s.State, s.Until = "quarantined", p.tally.until
	case wait > 0:
		s.State, s.Until = "waiting", p.tally.until
	}
	return s
}

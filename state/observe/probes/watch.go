package probes

import (
	"context"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// What may be asked at once: networks are slow, commands are dear. What is due
// beyond that waits for its turn.
const (
	maxAsking   = 256
	maxCommands = 16
)

// breath is the least time between two looks at the agenda: what falls due
// within it is asked together.
const breath = 10 * time.Millisecond

// lane bounds what is asked at once. What waits in it is planned for nowhere else.
type lane struct {
	free  int
	queue []*row
}

func (p *Prober) lane(r *row) *lane {
	if r.probing.Probe.Exec != nil {
		return &p.lanes[1]
	}
	return &p.lanes[0]
}

// Watch asks by the schedule until ctx ends, and reports the facts that changed:
// all of them at its beginning. seen is called by one goroutine, and while it
// takes its time what changes is gathered. Watch must not run twice at once.
func (p *Prober) Watch(ctx context.Context, seen func(map[string]state.Fact[state.Probe])) {
	p.begin()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { p.report(ctx, seen) })

	timer := time.NewTimer(0)
	defer timer.Stop()
	defer p.rest()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-timer.C:
		}
		if next, ok := p.launch(ctx, &wg); ok {
			timer.Reset(max(breath, time.Until(next)))
		}
	}
}

// begin has everything reported. The seconds are counted from the first watching:
// whoever looks at other things of this host every few seconds began just then,
// too, and so both wake up together.
func (p *Prober) begin() {
	now, up := time.Now(), p.opt.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.base.IsZero()
	if first {
		p.base = now
	}
	for name, r := range p.rows {
		p.changed[name] = true
		if first && r.place != absent {
			r.begin(p.base, now.Add(p.delay(r, up)))
			p.agenda.put(r)
		}
	}
	stir(p.news)
}

// report brings what changed.
func (p *Prober) report(ctx context.Context, seen func(map[string]state.Fact[state.Probe])) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.news:
		}
		p.mu.Lock()
		facts := make(map[string]state.Fact[state.Probe], len(p.changed))
		for name := range p.changed {
			if r := p.rows[name]; r != nil {
				facts[name] = r.fact
			}
		}
		clear(p.changed)
		p.mu.Unlock()
		if len(facts) > 0 {
			seen(facts)
		}
	}
}

// launch has everything asked that is due, and tells when the next is.
func (p *Prober) launch(ctx context.Context, wg *sync.WaitGroup) (next time.Time, ok bool) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alarm = time.Time{}
	for len(p.agenda) > 0 {
		r := p.agenda[0]
		if due := r.due(); due.After(now) {
			p.alarm = due
			return due, true
		}
		p.agenda.take(r)
		if l := p.lane(r); l.free == 0 {
			r.queued = true
			l.queue = append(l.queue, r)
		} else {
			p.start(ctx, wg, r, now)
		}
	}
	return next, false
}

// start takes a sample of a row beside everything else.
func (p *Prober) start(ctx context.Context, wg *sync.WaitGroup, r *row, now time.Time) {
	p.lane(r).free--
	r.queued = false
	epoch, counts := r.epoch, r.ask(now)
	asking, cut := context.WithTimeout(ctx, r.timeout())
	r.cut = cut
	wg.Go(func() {
		began := p.opt.Now()
		s := p.sample(asking, r.probing)
		p.mu.Lock()
		defer p.mu.Unlock()
		cut()
		r.cut = nil
		if r.epoch == epoch && ctx.Err() == nil {
			r.answered(time.Now(), s.Good())
			p.book(r, epoch, s, began, counts)
		}
		if r.open {
			p.agenda.put(r)
			p.hasten(r)
		}
		p.follow(ctx, wg, p.lane(r))
	})
}

// follow gives the place of a sample that has ended to the first that waits.
func (p *Prober) follow(ctx context.Context, wg *sync.WaitGroup, l *lane) {
	l.free++
	for len(l.queue) > 0 && ctx.Err() == nil {
		r := l.queue[0]
		l.queue = l.queue[1:]
		if r.queued && r.cut == nil {
			p.start(ctx, wg, r, time.Now())
			return
		}
	}
}

// rest puts back what waits for its turn when the watching ends.
func (p *Prober) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.lanes {
		for _, r := range p.lanes[i].queue {
			if r.queued {
				r.queued = false
				p.agenda.put(r)
			}
		}
		p.lanes[i].queue = nil
	}
}

// hasten wakes the watching where a row is due before it would look again.
func (p *Prober) hasten(r *row) {
	if p.alarm.IsZero() || r.due().Before(p.alarm) {
		stir(p.wake)
	}
}

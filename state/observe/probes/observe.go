package probes

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// Observe takes a sample of each named probe now, whatever the schedule says,
// and returns what is known then. What may not be asked yet, or is no longer
// asked, is as it is now: that needs no sample. Names that are not declared have
// an error.
func (p *Prober) Observe(ctx context.Context, names []string) map[string]state.Fact[state.Probe] {
	var mu sync.Mutex
	out := make(map[string]state.Fact[state.Probe], len(names))
	var wg sync.WaitGroup
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		wg.Go(func() {
			f, r, epoch := p.peek(name)
			if r != nil {
				f = p.look(ctx, r, epoch)
			}
			mu.Lock()
			defer mu.Unlock()
			out[name] = f
		})
	}
	wg.Wait()
	return out
}

// peek returns a fact that needs no sample, or else the row to take one of.
func (p *Prober) peek(name string) (state.Fact[state.Probe], *row, int) {
	now := p.opt.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rows[name]
	switch {
	case r == nil:
		return state.Fact[state.Probe]{At: now, Err: "no probe of this name is declared"}, nil, 0
	case r.open && p.delay(r, now) == 0:
		return state.Fact[state.Probe]{}, r, r.epoch
	}
	r.date(now)
	return r.fact, nil, 0
}

// look takes a sample beyond the schedule.
func (p *Prober) look(ctx context.Context, r *row, epoch int) state.Fact[state.Probe] {
	places := p.looks[0]
	if r.probing.Probe.Exec != nil {
		places = p.looks[1]
	}
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
	}
	asking, cancel := context.WithTimeout(ctx, r.timeout())
	defer cancel()
	began := p.opt.Now()
	s := p.sample(asking, r.probing)

	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		f := r.fact
		f.At, f.Err = began, "the look was broken off"
		return f
	}
	p.book(r, epoch, s, began, false)
	if r.epoch != epoch {
		r.date(p.opt.Now()) // of another process by now, or of none
	}
	return r.fact
}

// sample asks once. That a way to ask has a fault must not end the rest.
func (p *Prober) sample(ctx context.Context, one desired.Probing) (s ask.Sample) {
	defer func() {
		if v := recover(); v != nil {
			p.opt.Log.Error("a probe panicked", "probe", one.Name, "panic", v, "stack", string(debug.Stack()))
			s = ask.Sample{Err: fmt.Sprintf("internal error: %v", v)}
		}
	}()
	return p.opt.Ask(ctx, one)
}

package controller

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// eyes look at what may have changed. What is asked for while a look is under
// way is gathered, so that a burst of five thousand signals is two looks.
//
// An act makes signals of its own, and is read before and after anyway: what it
// rests on is not looked at meanwhile, unless the act takes long, and what was
// asked for before a reading of it began is answered by that reading.
type eyes struct {
	observer Observer
	wake     chan struct{}               // size 1: there is something to look at
	refs     atomic.Pointer[[]state.Ref] // everything of interest

	// mu guards everything that follows.
	mu      sync.Mutex
	pending map[state.Ref]state.Time // after which the look must begin; of this boot, or zero
	closed  map[state.Ref]int        // by how many acts under way
	all     bool
	looking bool
}

// patientFor is how long an act keeps the eyes from what it rests on. A longer
// one is to be seen at work.
const patientFor = 250 * time.Millisecond

func newEyes(o Observer) *eyes {
	return &eyes{observer: o, wake: make(chan struct{}, 1), pending: make(map[state.Ref]state.Time), closed: make(map[state.Ref]int)}
}

// dirty asks for a look at some facts; at all of them where none is named.
func (e *eyes) dirty(refs []state.Ref) {
	now := e.observer.Now()
	e.mu.Lock()
	if len(refs) == 0 {
		e.all = true
	}
	for _, r := range refs {
		e.pending[r] = now
	}
	e.mu.Unlock()
	e.stir()
}

func (e *eyes) stir() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// outdated asks for a look that begins after certain instants; those of another
// boot are long past. One that is under way may be such a look already.
func (e *eyes) outdated(r state.Ref, ends ...state.Time) {
	boot := e.observer.Now().Boot
	e.mu.Lock()
	asked := e.pending[r]
	for _, t := range ends {
		if t.Boot == boot && t.Up > asked.Up {
			asked = t
		}
	}
	e.pending[r] = asked
	e.mu.Unlock()
	e.stir()
}

// shut keeps the eyes from what an act rests on; let ends it, or time does.
func (e *eyes) shut(refs []state.Ref, patience time.Duration) (let func()) {
	e.mu.Lock()
	for _, r := range refs {
		e.closed[r]++
	}
	e.mu.Unlock()
	once := sync.OnceFunc(func() {
		e.mu.Lock()
		for _, r := range refs {
			if e.closed[r]--; e.closed[r] <= 0 {
				delete(e.closed, r)
			}
		}
		e.mu.Unlock()
		e.stir()
	})
	late := time.AfterFunc(patience, once)
	return func() { late.Stop(); once() }
}

// answered drops what was asked for before a good reading of it began.
func (e *eyes) answered(f state.Facts) {
	e.mu.Lock()
	defer e.mu.Unlock()
	drop := func(kind state.RefKind, name string, at state.Time, err string) {
		r := state.Ref{Kind: kind, Name: name}
		if asked, ok := e.pending[r]; ok && err == "" && asked.Up < at.Up {
			delete(e.pending, r)
		}
	}
	for n, x := range f.Units {
		drop(state.RefUnit, n, x.At, x.Err)
	}
	for n, x := range f.Files {
		drop(state.RefFile, n, x.At, x.Err)
	}
	for n, x := range f.Dirs {
		drop(state.RefDir, n, x.At, x.Err)
	}
	for n, x := range f.Probes {
		drop(state.RefProbe, n, x.At, x.Err)
	}
	for n, x := range f.Alerts {
		drop(state.RefAlerts, n, x.At, x.Err)
	}
	for n, x := range f.Queries {
		drop(state.RefQuery, n, x.At, x.Err)
	}
	if f.Host != nil {
		drop(state.RefHost, "", f.Host.At, f.Host.Err)
	}
}

// interest returns everything of interest.
func (e *eyes) interest() []state.Ref {
	if p := e.refs.Load(); p != nil {
		return *p
	}
	return nil
}

// idle tells that nothing is being looked at and nothing waits to be.
func (e *eyes) idle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.looking && !e.all && len(e.pending) == 0
}

// look reads what is dirty until ctx ends, one look at a time. A file and the
// unit that reads it are looked at together: a file that was changed and loaded
// by a restart must not be written back before the restart is known.
func (e *eyes) look(ctx context.Context, seen func(state.Facts)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		}
		if refs := e.take(); len(refs) > 0 {
			facts := e.observer.Observe(ctx, refs)
			e.answered(facts)
			seen(facts)
		}
	}
}

// merged tells that the loop has merged what was read last.
func (e *eyes) merged() {
	e.mu.Lock()
	e.looking = false
	e.mu.Unlock()
}

// take returns what is to be looked at now. What they are kept from stays pending.
func (e *eyes) take() []state.Ref {
	now := e.observer.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all {
		clear(e.pending)
		for _, r := range e.interest() {
			e.pending[r] = now
		}
		e.all = false
	}
	var refs []state.Ref
	for r := range e.pending {
		if e.closed[r] == 0 {
			refs = append(refs, r)
			delete(e.pending, r)
		}
	}
	slices.SortFunc(refs, func(a, b state.Ref) int { return strings.Compare(a.String(), b.String()) })
	e.looking = len(refs) > 0
	return refs
}

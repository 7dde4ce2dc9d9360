package controller

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pakashop/evenkeel/state"
)

// eyes look at what may have changed. What is asked for while a look is under
// way is gathered, so that a burst of five thousand signals is two looks.
type eyes struct {
	observer Observer
	wake     chan struct{}               // size 1: there is something to look at
	refs     atomic.Pointer[[]state.Ref] // everything of interest

	// mu guards everything that follows.
	mu      sync.Mutex
	pending map[state.Ref]bool
	all     bool
	looking bool
}

func newEyes(o Observer) *eyes {
	return &eyes{observer: o, wake: make(chan struct{}, 1), pending: make(map[state.Ref]bool)}
}

// dirty asks for a look at some facts; at all of them where none is named.
func (e *eyes) dirty(refs []state.Ref) {
	e.mu.Lock()
	if len(refs) == 0 {
		e.all = true
	}
	for _, r := range refs {
		e.pending[r] = true
	}
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
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

// look reads what is dirty until ctx ends, one look at a time.
func (e *eyes) look(ctx context.Context, seen func(state.Facts)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		}
		if refs := e.take(); len(refs) > 0 {
			seen(e.observer.Observe(ctx, refs))
		}
	}
}

// seen tells that the loop has merged what was read last.
func (e *eyes) merged() {
	e.mu.Lock()
	e.looking = false
	e.mu.Unlock()
}

func (e *eyes) take() []state.Ref {
	e.mu.Lock()
	defer e.mu.Unlock()
	refs := slices.SortedFunc(maps.Keys(e.pending), func(a, b state.Ref) int { return strings.Compare(a.String(), b.String()) })
	if e.all {
		refs = e.interest()
	}
	e.all, e.pending, e.looking = false, make(map[state.Ref]bool), len(refs) > 0
	return refs
}

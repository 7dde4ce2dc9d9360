package controller

import (
	"context"
	"sync"
)

// acts owns the goroutines that read before an act, act, and read after it.
// Their context is not Run's: what has begun may end.
type acts struct {
	once    sync.Once
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup
	running int // Steps under way; the loop's own count
}

func (a *acts) init() {
	a.once.Do(func() { a.ctx, a.stop = context.WithCancel(context.Background()) })
}

func (a *acts) spawn(f func(context.Context)) {
	a.init()
	a.wg.Go(func() { f(a.ctx) })
}

// cancel tells everything under way to end.
func (a *acts) cancel() {
	a.init()
	a.stop()
}

package bus

import (
	"context"
	"errors"
	"slices"
	"time"
)

// watcher is one Watch.
type watcher struct {
	set        *dirtySet
	interested func(unit string) bool
}

// Watch reports units about which something changed, until ctx ends and it
// returns nil, or until Close. Units are named by their primary names. When all is true
// anything may have changed: after a connection was lost or made, a
// daemon-reload or daemon-reexec, a change of unit files. What comes while
// dirty runs is gathered into its next call.
//
// interested is asked for each signal, by the goroutine that reads the socket:
// it must be quick and safe for concurrent use. nil stands for every unit.
//
// Watch keeps the connection alive: it is what makes a lost one come back
// without a call.
func (c *Conn) Watch(ctx context.Context, interested func(unit string) bool, dirty func(units []string, all bool)) error {
	w := &watcher{set: newDirtySet(), interested: interested}
	c.enter(w)
	defer c.leave(w)
	w.set.addAll()
	var generation uint64
	for ctx.Err() == nil {
		g, err := c.subscribed(ctx)
		if errors.Is(err, errClosed) {
			return err
		}
		if g != generation { // 0 while there is none: that, too, is news
			generation = g
			w.set.addAll()
		}
		if err != nil {
			w.report(dirty)
			pause(ctx, c.untilRetry())
			continue
		}
		select {
		case <-w.set.wake:
			w.report(dirty)
		case <-ctx.Done():
		}
	}
	return nil
}

func (w *watcher) report(dirty func([]string, bool)) {
	if units, all := w.set.take(); all || len(units) > 0 {
		dirty(units, all)
	}
}

func (c *Conn) enter(w *watcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := append(slices.Clone(*c.watchers.Load()), w)
	c.watchers.Store(&next)
}

func (c *Conn) leave(w *watcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(*c.watchers.Load()), func(x *watcher) bool { return x == w })
	c.watchers.Store(&next)
}

// subscribed makes sure that there is a link with signals, and tells its
// generation.
func (c *Conn) subscribed(ctx context.Context) (uint64, error) {
	c.mu.Lock()
	c.subscribe = true
	c.mu.Unlock()
	l, err := c.link(ctx)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	if err := l.subscribe(ctx); err != nil {
		return 0, err // others may wait for answers on this link: it is tried again as it is
	}
	return l.generation, nil
}

// untilRetry is the rest of the pause after a connection that could not be made.
func (c *Conn) untilRetry() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(time.Until(c.retryAt), firstPause)
}

func (c *Conn) touched(unit string) {
	for _, w := range *c.watchers.Load() {
		if w.interested == nil || w.interested(unit) {
			w.set.add(unit)
		}
	}
}

func (c *Conn) allTouched() {
	for _, w := range *c.watchers.Load() {
		w.set.addAll()
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

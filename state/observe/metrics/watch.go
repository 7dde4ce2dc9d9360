package metrics

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/metrics/lines"
)

// How long it is until a child that ended is started anew, and how long one must
// have lived for the waits to begin anew.
const (
	maxWait  = time.Minute
	longLife = 5 * time.Minute
)

// Watch has rules evaluated until ctx ends, and reports the alerts of the sources
// that changed. seen is called by one goroutine, and while it takes its time what
// changes is gathered. Watch must not run twice at once.
func (e *Evaluator) Watch(ctx context.Context, seen func(map[string]state.Fact[state.Alerts])) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { e.report(ctx, seen) })
	wait := e.opt.first
	for {
		for !e.wanted() {
			e.away("there are no rules", true)
			select {
			case <-ctx.Done():
				return
			case <-e.wake:
			}
		}
		began := time.Now()
		err := e.live(ctx)
		if ctx.Err() != nil {
			e.away("evenkeel ends", false)
			return
		}
		if err == nil {
			continue
		}
		if time.Since(began) > longLife {
			wait = e.opt.first
		}
		e.opt.Log.Error("what evaluates rules has ended, and is started anew", "error", err, "in", wait)
		e.away(err.Error(), false)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, maxWait)
	}
}

func (e *Evaluator) wanted() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.want.Rules)+len(e.want.Targets) > 0
}

// live is the life of one child. It ends without an error when nothing is wanted.
func (e *Evaluator) live(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := e.start(ctx)
	if err != nil {
		return fmt.Errorf("start what evaluates rules: %w", err)
	}
	defer c.end()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { c.listen(e.take, func(q *lines.Collect) { wg.Go(func() { e.collect(ctx, c, q) }) }) })
	if err := e.say(ctx, c); err != nil {
		return c.ended(ctx, err)
	}
	e.mu.Lock()
	e.child = c
	e.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.gone:
			return c.died()
		case <-e.wake:
			if !e.wanted() {
				return nil
			}
			if err := e.say(ctx, c); err != nil {
				return c.ended(ctx, err)
			}
		}
	}
}

// say tells a child what is wanted.
func (e *Evaluator) say(ctx context.Context, c *child) error {
	e.mu.Lock()
	set := e.want
	e.mu.Unlock()
	set.Tokens, set.Refused = map[string]string{}, map[string]string{}
	for _, f := range set.Rules {
		if f.Prometheus == nil || f.Prometheus.BearerToken == nil {
			continue
		}
		token, err := e.secret(ctx, *f.Prometheus.BearerToken)
		if err != nil {
			set.Refused[f.Name] = "its token: " + err.Error()
			continue
		}
		set.Tokens[f.Name] = token
	}
	r, err := c.order(ctx, lines.Order{Set: &set})
	if err != nil {
		return err
	}
	if r.Err != "" {
		e.opt.Log.Error("not all is read that should be", "error", r.Err)
	}
	e.forget(r.Sources)
	return nil
}

// forget lets go of sources that are no more: nothing of them is active. Where a file
// of rules cannot be read nobody knows which there are.
func (e *Evaluator) forget(sources []string) {
	if sources == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for name := range e.told {
		if !slices.Contains(sources, name) {
			e.told[name] = state.Fact[state.Alerts]{At: e.opt.Now()}
			e.changed[name] = true
			stir(e.news)
		}
	}
}

func (e *Evaluator) secret(ctx context.Context, s desired.Secret) (string, error) {
	if e.opt.Secret == nil {
		return "", fmt.Errorf("no secret can be had")
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return e.opt.Secret(ctx, s)
}

// collectPatience is how long a collector may take: as long as a reading may.
const collectPatience = 10 * time.Second

// maxCollected is what a collector may say; the child refuses more than 4 MiB anyway.
const maxCollected = 4<<20 + 1

// collect hands over what a target says.
func (e *Evaluator) collect(ctx context.Context, c *child, q *lines.Collect) {
	ctx, cancel := context.WithTimeout(ctx, collectPatience)
	defer cancel()
	is := lines.Collected{ID: q.ID, Err: "nobody collects it"}
	if e.opt.Collect != nil {
		text, err := e.opt.Collect(ctx, q.Target)
		is.Text, is.Err = text[:min(len(text), maxCollected)], ""
		if err != nil {
			is.Text, is.Err = nil, err.Error()
		}
	}
	_ = c.out.Write(lines.Order{Collected: &is})
}

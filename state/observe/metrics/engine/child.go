package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/metrics"
	"github.com/pakashop/evenkeel/state/observe/metrics/lines"
	"github.com/pakashop/evenkeel/state/resident"
)

// What is frugal: how much memory the collector of garbage aims at, and how many
// orders are carried out at once.
const (
	frugalMemory = 96 << 20
	maxAtOnce    = 4
)

// Child takes over the process if package metrics started it to evaluate, and says
// so: then main has nothing more to do. It is called first thing in main, and in
// TestMain of whatever has rules evaluated.
func Child() bool {
	if len(os.Args) != 2 || os.Args[1] != metrics.Role {
		return false
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	err := confine()
	if err == nil {
		err = speak(os.Stdin, os.Stdout, log)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
	return true
}

// child is the process that evaluates.
type child struct {
	out    *lines.Writer
	engine *Engine
	ctx    context.Context
	wg     sync.WaitGroup
	places chan struct{} // for orders that take their time
	sets   chan lines.Order
	fresh  chan struct{} // size 1: there is news

	// mu guards what follows.
	mu      sync.Mutex
	news    map[string]bool
	last    uint64
	waiting map[uint64]chan *lines.Collected
}

// speak carries out orders until there are no more.
func speak(in io.Reader, out io.Writer, log *slog.Logger) error {
	debug.SetMemoryLimit(frugalMemory)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := &child{
		out: lines.NewWriter(out), ctx: ctx, places: make(chan struct{}, maxAtOnce), sets: make(chan lines.Order),
		fresh: make(chan struct{}, 1), news: map[string]bool{}, waiting: map[uint64]chan *lines.Collected{},
	}
	e, err := New(Options{Dir: ".", Collect: c.collect, News: c.tell, Log: log})
	if err != nil {
		return err
	}
	c.engine = e
	c.wg.Go(c.report)
	c.wg.Go(c.set)
	c.wg.Go(func() {
		if err := resident.Keep(ctx); err != nil {
			log.Info("more memory is used than need be", "error", err)
		}
	})
	r := lines.NewReader(in, lines.MaxOrder)
	for {
		var o lines.Order
		if err = r.Read(&o); err != nil {
			break
		}
		c.obey(o)
	}
	cancel()
	c.wg.Wait()
	if cerr := e.Close(); cerr != nil {
		log.Warn("the series were not closed well", "error", cerr)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("read an order: %w", err)
}

// obey carries out an order, beside the reading of others where it takes time.
func (c *child) obey(o lines.Order) {
	switch {
	case o.Collected != nil:
		c.mu.Lock()
		wait := c.waiting[o.Collected.ID]
		delete(c.waiting, o.Collected.ID)
		c.mu.Unlock()
		if wait != nil {
			wait <- o.Collected
		}
	case o.Set != nil:
		select {
		case c.sets <- o:
		case <-c.ctx.Done():
		}
	case o.Read != nil || o.Ask != nil:
		c.wg.Go(func() {
			c.places <- struct{}{}
			defer func() { <-c.places }()
			c.answer(o)
		})
	}
}

// set takes what is wanted, in order: it may wait for targets that are let go.
func (c *child) set() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case o := <-c.sets:
			r := lines.Report{ID: o.ID}
			sources, err := c.engine.Set(o.Set.Rules, o.Set.Targets, o.Set.Tokens, o.Set.Refused)
			if r.Sources = sources; err != nil {
				r.Err = err.Error()
			}
			_ = c.out.Write(r)
		}
	}
}

// answer answers a question.
func (c *child) answer(o lines.Order) {
	ctx, cancel := context.WithTimeout(c.ctx, maxQuery)
	defer cancel()
	r := lines.Report{ID: o.ID}
	if o.Read != nil {
		r.Facts = c.engine.Facts(ctx, o.Read.Alerts, o.Read.Queries)
	} else {
		text, err := c.engine.Text(ctx, o.Ask.Expr, o.Ask.At, o.Ask.Exemplars)
		if r.Text = text; err != nil {
			r.Err = err.Error()
		}
	}
	_ = c.out.Write(r)
}

// tell notes that sources changed.
func (c *child) tell(sources []string) {
	c.mu.Lock()
	for _, s := range sources {
		c.news[s] = true
	}
	c.mu.Unlock()
	select {
	case c.fresh <- struct{}{}:
	default:
	}
}

// report brings news, each source for itself, so that one that says much silences no
// other.
func (c *child) report() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.fresh:
		}
		c.mu.Lock()
		var names []string
		for name := range c.news {
			names = append(names, name)
		}
		clear(c.news)
		c.mu.Unlock()
		for name, f := range c.engine.facts(names) {
			_ = c.out.Write(lines.Report{Facts: state.Facts{Alerts: map[string]state.Fact[state.Alerts]{name: f}}})
		}
	}
}

// collect asks the parent for what a target says.
func (c *child) collect(ctx context.Context, t desired.Target) ([]byte, error) {
	wait := make(chan *lines.Collected, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.waiting[id] = wait
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()
	if err := c.out.Write(lines.Report{Collect: &lines.Collect{ID: id, Target: t}}); err != nil {
		return nil, err
	}
	select {
	case is := <-wait:
		if is.Err != "" {
			return nil, errors.New(is.Err)
		}
		return is.Text, nil
	case <-time.After(2 * maxPatient):
		return nil, errors.New("it was not collected in time")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

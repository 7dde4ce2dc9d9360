package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/godbus/dbus/v5"
)

// Options has a useful zero value.
type Options struct {
	Timeout      time.Duration // of a call that reads, and of connecting; default 5 s
	JobTimeout   time.Duration // of a call that changes something, where the context has no deadline; default 90 s
	Subscribe    bool          // ask for signals when connecting, as Watch does; costs two round trips
	PrivateFirst bool          // try systemd's own socket before the system bus: faster, root only, dies with a daemon-reexec

	SystemSocket  string       // default /run/dbus/system_bus_socket
	PrivateSocket string       // default /run/systemd/private
	Log           *slog.Logger // default: nowhere
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.JobTimeout <= 0 {
		o.JobTimeout = 90 * time.Second
	}
	if o.SystemSocket == "" {
		o.SystemSocket = "/run/dbus/system_bus_socket"
	}
	if o.PrivateSocket == "" {
		o.PrivateSocket = "/run/systemd/private"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Conn is a connection to systemd that outlives the sockets under it. It is
// safe for concurrent use.
type Conn struct {
	opts Options

	dial chan struct{} // held by whoever connects

	now        atomic.Pointer[link] // nil: none, or it died
	generation atomic.Uint64
	watchers   atomic.Pointer[[]*watcher] // copied on change: signals read it without a lock

	mu        sync.Mutex
	subscribe bool
	sick      bool // the message bus did not answer: try the private socket first
	closed    bool
	lastErr   error
	failures  int
	retryAt   time.Time
	probes    sync.WaitGroup
}

var errClosed = errors.New("closed by its owner")

// Dial connects to systemd, on the system bus or, where that is refused and the
// caller is root, on systemd's private socket. ctx bounds the dialling only.
func Dial(ctx context.Context, opts Options) (*Conn, error) {
	c := &Conn{opts: opts.withDefaults(), subscribe: opts.Subscribe, dial: make(chan struct{}, 1)}
	c.watchers.Store(&[]*watcher{})
	if _, err := c.link(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Close ends the connection and whatever waits on it.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	if l := c.now.Load(); l != nil {
		l.close()
	}
	c.probes.Wait()
	return nil
}

// Via tells which way leads to systemd now: "system bus", "private socket", or
// "" while there is none.
func (c *Conn) Via() string {
	if l := c.now.Load(); l != nil {
		return l.via
	}
	return ""
}

// Connected tells whether there is a live connection. One that is lost comes
// back with the next call.
func (c *Conn) Connected() bool { return c.Via() != "" }

// Generation counts the connections so far. Whatever was learnt by signals in
// another generation must be read again.
func (c *Conn) Generation() uint64 { return c.generation.Load() }

// link returns the live link, connecting if there is none.
func (c *Conn) link(ctx context.Context) (*link, error) {
	if l, err := c.current(); l != nil || err != nil {
		return l, err
	}
	select {
	case c.dial <- struct{}{}:
		defer func() { <-c.dial }()
	case <-ctx.Done():
		return nil, noServer(ctx.Err())
	}
	if l, err := c.current(); l != nil || err != nil {
		return l, err
	}
	return c.connect(ctx)
}

// current is the live link, or the reason why none may be tried now.
func (c *Conn) current() (*link, error) {
	if l := c.now.Load(); l != nil {
		return l, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, noServer(errClosed)
	case c.lastErr != nil && time.Now().Before(c.retryAt):
		return nil, noServer(c.lastErr)
	}
	return nil, nil
}

// The pause after a connection that could not be made.
const (
	firstPause = 20 * time.Millisecond
	maxPause   = 2 * time.Second
)

// connect makes a new link. The caller holds c.dial.
func (c *Conn) connect(ctx context.Context) (*link, error) {
	c.mu.Lock()
	subscribe, privateFirst := c.subscribe, c.opts.PrivateFirst || c.sick
	c.mu.Unlock()
	l, err := open(ctx, c, privateFirst, subscribe)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.lastErr = err
		c.retryAt = time.Now().Add(min(firstPause<<min(c.failures, 10), maxPause))
		c.failures++
		return nil, noServer(err)
	}
	if c.closed {
		l.close()
		return nil, noServer(errClosed)
	}
	c.lastErr, c.failures = nil, 0
	c.sick = c.sick && l.via == viaPrivate
	l.generation = c.generation.Add(1)
	c.now.Store(l)
	if !l.alive() {
		c.lost(l) // it died before it was known
	}
	c.opts.Log.Debug("connected to systemd", "via", l.via, "generation", c.Generation())
	return l, nil
}

// lost is called by each link that dies. It takes no lock: the caller may be
// closing the link under ours.
func (c *Conn) lost(l *link) {
	if c.now.CompareAndSwap(l, nil) {
		c.opts.Log.Debug("lost the connection to systemd", "via", l.via)
		c.allTouched()
	}
}

// effect is a Manager method that changes something.
func (c *Conn) effect(ctx context.Context, method string, args []any, out ...any) error {
	ctx, cancel := c.patience(ctx)
	defer cancel()
	return c.attempt(ctx, method, args, out...)
}

// patience bounds a context that has no deadline by Options.JobTimeout.
func (c *Conn) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.opts.JobTimeout)
}

// attempt calls a Manager method.
func (c *Conn) attempt(ctx context.Context, method string, args []any, out ...any) error {
	return c.with(ctx, func(l *link) error { return l.callRaw(ctx, method, args, out...) })
}

// with runs do on the live link; once more on a new one if that link turned out
// to be closed before anything was sent.
func (c *Conn) with(ctx context.Context, do func(*link) error) error {
	for range 2 {
		l, err := c.link(ctx)
		if err != nil {
			return err
		}
		err = do(l)
		if errors.Is(err, dbus.ErrClosed) {
			c.lost(l)
			continue
		}
		err = convert(err)
		c.suspect(l, err)
		return err
	}
	return noServer(dbus.ErrClosed)
}

// suspect looks after a link on which a call was not answered in time. If the
// message bus itself does not answer either, it is the bus that hangs and not
// PID 1: the link is dropped and the private socket is next.
func (c *Conn) suspect(l *link, err error) {
	if err == nil || l.via != viaSystem || !errors.Is(err, context.DeadlineExceeded) || !l.probing.CompareAndSwap(false, true) {
		return
	}
	c.background(func(ctx context.Context) {
		defer l.probing.Store(false)
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		call := l.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetId", 0)
		if !errors.Is(call.Err, context.DeadlineExceeded) {
			return
		}
		c.mu.Lock()
		c.sick = true
		c.mu.Unlock()
		l.close()
	})
}

// background runs work that Close waits for.
func (c *Conn) background(work func(context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.probes.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.opts.Timeout)
		defer cancel()
		work(ctx)
	})
}

// String is for logs.
func (c *Conn) String() string { return fmt.Sprintf("systemd via %q", c.Via()) }

package engine

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired"
)

// gathered serves what is not read over a network, without one: the scraper asks for
// it as it asks every other target, so that all limits hold for it, too.
type gathered struct {
	collect func(context.Context, desired.Target) ([]byte, error)
	server  *http.Server
	calls   chan net.Conn
	done    chan struct{}
	once    sync.Once
	wg      sync.WaitGroup

	mu      sync.Mutex
	targets map[string]desired.Target // by the host that they are asked for under
}

// suffix is of hosts that are none: no resolver knows a name below it.
const suffix = ".gathered.invalid"

func newGathered(o Options) *gathered {
	g := &gathered{collect: o.Collect, calls: make(chan net.Conn), done: make(chan struct{})}
	g.server = &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	g.wg.Go(func() { _ = g.server.Serve(g) })
	return g
}

func (g *gathered) close() {
	_ = g.server.Close()
	g.wg.Wait()
}

// set takes the targets that are gathered, and says under which address.
func (g *gathered) set(targets []desired.Target) map[place]string {
	out, by := map[place]string{}, map[string]desired.Target{}
	for i, t := range targets {
		if t.Metrics.HTTPGet == nil {
			host := strconv.Itoa(i) + suffix
			out[place{t.Job, t.Instance}], by[host] = host+":80", t
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.targets = by
	return out
}

// dial connects to where a target is read.
func (g *gathered) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !strings.HasSuffix(host, suffix) {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
	ours, theirs := net.Pipe()
	select {
	case g.calls <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-g.done:
		return nil, net.ErrClosed
	}
}

// ServeHTTP says what a target says.
func (g *gathered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	g.mu.Lock()
	t, ok := g.targets[host]
	g.mu.Unlock()
	text, err := []byte(nil), errors.New("nobody collects it")
	if ok && g.collect != nil {
		text, err = g.collect(r.Context(), t)
	}
	if err != nil {
		// The scraper tells a status, and of that its text.
		http.Error(w, "", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(text)
}

// Accept, Close and Addr make it a listener of its own calls.
func (g *gathered) Accept() (net.Conn, error) {
	select {
	case c := <-g.calls:
		return c, nil
	case <-g.done:
		return nil, net.ErrClosed
	}
}

// Close takes no more calls.
func (g *gathered) Close() error {
	g.once.Do(func() { close(g.done) })
	return nil
}

// Addr is no address.
func (g *gathered) Addr() net.Addr { return &net.UnixAddr{Name: suffix, Net: "pipe"} }

package ask

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/desired"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a server that says what a test has it say.
type peer struct {
	net.Listener
	conns atomic.Int32
}

// serve accepts connections on a free port of 127.0.0.1, and has each handled.
// What is still under way when the test ends is cut.
func serve(t testing.TB, handle func(p *peer, c net.Conn)) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, l, handle)
}

func serveOn(t testing.TB, l net.Listener, handle func(p *peer, c net.Conn)) *peer {
	p := &peer{Listener: l}
	var mu sync.Mutex
	var open []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.conns.Add(1)
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() { defer c.Close(); handle(p, c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return p
}

// says reads a request and answers with a text.
func says(text string) func(*peer, net.Conn) {
	return func(p *peer, c net.Conn) {
		if request(c) != "" {
			p.write(c, text)
		}
	}
}

// request reads what comes first.
func request(c net.Conn) string {
	b := make([]byte, 64<<10)
	n, _ := c.Read(b)
	return string(b[:n])
}

func (p *peer) write(c net.Conn, text string) bool {
	_, err := c.Write([]byte(text))
	return err == nil
}

func (p *peer) port() *desired.Port {
	_, port, _ := net.SplitHostPort(p.Addr().String())
	n, _ := strconv.Atoi(port)
	return &desired.Port{Number: n}
}

// unitProbe is a liveness probe of web.service that waits a second.
func unitProbe(p desired.Probe) desired.Probing {
	p.TimeoutSeconds = 1
	return desired.Probing{Name: "liveness/web.service", Kind: desired.LivenessProbe, Unit: "web.service", Probe: p}
}

func endpointProbe(p desired.Probe) desired.Probing {
	p.TimeoutSeconds = 1
	return desired.Probing{Name: "endpoint/bank", Kind: desired.EndpointProbe, Probe: p}
}

// once asks once, as long as the probe may take and no longer.
func once(t testing.TB, a *Asker, p desired.Probing) Sample {
	t.Helper()
	limit := time.Duration(p.Probe.TimeoutSeconds) * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	began := time.Now()
	s := a.Ask(ctx, p)
	if took := time.Since(began); took > limit+500*time.Millisecond {
		t.Errorf("it took %v, and may take %v", took, limit)
	}
	return s
}

package collect

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is the time of all tests.
var now = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

const secret = "hunter2-of-metrics"

func tester(dsn string) *Collector {
	return New(Options{
		Now: func() time.Time { return now },
		Secret: func(_ context.Context, s desired.Secret) (string, error) {
			switch s.FromCredential {
			case "dsn":
				return dsn, nil
			case "key":
				return secret, nil
			}
			return "", errors.New("there is no credential " + s.FromCredential)
		},
	})
}

// serve listens on a free port; what is under way when the test ends is cut.
func serve(t testing.TB, handle func(c net.Conn)) *desired.Port {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() { defer c.Close(); handle(c) })
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
	return port(l.Addr().String())
}

func port(address string) *desired.Port {
	_, text, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(text)
	return &desired.Port{Number: n}
}

// closed is a port on which nobody listens, nor will: it is taken.
func closed(t testing.TB) *desired.Port {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return &desired.Port{Number: at.(*unix.SockaddrInet4).Port}
}

// says reads a request and answers with a text.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		b := make([]byte, 4096)
		_, _ = c.Read(b)
		_, _ = c.Write([]byte(text))
	}
}

// silent accepts, and says nothing until the other side goes.
func silent(c net.Conn) { _, _ = c.Read(make([]byte, 1<<16)); _, _ = c.Read(make([]byte, 1)) }

// forever says the first text once and then the second one without end.
func forever(first, then string) func(net.Conn) {
	block := []byte(strings.Repeat(then, 1+(64<<10)/len(then)))
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, err := c.Write([]byte(first))
		for err == nil {
			_, err = c.Write(block)
		}
	}
}

// deadline of a collection: long enough for a few megabytes on a busy machine.
const deadline = 2 * time.Second

// look collects with a deadline.
func look(t testing.TB, c *Collector, m desired.Metrics) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	began := time.Now()
	text, err := c.Collect(ctx, desired.Target{Unit: "x.service", Metrics: m})
	if took := time.Since(began); took > deadline+2*time.Second {
		t.Errorf("it took %v", took)
	}
	if err != nil {
		if text != nil || strings.Contains(err.Error(), secret) || len(err.Error()) > 1000 {
			t.Errorf("with the error %v: %s", err, text)
		}
		return "", err
	}
	proper(t, text)
	return string(text), nil
}

// proper checks that a text is what Prometheus reads, and what the list promises.
func proper(t testing.TB, text []byte) map[string]*dto.MetricFamily {
	t.Helper()
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if bytes.Contains(text, []byte(secret)) {
		t.Errorf("a secret shows in\n%s", text)
	}
	listed := map[string]Metric{}
	for _, m := range All() {
		listed[m.Name] = m
	}
	for name, f := range families {
		m, ok := listed[name]
		if !ok || strings.ToLower(f.GetType().String()) != m.Type {
			t.Errorf("%s of type %s is not in the list", name, f.GetType())
		}
		for _, one := range f.GetMetric() {
			var labels []string
			for _, l := range one.GetLabel() {
				labels = append(labels, l.GetName())
				if len(l.GetValue()) > maxLabel+8 {
					t.Errorf("%s: a label of %d bytes", name, len(l.GetValue()))
				}
			}
			if !slices.Equal(labels, m.Labels) {
				t.Errorf("%s has the labels %v, and should have %v", name, labels, m.Labels)
			}
		}
	}
	return families
}

// has checks that lines are there.
func has(t testing.TB, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains("\n"+text, "\n"+l+"\n") {
			t.Errorf("%s\nis missing in\n%s", l, text)
		}
	}
}

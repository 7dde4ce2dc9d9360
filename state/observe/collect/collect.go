package collect

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// Options are the parts of a Collector.
type Options struct {
	Secret   func(context.Context, desired.Secret) (string, error) // nil: no value can be had
	Units    Units                                                 // nil: nothing is known of systemd
	Declared func() []string                                       // the units of which systemd is asked one by one, besides those that failed
	Now      func() time.Time                                      // nil: time.Now
	Roots    *x509.CertPool                                        // who may sign what an HTTPS page is served with; nil: this host's
	Proc     string                                                // default /proc
}

// Units is what is asked of systemd; bus.Conn does it.
type Units interface {
	ListUnits(ctx context.Context) ([]bus.LoadedUnit, error)
	Get(ctx context.Context, props []bus.Property) ([]bus.Reply, error)
}

// Collector collects. It is safe for concurrent use.
type Collector struct {
	opt      Options
	asker    *ask.Asker
	sessions sessions
}

// New returns a Collector.
func New(o Options) *Collector {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Proc == "" {
		o.Proc = "/proc"
	}
	return &Collector{opt: o, asker: ask.New(ask.Options{Roots: o.Roots})}
}

// The bounds of one collection.
const (
	patience   = 10 * time.Second // at the longest, whatever the caller allows
	maxRead    = 1 << 20          // bytes, of an answer or a file
	maxSamples = 4500             // a scrape may have 5,000
)

// Collect reads one target now, as Prometheus' text.
func (c *Collector) Collect(ctx context.Context, t desired.Target) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p := newPage()
	asked := false
	for _, s := range c.sources(t) {
		if !s.is {
			continue
		}
		asked = true
		if err := s.read(ctx, t, p); err != nil {
			return nil, fmt.Errorf("collect metrics of %s: %w", s.of, err)
		}
	}
	if !asked {
		return nil, errors.New("collect metrics: it is not said of what")
	}
	return p.bytes()
}

type source struct {
	of   string
	is   bool
	read func(context.Context, desired.Target, *page) error
}

func (c *Collector) sources(t desired.Target) []source {
	m := t.Metrics
	return []source{
		{"Redis", m.Redis != nil, c.redis},
		{"PostgreSQL", m.Postgres != nil, c.postgres},
		{"nginx", m.Nginx != nil, c.nginx},
		{"Meilisearch", m.Meilisearch != nil, c.meilisearch},
		{"certificates", m.Certificates != nil, c.certificates},
		{"the host", t.Collector == "node", c.node},
		{"systemd", t.Collector == "systemd", c.systemd},
	}
}

// down tells whether a connection failed because the service is not there. Only
// that nobody listens is the service's own word: a timeout, a cut or garbage may have
// any cause, and are told as errors.
func down(ctx context.Context, err error, unit, address string) (bool, error) {
	switch s := ask.Fault(ctx, err, unit, address); {
	case errors.Is(err, ask.ErrLong), errors.Is(err, errMuch):
		return false, errMuch
	case s.Class == state.ClassRefused:
		return true, nil
	case s.Err != "":
		return false, errors.New(s.Err)
	default:
		return false, errors.New(s.Detail)
	}
}

// errMuch is the end of an answer that does not end.
var errMuch = errors.New("the answer is longer than is read")

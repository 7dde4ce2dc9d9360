package ask

import (
	"context"
	"crypto/x509"
	"net"
	"time"

	"github.com/pakashop/evenkeel/desired"
)

// Options are the parts of an Asker; the zero value has no secrets.
type Options struct {
	Secret func(context.Context, desired.Secret) (string, error) // nil: no value can be had
	Roots  *x509.CertPool                                        // who may sign certificates; nil: those that this host trusts
}

// Asker asks in every way that can be declared. It is safe for concurrent use.
type Asker struct {
	opt      Options
	here     addresses
	cages    cages
	queries  queries
	resolver *net.Resolver // nil: this host's
}

// New returns an Asker.
func New(o Options) *Asker { return &Asker{opt: o} }

// Ask takes one sample of a probe, until ctx ends at the latest.
func (a *Asker) Ask(ctx context.Context, p desired.Probing) Sample {
	switch one := p.Probe; {
	case one.HTTPGet != nil:
		return a.http(ctx, p)
	case one.TCPSocket != nil:
		return a.tcp(ctx, p)
	case one.Redis != nil:
		return a.redis(ctx, p)
	case one.Unix != nil:
		return a.unix(ctx, p)
	case one.GRPC != nil:
		return a.grpc(ctx, p)
	case one.Postgres != nil:
		return a.postgres(ctx, p)
	case one.Exec != nil:
		return a.exec(ctx, p)
	}
	return unknown("it is not said how to ask")
}

// agent is the name under which a probe asks.
const agent = "evenkeel-probe"

// patience is how long a probe waits, in words.
func patience(p desired.Probing) string {
	return (time.Duration(max(1, p.Probe.TimeoutSeconds)) * time.Second).String()
}

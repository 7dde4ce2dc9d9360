package ask

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/pakashop/evenkeel/desired"
)

// target is where to connect.
type target struct {
	host string
	port int
}

// here is the default of all that is asked on this host.
const here = "127.0.0.1"

func at(host string, port *desired.Port, standard int) target {
	t := target{host, standard}
	if t.host == "" {
		t.host = here
	}
	if port != nil {
		t.port = port.Number
	}
	return t
}

func (t target) String() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

// dial connects for a probe. What a name means is checked when it is connected
// to, so that no resolver can send a probe elsewhere: the probe of a unit goes
// to this host and nowhere else, that of an Endpoint not to the addresses of a
// link and others from which clouds hand out credentials. What is read
// and written ends with ctx.
func (a *Asker) dial(ctx context.Context, p desired.Probing, to target) (net.Conn, error) {
	if c := dialHere(to); c != nil {
		return endWith(ctx, c), nil
	}
	d := net.Dialer{Resolver: a.resolver, KeepAlive: -1, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return a.allowed(p, to.host, address)
	}}
	c, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	return endWith(ctx, c), nil
}

// forbidden is an address that a probe must not go to.
type forbidden struct{ why string }

func (f *forbidden) Error() string { return f.why }

func (a *Asker) allowed(p desired.Probing, host, address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := to.Addr().Unmap().WithZone("")
	switch {
	case ip.IsLoopback() || ip.IsUnspecified():
		return nil
	case p.Unit == "" && (ip.IsLinkLocalUnicast() || ip.IsMulticast() || slices.Contains(metadata, ip)):
		return &forbidden{host + " is " + ip.String() + ", an address of the link or of the cloud itself, and is never asked"}
	case p.Unit != "" && !a.here.has(ip):
		return &forbidden{host + " is not this host; what runs elsewhere is asked by an Endpoint"}
	}
	return nil
}

// metadata is where some clouds hand out credentials; the others do at an address
// of the link.
var metadata = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200")}

// addresses are this host's own, read anew now and then.
type addresses struct {
	mu  sync.Mutex
	at  time.Time
	set map[netip.Addr]bool
}

// staleAddresses is how old a reading of this host's addresses may be.
const staleAddresses = time.Second

func (a *addresses) has(ip netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.set[ip] && time.Since(a.at) > staleAddresses || time.Since(a.at) > time.Minute {
		a.at, a.set = time.Now(), map[netip.Addr]bool{}
		all, _ := net.InterfaceAddrs() // none: nothing but loopback is this host's
		for _, one := range all {
			if prefix, err := netip.ParsePrefix(one.String()); err == nil {
				a.set[prefix.Addr().Unmap().WithZone("")] = true
			}
		}
	}
	return a.set[ip]
}

// bound is a connection that ends with a context.
type bound struct {
	net.Conn
	stop func() bool
}

func endWith(ctx context.Context, c net.Conn) net.Conn {
	return bound{c, context.AfterFunc(ctx, func() { _ = c.SetDeadline(past) })}
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

func (b bound) Close() error {
	b.stop()
	return b.Conn.Close()
}

// unixRetry is how often one tries again to connect to a socket whose queue is
// full: such a connect does not wait.
const unixRetry = 10 * time.Millisecond

func dialUnix(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, "unix", path)
		if err == nil {
			return endWith(ctx, c), nil
		}
		if !errors.Is(err, syscall.EAGAIN) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(unixRetry):
		}
	}
}

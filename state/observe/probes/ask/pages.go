package ask

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Connect opens a connection for somebody else who asks on a unit's behalf, or
// without a unit on that of an Endpoint: over tcp as probes do, with the same check
// of what a name means, or to a socket in the file system. What is read and written
// ends with ctx.
func (a *Asker) Connect(ctx context.Context, unit, network, address string) (net.Conn, error) {
	if network == "unix" {
		return dialUnix(ctx, address)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	return a.dial(ctx, desired.Probing{Unit: unit}, target{host, n})
}

// Fault tells what an error of a connection says of what was asked, as a probe
// would: a Class where it is the service's, an Err where it is ours.
func Fault(ctx context.Context, err error, unit, address string) Sample {
	if ctx.Err() != nil && timeOut(err) {
		err = ctx.Err()
	}
	if timeOut(err) && !(loopback(address) && loopbackDown()) {
		return failed(state.ClassTimeout, "no whole answer from "+address+" in time")
	}
	return fault(err, desired.Probing{Unit: unit}, address)
}

// ErrLong says that an answer has more than is read.
var ErrLong = errors.New("the answer is longer than is read")

// Pages asks one HTTP server for pages, over one connection as long as the server
// keeps it. Close it in the end.
type Pages struct {
	asker *Asker
	unit  string
	meter *meter
	conn  net.Conn
	in    *bufio.Reader
}

// Pages of a unit's server; of all of them together no more than most bytes are
// read.
func (a *Asker) Pages(unit string, most int) *Pages {
	return &Pages{asker: a, unit: unit, meter: &meter{left: most}}
}

// Get asks for a page. Any answer is one, whatever its status.
func (p *Pages) Get(ctx context.Context, h *desired.HTTPGet) (status int, body []byte, err error) {
	q, err := newQuery(desired.Probing{Unit: p.unit, Probe: desired.Probe{HTTPGet: h}})
	if err != nil {
		return 0, nil, err
	}
	kept := p.conn != nil
	status, body, err = p.get(ctx, &q)
	if kept && ended(err) { // the server ended a connection that it might have kept
		status, body, err = p.get(ctx, &q)
	}
	return status, body, err
}

func ended(err error) bool {
	for _, is := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.EPIPE, syscall.ECONNRESET} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

func (p *Pages) get(ctx context.Context, q *query) (int, []byte, error) {
	if p.conn == nil {
		c, err := p.asker.connect(ctx, desired.Probing{Unit: p.unit}, q)
		if err != nil {
			return 0, nil, err
		}
		p.conn, p.meter.c = c, c
		p.in = bufio.NewReader(p.meter)
	}
	resp, body, err := p.exchange(q)
	if err != nil || resp.Close {
		p.Close()
	}
	switch {
	case err == nil:
		return resp.StatusCode, body, nil
	case p.meter.left <= 0:
		return 0, nil, ErrLong
	}
	return 0, nil, p.meter.cause(err)
}

func (p *Pages) exchange(q *query) (*http.Response, []byte, error) {
	if _, err := p.conn.Write(q.bytes()); err != nil {
		return nil, nil, err
	}
	for range maxEarly {
		resp, err := http.ReadResponse(p.in, nil)
		if err != nil {
			return nil, nil, err
		}
		if resp.StatusCode >= 200 {
			body, err := io.ReadAll(resp.Body)
			if err == nil && p.meter.left <= 0 {
				err = ErrLong // it may go on where the reading ended
			}
			return resp, body, err
		}
	}
	return nil, nil, errors.New("it announces an answer, and gives none")
}

// Close ends the connection. Pages can be asked for all the same: over another one.
func (p *Pages) Close() {
	if p.conn != nil {
		p.conn.Close()
		p.conn = nil
	}
}

// Presented connects with TLS, and returns the certificates that the server
// presents, verified or not: its own is the first.
func (a *Asker) Presented(ctx context.Context, unit, address string) ([]*x509.Certificate, error) {
	c, err := a.Connect(ctx, unit, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	host, _, _ := net.SplitHostPort(address)
	secure := tls.Client(c, &tls.Config{ServerName: host, InsecureSkipVerify: true})
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, &handshake{err}
	}
	return secure.ConnectionState().PeerCertificates, nil
}

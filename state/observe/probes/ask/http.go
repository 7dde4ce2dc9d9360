package ask

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What is read of an answer. As with kubelet a body may be longer: the rest is
// not read, and nobody waits for it.
const (
	maxHead = 16 << 10
	maxBody = 64 << 10
)

// maxEarly bounds the answers that announce an answer.
const maxEarly = 5

// query is one HTTP request.
type query struct {
	to     target
	name   string      // of to
	tls    *tls.Config // nil: plain
	host   string      // header
	path   string      // encoded, with its query
	header []desired.Header
	text   []byte // as it goes over the wire
}

// queries keeps requests ready: the same are made again and again.
type queries struct {
	mu  sync.Mutex
	all map[*desired.HTTPGet]*query // what is declared never changes
}

// maxQueries bounds what is kept of declarations that are no longer in force.
const maxQueries = 4096

func (k *queries) of(p desired.Probing) (*query, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if q := k.all[p.Probe.HTTPGet]; q != nil {
		return q, nil
	}
	q, err := newQuery(p)
	if err != nil {
		return nil, err
	}
	q.name, q.text = q.to.String(), q.bytes()
	if k.all == nil || len(k.all) >= maxQueries {
		k.all = make(map[*desired.HTTPGet]*query)
	}
	k.all[p.Probe.HTTPGet] = &q
	return &q, nil
}

// http asks as kubelet does: any status from 200 to 399 is well. It does not
// follow redirects, asks for nothing compressed and expands nothing. Each sample
// has a connection of its own: one that is kept says nothing of whether new ones
// are accepted, and holds one of the few workers of a small server.
func (a *Asker) http(ctx context.Context, p desired.Probing) Sample {
	q, err := a.queries.of(p)
	if err != nil {
		return unknown(err.Error())
	}
	c, err := a.connect(ctx, p, q)
	if err != nil {
		return fault(err, p, q.name)
	}
	defer c.Close()
	s := talk(c, p, q)
	if secure, ok := c.(*tls.Conn); ok {
		s.Expires = expires(secure.ConnectionState())
	}
	return s
}

// talk asks on a connection.
func talk(c net.Conn, p desired.Probing, q *query) Sample {
	if _, err := c.Write(q.text); err != nil {
		return fault(err, p, q.name)
	}
	status, body, err := answer(c, p)
	switch {
	case err == errHead:
		return failed(state.ClassInvalid, "the answer begins with more than 16 KiB of headers")
	case err != nil:
		return fault(err, p, q.name)
	}
	return judge(p, status, body)
}

// judge tells what an answer is worth.
func judge(p desired.Probing, status int, body []byte) (s Sample) {
	switch {
	case status < 200 || status >= 400:
		s = failed(state.ClassStatus, "status "+strconv.Itoa(status))
	case len(p.Probe.ExpectJSON) > 0:
		s = compare(p.Probe.ExpectJSON, body)
	}
	if p.Kind == desired.ReadinessProbe {
		s.Says = dependencies(body)
	}
	return s
}

// connect connects, with TLS where it is asked for.
func (a *Asker) connect(ctx context.Context, p desired.Probing, q *query) (net.Conn, error) {
	c, err := a.dial(ctx, p, q.to)
	if err != nil || q.tls == nil {
		return c, err
	}
	config := q.tls.Clone()
	config.RootCAs = a.opt.Roots
	secure := tls.Client(c, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, &handshake{err}
	}
	return secure, nil
}

// expires is when what was verified stops being valid: the first certificate of a
// chain that does, of the chain that lasts longest. Zero: nothing was verified.
func expires(c tls.ConnectionState) time.Time {
	var last time.Time
	for _, chain := range c.VerifiedChains {
		first := chain[0].NotAfter
		for _, cert := range chain {
			if cert.NotAfter.Before(first) {
				first = cert.NotAfter
			}
		}
		if first.After(last) {
			last = first
		}
	}
	return last
}

// newQuery reads what is declared. Of a unit's own TLS only that it speaks it is
// asked, as kubelet does: it is known by its socket, and its certificate may be
// for another name. An Endpoint is known by its certificate alone.
func newQuery(p desired.Probing) (query, error) {
	h := p.Probe.HTTPGet
	if h.URL != "" {
		return atURL(h.URL, h.HTTPHeaders, p)
	}
	q := query{to: at(h.Host, h.Port, 80), header: h.HTTPHeaders}
	q.host = q.to.String()
	u, err := url.Parse(h.Path)
	if err != nil {
		u = &url.URL{Path: h.Path}
	}
	u.Scheme, u.Host = "http", q.host
	q.path = u.RequestURI()
	if h.Scheme == "HTTPS" {
		q.tls = secured(p, q.to.host)
	}
	return q, nil
}

func atURL(s string, header []desired.Header, p desired.Probing) (query, error) {
	u, err := url.Parse(s)
	if err != nil {
		return query{}, err
	}
	q := query{to: target{u.Hostname(), 80}, host: u.Host, path: u.RequestURI(), header: header}
	if u.Scheme == "https" {
		q.to.port, q.tls = 443, secured(p, u.Hostname())
	}
	if port := u.Port(); port != "" {
		q.to.port, _ = strconv.Atoi(port)
	}
	return q, nil
}

func secured(p desired.Probing, host string) *tls.Config {
	return &tls.Config{ServerName: host, InsecureSkipVerify: p.Unit != "", NextProtos: []string{"http/1.1"}}
}

// defaults are headers that are sent unless others of the same name are declared.
var defaults = []desired.Header{{Name: "User-Agent", Value: agent}, {Name: "Accept", Value: "*/*"}, {Name: "Connection", Value: "close"}}

// bytes is the request as it goes over the wire.
func (q query) bytes() []byte {
	var b bytes.Buffer
	line := func(name, value string) {
		b.WriteString(clean(name))
		b.WriteString(": ")
		b.WriteString(clean(value))
		b.WriteString("\r\n")
	}
	b.WriteString("GET " + q.path + " HTTP/1.1\r\n")
	for _, d := range append(defaults, desired.Header{Name: "Host", Value: q.host}) {
		if !declared(q.header, d.Name) {
			line(d.Name, d.Value)
		}
	}
	for _, h := range q.header {
		if h.Value != "" || !declared(defaults, h.Name) { // an empty one removes it, as with kubelet
			line(h.Name, h.Value)
		}
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func declared(all []desired.Header, name string) bool {
	for _, h := range all {
		if strings.EqualFold(h.Name, name) {
			return true
		}
	}
	return false
}

// clean drops what would end a header early; variables may have brought it.
func clean(s string) string {
	if !strings.ContainsAny(s, "\r\n\x00") {
		return s
	}
	return strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(s)
}

// errHead says that the headers are longer than is read.
var errHead = errors.New("more headers than are read")

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}

// meter bounds what is read, and keeps the error with which a connection ended:
// whoever parses takes one in the middle of a line for a fault of that line.
type meter struct {
	c    io.Reader
	left int
	err  error
}

func (m *meter) Read(b []byte) (int, error) {
	if m.left <= 0 {
		return 0, io.EOF
	}
	n, err := m.c.Read(b[:min(len(b), m.left)])
	m.left -= n
	m.err = err
	return n, err
}

// cause is the error with which the connection ended, or else that of the parser.
func (m *meter) cause(err error) error {
	if m.err != nil && m.err != io.EOF {
		return m.err
	}
	return err
}

// answer reads an answer: its status, and of its body what is wanted.
func answer(c io.Reader, p desired.Probing) (status int, body []byte, err error) {
	m := &meter{c: c, left: maxHead}
	r := readers.Get().(*bufio.Reader)
	r.Reset(m)
	defer func() { r.Reset(nil); readers.Put(r) }()
	var resp *http.Response
	for range maxEarly {
		if resp, err = http.ReadResponse(r, nil); err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
	}
	if err != nil && m.left <= 0 {
		return 0, nil, errHead
	}
	if err != nil {
		return 0, nil, m.cause(err)
	}
	m.left = maxBody + 1
	if len(p.Probe.ExpectJSON) == 0 && p.Kind != desired.ReadinessProbe {
		_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	} else {
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	}
	if err == nil || m.left <= 0 { // there is more than is read
		return resp.StatusCode, body, nil
	}
	return 0, nil, m.cause(err)
}

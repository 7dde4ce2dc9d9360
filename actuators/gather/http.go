package gather

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// httpStatus asks once. That the other side does not answer is what was to be found
// out, and no error.
func httpStatus(ctx context.Context, r actuators.Request) (found, error) {
	u, err := url.Parse(r.Args["url"])
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "tcp" {
		return found{}, actuators.Errorf(actuators.Invalid, "it has no URL that could be asked")
	}
	shown := u.Scheme + "://" + u.Host + u.EscapedPath() // what follows may be a secret
	var t text
	if name := r.Args["endpoint"]; name != "" {
		t.line("Endpoint %s: %s", name, shown)
	} else {
		t.line("%s", shown)
	}
	if u.Scheme == "tcp" {
		return tcpStatus(ctx, u.Host, shown, &t), nil
	}
	return ask(ctx, u, shown, &t)
}

func tcpStatus(ctx context.Context, host, shown string, t *text) found {
	began := time.Now()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		t.line("connect: %v", err)
		return found{shown + ": no connection", t.String()}
	}
	_ = c.Close()
	t.line("connect: %s after %s", c.RemoteAddr(), took(began))
	return found{shown + ": a connection after " + took(began), t.String()}
}

// steps are how far a request came. Its transport may still write after the answer.
type steps struct {
	sync.Mutex
	lines []string
	at    map[string]time.Time
	cert  *x509.Certificate
	trust error
}

func (s *steps) begin(what string) { s.Lock(); s.at[what] = time.Now(); s.Unlock() }

func (s *steps) end(what string, err error, says string) {
	s.Lock()
	defer s.Unlock()
	if err != nil {
		says = err.Error()
	}
	s.lines = append(s.lines, fmt.Sprintf("%s: %s after %s", what, says, took(s.at[what])))
}

func (s *steps) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { s.begin("dns") },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			says := ""
			for n, a := range i.Addrs {
				if n < 4 {
					says += a.String() + " "
				}
			}
			s.end("dns", i.Err, says+"found")
		},
		ConnectStart:      func(_, to string) { s.begin("connect " + to) },
		ConnectDone:       func(_, to string, err error) { s.end("connect "+to, err, "connected") },
		TLSHandshakeStart: func() { s.begin("tls") },
		TLSHandshakeDone:  func(c tls.ConnectionState, err error) { s.end("tls", err, tls.VersionName(c.Version)) },
	}
}

// verify keeps the certificate for whoever reads, and judges it as usual.
func (s *steps) verify(c tls.ConnectionState) error {
	if len(c.PeerCertificates) == 0 {
		return fmt.Errorf("it shows no certificate")
	}
	rest := x509.NewCertPool()
	for _, other := range c.PeerCertificates[1:] {
		rest.AddCert(other)
	}
	_, err := c.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: c.ServerName, Intermediates: rest})
	s.Lock()
	defer s.Unlock()
	s.cert, s.trust = c.PeerCertificates[0], err
	return err
}

func ask(ctx context.Context, u *url.URL, shown string, t *text) (found, error) {
	s := &steps{at: map[string]time.Time{}}
	began := time.Now()
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, s.trace()), http.MethodGet, u.String(), nil)
	if err != nil {
		return found{}, actuators.Errorf(actuators.Invalid, "it has no URL that could be asked")
	}
	req.Header.Set("User-Agent", "evenkeel")
	transport := &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		// verify judges as the library would have, and keeps what it has seen.
		TLSClientConfig: &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true, VerifyConnection: s.verify, NextProtos: []string{"http/1.1"}},
	}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req) // which follows nothing
	after := took(began)
	s.Lock()
	defer s.Unlock()
	for _, line := range s.lines[:min(len(s.lines), 20)] {
		t.line("%s", line)
	}
	if s.cert != nil {
		t.line("certificate: of %s, expires %s (in %s)", brief(s.cert.Subject.CommonName, 80), s.cert.NotAfter.UTC().Format(time.RFC3339), days(time.Until(s.cert.NotAfter)))
	}
	if s.trust != nil {
		t.line("certificate: not trusted: %v", s.trust)
	}
	if err != nil {
		t.line("no answer after %s: %v", after, err)
		return found{shown + ": no answer: " + brief(err.Error(), 100), t.String()}, nil
	}
	_ = resp.Body.Close() // what it says is nobody's business here
	t.line("status: %d %s after %s", resp.StatusCode, http.StatusText(resp.StatusCode), after)
	for _, h := range []string{"Retry-After", "Server", "Date"} {
		if v := resp.Header.Get(h); v != "" {
			t.line("%s: %s", h, brief(v, 100))
		}
	}
	if to, err := resp.Location(); err == nil {
		t.line("it points to %s, which was not followed", to.Scheme+"://"+to.Host)
	}
	return found{fmt.Sprintf("%s: %d after %s", shown, resp.StatusCode, after), t.String()}, nil
}

func took(since time.Time) string { return time.Since(since).Round(time.Millisecond).String() }

func days(d time.Duration) string { return fmt.Sprintf("%.1f days", d.Hours()/24) }

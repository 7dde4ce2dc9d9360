package gather

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answering sends what it is given to whoever asks something.
func answering(head, then string, pause time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		b := make([]byte, 1)
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		go silent(c)
		if _, err := io.WriteString(c, head); err == nil {
			forever(c, then, pause)
		}
	}
}

// certified serves TLS with a certificate that is its own.
func certified(t *testing.T, change func(*x509.Certificate)) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{CommonName: "own"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	change(c)
	raw, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

// Somebody outside who drips, floods, sends elsewhere or cannot be trusted is asked
// once: how far it came is evidence, and nothing that it said.
func TestHostileOutside(t *testing.T) {
	var followed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	web := func(serve func(net.Conn)) string { return "http://" + stranger(t, serve) }
	secure := func(serve func(net.Conn)) string { return "https://" + stranger(t, serve) }
	to := func(where string) string {
		return web(answering("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "+where+"\r\n\r\n", "", time.Hour))
	}
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct{ url, want string }{
		"nothing":                        {web(silent), "no answer after"},
		"headers, a byte at a time":      {web(answering(ok+"X: ", "x", 20*time.Millisecond)), "no answer after"},
		"a body, a byte at a time":       {web(answering(ok+"Content-Length: 1000000\r\n\r\n", "x", 20*time.Millisecond)), "status: 200 OK"},
		"a body of 10 GB":                {web(answering(ok+"Content-Length: 10000000000\r\n\r\n", strings.Repeat(dear, 10_000), 0)), "status: 200 OK"},
		"chunks without an end":          {web(answering(ok+"Transfer-Encoding: chunked\r\n\r\n", "7\r\n"+dear+"\r\n", 0)), "status: 200 OK"},
		"headers without an end":         {web(answering(ok, "X: y\r\n", 0)), "no answer after"},
		"a header without an end":        {web(answering(ok+"X: ", strings.Repeat("x", 10_000), 0)), "no answer after"},
		"continue, and continue":         {web(answering("", "HTTP/1.1 100 Continue\r\n\r\n", 0)), "no answer after"},
		"hints without an end":           {web(answering("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0)), "no answer after"},
		"it hangs up":                    {web(func(net.Conn) {}), "no answer after"},
		"it is no web server":            {web(answering("-ERR no\x1b[31m\r\n", "", time.Hour)), "no answer after"},
		"a status that is none":          {web(answering("HTTP/1.1 999 \x1b]0;owned\x07\r\nContent-Length: 0\r\n\r\n", "", time.Hour)), "status: 999"},
		"headers with terminal escapes":  {web(answering(ok+"Server: \x1b[2J\u202e\r\nRetry-After: "+strings.Repeat("9", 5000)+"\r\nContent-Length: 0\r\n\r\n", "", time.Hour)), "no answer after"},
		"it points to a file":            {to("file:///etc/" + dear), "it points to file://, which was not followed"},
		"it points to a cloud's secrets": {to("http://169.254.169.254/latest/" + dear), "it points to http://169.254.169.254, which was not followed"},
		"it points to a neighbour":       {to(elsewhere.URL + "/" + dear), "which was not followed"},
		"it points into a terminal":      {to("http://\u202e\u2066/" + dear), "status: 302"},
		"it speaks no TLS":               {secure(answering("HTTP/1.1 400 Bad Request\r\n\r\n"+dear, "", time.Hour)), "tls: "},
		"nothing, where TLS is expected": {secure(silent), "no answer after"},
		"TLS, a byte at a time":          {secure(answering("\x16\x03\x03\x3f\xff", "\x02", 20*time.Millisecond)), "no answer after"},
		"TLS records without an end":     {secure(answering("", "\x16\x03\x03\x40\x00\x02\xff\xff\xff"+strings.Repeat("\x00", 16380), 0)), "no answer after"},
		"nobody's certificate":           {certified(t, func(*x509.Certificate) {}), "certificate: not trusted: x509: certificate signed by unknown authority"},
		"an expired one":                 {certified(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "certificate: not trusted: x509: certificate has expired"},
		"one of somebody else":           {certified(t, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"shop.example"} }), "certificate: not trusted: x509: "},
		"one with a name for a terminal": {certified(t, func(c *x509.Certificate) {
			c.Subject.CommonName = "\x1b[2J" + strings.Repeat("n", 500)
			c.IPAddresses = nil
			for range 500 {
				c.DNSNames = append(c.DNSNames, strings.Repeat("d", 60)+".example")
			}
		}), "certificate: not trusted: x509: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			evidence, err := asked(t, request("http.status", nil, "url", c.url))
			if err != nil || !strings.Contains(evidence, c.want) {
				t.Errorf("%v:\n%s", err, evidence)
			}
			if strings.Contains(c.want, "not trusted") && strings.Contains(evidence, "status:") {
				t.Errorf("it was asked all the same:\n%s", evidence)
			}
		})
	}
	t.Cleanup(func() {
		if n := followed.Load(); n != 0 {
			t.Errorf("it was followed %d times", n)
		}
	})
}

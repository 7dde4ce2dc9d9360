package ask

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// drip writes a text a byte at a time.
func drip(text string, pause time.Duration) func(*peer, net.Conn) {
	return func(p *peer, c net.Conn) {
		request(c)
		for _, b := range []byte(text) {
			if !p.write(c, string(b)) {
				return
			}
			time.Sleep(pause)
		}
	}
}

// flood writes the same again and again.
func flood(head, text string, times int) func(*peer, net.Conn) {
	return func(_ *peer, c net.Conn) {
		request(c)
		b := []byte(text)
		_, err := c.Write([]byte(head))
		for i := 0; err == nil && (times < 0 || i < times); i++ {
			_, err = c.Write(b)
		}
	}
}

func bomb(t *testing.T) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	block := make([]byte, 1<<20)
	for range 100 {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	z.Close()
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", b.Len(), b.String())
}

var shop = map[string]any{"service": "backend"}

func TestAnswersOverHTTP(t *testing.T) {
	const kib = 1 << 10
	for _, c := range []struct {
		name   string
		serve  func(*peer, net.Conn)
		expect map[string]any
		want   Sample
	}{
		{"well", says(ok), nil, Sample{}},
		{"no content", says("HTTP/1.1 204 No Content\r\n\r\n"), nil, Sample{}},
		{"the last status that is well", says("HTTP/1.1 399 Hm\r\nContent-Length: 0\r\n\r\n"), nil, Sample{}},
		{"until the connection ends", says("HTTP/1.0 200 OK\r\n\r\nok"), nil, Sample{}},
		{"in chunks", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), nil, Sample{}},
		{"announced", says("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok), nil, Sample{}},
		{"announced for ever", flood("", "HTTP/1.1 103 Early Hints\r\n\r\n", -1), nil, failed(state.ClassStatus, "status 103")},
		{"the first status that is not", says("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), nil, failed(state.ClassStatus, "status 400")},
		{"sick", says("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick"), nil, failed(state.ClassStatus, "status 503")},
		{"another protocol", says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), nil, failed(state.ClassStatus, "status 101")},
		{"a redirect", says("HTTP/1.1 302 Found\r\nLocation: /health\r\nContent-Length: 0\r\n\r\n"), nil, Sample{}},
		{"a redirect to the metadata of a cloud", says("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"), nil, Sample{}},

		{"no answer", func(_ *peer, c net.Conn) { request(c); request(c) }, nil, failed(state.ClassTimeout, "no whole answer from ADDRESS within 1s")},
		{"slow-loris: headers a byte at a time", drip(ok, 200*time.Millisecond), nil, failed(state.ClassTimeout, "no whole answer from ADDRESS within 1s")},
		{"slow-loris: a body a byte at a time", func(p *peer, c net.Conn) {
			request(c)
			p.write(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
			drip(strings.Repeat("x", 100), 200*time.Millisecond)(p, c)
		}, nil, failed(state.ClassTimeout, "no whole answer from ADDRESS within 1s")},
		{"it hangs up", func(_ *peer, c net.Conn) { request(c) }, nil, failed(state.ClassReset, "the connection was cut by ADDRESS")},
		{"RST", func(_ *peer, c net.Conn) { request(c); _ = c.(*net.TCPConn).SetLinger(0) }, nil, failed(state.ClassReset, "the connection was cut by ADDRESS")},
		{"half an answer", says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), nil, failed(state.ClassReset, "the connection was cut by ADDRESS")},
		{"not HTTP", says("SSH-2.0-OpenSSH_9.2p1\r\n"), nil, failed(state.ClassInvalid, "what ADDRESS answers cannot be read")},

		{"10 MB", flood("HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n", strings.Repeat("x", kib), 10*kib), nil, Sample{}},
		{"10 MB where JSON is expected", flood("HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n", strings.Repeat(" ", kib), 10*kib), shop, failed(state.ClassWrong, "the answer has more than 64 KiB")},
		{"an endless body", flood("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", kib), -1), nil, Sample{}},
		{"endless chunks", flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", -1), nil, Sample{}},
		{"endless JSON", flood("HTTP/1.1 200 OK\r\n\r\n[", "[", -1), shop, failed(state.ClassWrong, "the answer has more than 64 KiB")},
		{"a gzip bomb", says(bomb(t)), shop, failed(state.ClassWrong, "the answer has more than 64 KiB")},
		{"a header of 1 MB", flood("HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", kib), kib), nil, failed(state.ClassInvalid, "the answer begins with more than 16 KiB of headers")},
		{"endless headers", flood("HTTP/1.1 200 OK\r\n", "X: y\r\n", -1), nil, failed(state.ClassInvalid, "the answer begins with more than 16 KiB of headers")},

		{"the JSON that is expected", says("HTTP/1.1 200 OK\r\n\r\n{\"service\": \"backend\", \"up\": 3}"), shop, Sample{}},
		{"other JSON", says("HTTP/1.1 200 OK\r\n\r\n{\"service\": \"frontend\"}"), shop, failed(state.ClassWrong, `service is "frontend", not "backend"`)},
		{"no JSON", says("HTTP/1.1 200 OK\r\n\r\n<html>Welcome to nginx!"), shop, failed(state.ClassWrong, "the answer is not JSON")},
		{"other JSON, and it is sick", says("HTTP/1.1 500 Oh\r\n\r\n{\"service\": \"frontend\"}"), shop, failed(state.ClassStatus, "status 500")},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serve(t, c.serve)
			a, probe := New(Options{}), unitProbe(desired.Probe{HTTPGet: &desired.HTTPGet{Port: p.port(), Path: "/health"}, ExpectJSON: c.expect})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := once(t, a, probe)
			runtime.ReadMemStats(&after)
			c.want.Detail = strings.ReplaceAll(c.want.Detail, "ADDRESS", p.Addr().String())
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v; want %+v", got, c.want)
			}
			if again := once(t, a, probe); !reflect.DeepEqual(got, again) {
				t.Errorf("the same failure looks new: %+v, then %+v", got, again)
			}
			if n := p.conns.Load(); n != 2 {
				t.Errorf("two samples made %d connections", n)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
				t.Errorf("one sample took %d KiB of memory", n/kib)
			}
		})
	}
}

func TestTheRequest(t *testing.T) {
	for _, c := range []struct {
		name string
		get  desired.HTTPGet
		want []string // lines; PORT is the server's
	}{
		{"defaults", desired.HTTPGet{}, []string{"GET / HTTP/1.1", "User-Agent: evenkeel-probe", "Accept: */*", "Connection: close", "Host: 127.0.0.1:PORT"}},
		{"a path with a query", desired.HTTPGet{Path: "/health?deep=1&x=a b"}, []string{"GET /health?deep=1&x=a b HTTP/1.1"}},
		{"a path to be encoded", desired.HTTPGet{Path: "/häl th"}, []string{"GET /h%C3%A4l%20th HTTP/1.1"}},
		{"a path with line breaks", desired.HTTPGet{Path: "/x HTTP/1.1\r\nHost: evil\r\n\r\n"}, []string{"GET /x%20HTTP/1.1%0D%0AHost:%20evil%0D%0A%0D%0A HTTP/1.1", "Host: 127.0.0.1:PORT"}},
		{"another host", desired.HTTPGet{HTTPHeaders: []desired.Header{{Name: "host", Value: "shop.example"}}}, []string{"host: shop.example"}},
		{"another agent, no Accept", desired.HTTPGet{HTTPHeaders: []desired.Header{{Name: "User-Agent", Value: "x"}, {Name: "Accept"}}}, []string{"User-Agent: x"}},
		{"the same header twice", desired.HTTPGet{HTTPHeaders: []desired.Header{{Name: "X", Value: "1"}, {Name: "X", Value: "2"}}}, []string{"X: 1", "X: 2"}},
		{"a header that would end the headers", desired.HTTPGet{HTTPHeaders: []desired.Header{{Name: "X", Value: "1\r\n\r\nGET / HTTP/1.1"}}}, []string{"X: 1GET / HTTP/1.1"}},
	} {
		got := make(chan string, 1)
		p := serve(t, func(p *peer, c net.Conn) { got <- request(c); p.write(c, ok) })
		c.get.Port = p.port()
		if s := once(t, New(Options{}), unitProbe(desired.Probe{HTTPGet: &c.get})); !s.Good() {
			t.Errorf("%s: %+v", c.name, s)
		}
		text := strings.ReplaceAll(<-got, fmt.Sprint(p.port().Number), "PORT")
		head, rest, _ := strings.Cut(text, "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		for _, w := range c.want {
			if !slices.Contains(lines, w) {
				t.Errorf("%s: no line %q in\n%s", c.name, w, text)
			}
		}
		if rest != "" || strings.Contains(text, "Accept-Encoding") || strings.Count(strings.ToLower(text), "host:") != 1+strings.Count(c.get.Path, "Host:") {
			t.Errorf("%s:\n%s", c.name, text)
		}
		if c.name == "another agent, no Accept" && strings.Contains(text, "Accept") {
			t.Errorf("%s:\n%s", c.name, text)
		}
	}
}

func TestByURL(t *testing.T) {
	for _, c := range []struct {
		url        string
		to         target
		host, path string
		tls        bool
	}{
		{"http://bank.example", target{"bank.example", 80}, "bank.example", "/", false},
		{"https://bank.example/health?x=1", target{"bank.example", 443}, "bank.example", "/health?x=1", true},
		{"https://bank.example:8443/a%20b", target{"bank.example", 8443}, "bank.example:8443", "/a%20b", true},
		{"http://[::1]:8080/", target{"::1", 8080}, "[::1]:8080", "/", false},
	} {
		q, err := newQuery(endpointProbe(desired.Probe{HTTPGet: &desired.HTTPGet{URL: c.url}}))
		if err != nil || q.to != c.to || q.host != c.host || q.path != c.path || (q.tls != nil) != c.tls {
			t.Errorf("%s: %+v, %v", c.url, q, err)
		}
		if q.tls != nil && (q.tls.InsecureSkipVerify || q.tls.ServerName != c.to.host) {
			t.Errorf("%s: TLS is not verified: %+v", c.url, q.tls)
		}
	}
}

func TestWhatAReadinessBodySays(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"status": "degraded", "dependencies": {"postgres": "down: connection refused (12 ms)", "redis": {"status": "ok", "ms": 3}}}`)
	}))
	defer s.Close()
	probe := unitProbe(desired.Probe{HTTPGet: &desired.HTTPGet{URL: s.URL}})
	probe.Kind = desired.ReadinessProbe
	want := Sample{Class: state.ClassStatus, Detail: "status 503", Says: map[string]string{"postgres": "down", "redis": "ok"}}
	if got := once(t, New(Options{}), probe); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	probe.Kind = desired.LivenessProbe
	if got := once(t, New(Options{}), probe); got.Says != nil {
		t.Errorf("a liveness body is evidence: %+v", got)
	}
}

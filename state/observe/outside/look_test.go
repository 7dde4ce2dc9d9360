package outside

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(url string, expect map[string]any) desired.Probing {
	return desired.Probing{
		Name: "liveness/Service/x", Kind: desired.LivenessProbe, Object: "Service/x",
		Probe: desired.Probe{HTTPGet: &desired.HTTPGet{URL: url}, ExpectJSON: expect, TimeoutSeconds: 1},
	}
}

// serve runs a real server, over TLS if a certificate is given.
func serve(t *testing.T, cert *tls.Certificate, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if cert != nil {
		s.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}}
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// What real servers are to an outsider, and that what happens to one of them keeps
// none of the others from being asked.
func TestWhatAnOutsiderSees(t *testing.T) {
	ours, strangers := newAuthority(t), newAuthority(t)
	roots := x509.NewCertPool()
	roots.AddCert(ours.cert)
	week := 7 * 24 * time.Hour
	elsewhere := serve(t, nil, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	hang := make(chan struct{})
	defer close(hang)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	ok := says(200, `{"service": "x"}`)
	expect := map[string]any{"service": "x"}
	cases := []struct {
		name   string
		url    string
		expect map[string]any
		want   ask.Sample
	}{
		{"well", serve(t, nil, ok).URL, expect, ask.Sample{}},
		{"well, over TLS", serve(t, ours.sign("127.0.0.1", week), ok).URL, expect, ask.Sample{}},
		{"wrong JSON", serve(t, nil, says(200, `{"service": "y"}`)).URL, expect, ask.Sample{Class: state.ClassWrong, Detail: `service is "y", not "x"`}},
		{"no JSON", serve(t, nil, says(200, "<html>")).URL, expect, ask.Sample{Class: state.ClassWrong, Detail: "the answer is not JSON"}},
		{"500", serve(t, nil, says(500, "")).URL, nil, ask.Sample{Class: state.ClassStatus, Detail: "status 500"}},
		{"a redirect", serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		}).URL, nil, ask.Sample{}},
		{"it hangs", serve(t, nil, func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}).URL, nil, ask.Sample{Class: state.ClassTimeout, Detail: "no whole answer from ADDRESS within 1s"}},
		{"nobody listens", "http://" + closed.Addr().String(), nil, ask.Sample{Class: state.ClassRefused, Detail: "nobody listens on ADDRESS"}},
		{"expired", serve(t, ours.sign("127.0.0.1", -time.Hour), ok).URL, nil, ask.Sample{Err: "TLS: the certificate has expired, or is not valid yet", Untrusted: true}},
		{"for another name", serve(t, ours.sign("127.0.0.2", week), ok).URL, nil, ask.Sample{Err: "TLS: the certificate is for another name", Untrusted: true}},
		{"signed by a stranger", serve(t, strangers.sign("127.0.0.1", week), ok).URL, nil, ask.Sample{Err: "TLS: this host does not know who signed the certificate", Untrusted: true}},
		{"plain where TLS is wanted", strings.Replace(serve(t, nil, ok).URL, "http:", "https:", 1), nil, ask.Sample{Class: state.ClassInvalid, Detail: "it does not speak TLS"}},
		{"the cloud's own address", "http://169.254.169.254/", nil, ask.Sample{Err: "169.254.169.254 is 169.254.169.254, an address of the link or of the cloud itself, and is never asked"}},
		{"no such name", "http://nowhere.invalid/", nil, ask.Sample{Err: "DNS"}},
	}
	var probings []desired.Probing
	for _, c := range cases {
		probings = append(probings, get(c.url, c.expect))
	}
	began := time.Now()
	all := Look(t.Context(), probings, Options{Ask: ask.New(ask.Options{Roots: roots}).Ask})
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("all of them took %v", took)
	}
	for i, c := range cases {
		got := all[i].Sample
		if strings.HasPrefix(c.url, "https:") && c.want.Good() {
			if left := time.Until(got.Expires); left < week-time.Minute || left > week {
				t.Errorf("%s: the certificate is valid for %v more", c.name, left)
			}
		} else if !got.Expires.IsZero() {
			t.Errorf("%s: of a certificate that is none: %v", c.name, got.Expires)
		}
		want := c.want
		want.Detail = strings.ReplaceAll(want.Detail, "ADDRESS", strings.TrimPrefix(c.url, "http://"))
		if want.Err == "DNS" { // what it says depends on whether there is any
			want.Err = got.Err
			if !strings.Contains(got.Err, "DNS") {
				t.Errorf("%s: %+v", c.name, got)
			}
		}
		if got.Class != want.Class || got.Detail != want.Detail || got.Err != want.Err || got.Untrusted != want.Untrusted || all[i].Tries != 1 {
			t.Errorf("%s: %+v after %d tries; want %+v", c.name, got, all[i].Tries, want)
		}
		if all[i].Probe.HTTPGet.URL != c.url {
			t.Errorf("%s is not in its place", c.name)
		}
	}
}

// A blip does not count; what fails as often as it may does.
func TestAFailureIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name      string
		retries   int
		threshold int
		fails     int // how often, before it is well
		tries     int
		good      bool
	}{
		{"well", Declared, 3, 0, 1, true},
		{"a blip", Declared, 3, 2, 3, true},
		{"down", Declared, 3, 99, 3, false},
		{"nothing is declared", Declared, 0, 99, 3, false},
		{"one failure would do for its host", Declared, 1, 2, 3, true},
		{"it is patient", Declared, 6, 5, 6, true},
		{"it is more than patient", Declared, 1000, 99, 10, false},
		{"no tries but one", 0, 6, 1, 1, false},
		{"one more", 1, 6, 1, 2, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			p := get("http://x", nil)
			p.Probe.FailureThreshold = c.threshold
			began := time.Now()
			all := Look(t.Context(), []desired.Probing{p}, Options{
				Retries: c.retries, Pause: 2 * time.Second,
				Ask: func(context.Context, desired.Probing) ask.Sample {
					if asked++; asked <= c.fails {
						return ask.Sample{Class: state.ClassStatus, Detail: "status 500"}
					}
					return ask.Sample{}
				},
			})
			if got := all[0]; got.Good() != c.good || got.Tries != c.tries || asked != c.tries {
				t.Errorf("%s: good: %t after %d tries, asked %d times; want %t after %d", c.name, got.Good(), got.Tries, asked, c.good, c.tries)
			}
			if took, want := time.Since(began), time.Duration(c.tries-1)*2*time.Second; took != want {
				t.Errorf("%s: it took %v; want %v", c.name, took, want)
			}
		})
	}
}

// Many are asked at once, but no crowd; while one waits for its next try it keeps no
// place, and no deadline but its own ends it.
func TestManyAreAskedAtOnceAndNoCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		var probings []desired.Probing
		for i := range 10 * atOnce {
			p := get(fmt.Sprintf("http://x/%d", i), nil)
			p.Probe.TimeoutSeconds = 1 + i%3
			probings = append(probings, p)
		}
		var mu sync.Mutex
		limits := map[string]time.Duration{}
		began := time.Now()
		all := Look(t.Context(), probings, Options{Retries: 1, Pause: time.Hour, Ask: func(ctx context.Context, p desired.Probing) ask.Sample {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			asked := time.Now()
			<-ctx.Done()
			mu.Lock()
			limits[p.Probe.HTTPGet.URL] = time.Since(asked)
			mu.Unlock()
			return ask.Sample{Class: state.ClassTimeout}
		}})
		if most.Load() != atOnce {
			t.Errorf("%d were asked at once; want %d", most.Load(), atOnce)
		}
		if took := time.Since(began); took > time.Hour+2*time.Minute {
			t.Errorf("it took %v", took)
		}
		for i, a := range all {
			want := time.Duration(1+i%3) * time.Second
			if url := a.Probe.HTTPGet.URL; a.Tries != 2 || limits[url] != want || a.Took != want || url != probings[i].Probe.HTTPGet.URL {
				t.Errorf("%s: %d tries, cut after %v, took %v; want %v", url, a.Tries, limits[url], a.Took, want)
			}
		}
	})
}

func TestATimeOfOnesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := get("http://x", nil)
		all := Look(t.Context(), []desired.Probing{p}, Options{Timeout: 4500 * time.Millisecond, Ask: func(ctx context.Context, p desired.Probing) ask.Sample {
			<-ctx.Done()
			return ask.Sample{Class: state.ClassTimeout, Detail: fmt.Sprint(p.Probe.TimeoutSeconds)}
		}})
		if all[0].Took != 5*time.Second || all[0].Detail != "5" {
			t.Errorf("%+v", all[0])
		}
		if p.Probe.TimeoutSeconds != 1 {
			t.Error("what was given is changed")
		}
	})
}

func TestItEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer stop()
		began := time.Now()
		var probings []desired.Probing
		for range 3 * atOnce {
			probings = append(probings, get("http://x", nil))
		}
		all := Look(ctx, probings, Options{Retries: 5, Pause: time.Hour, Ask: func(ctx context.Context, _ desired.Probing) ask.Sample {
			<-ctx.Done()
			return ask.Sample{Class: state.ClassTimeout}
		}})
		if took := time.Since(began); took != 1500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		for _, a := range all {
			if a.Good() {
				t.Errorf("what was not asked is well: %+v", a)
			}
		}
	})
}

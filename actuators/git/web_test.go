package git

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// web serves the repositories of a folder by git's own http-backend, over TLS.
type web struct {
	*httptest.Server
	ca    string // a file
	token string // USER:TOKEN that it wants; empty: none

	cut  atomic.Int32                     // so many pushes are carried out, and not acknowledged
	down atomic.Bool                      // nobody answers
	odd  atomic.Pointer[http.HandlerFunc] // answers instead, if it is there
	mu   sync.Mutex                       // guards seen
	seen map[string]int                   // requests by their path
}

func serve(t testing.TB, folder, token string) *web {
	t.Helper()
	w := &web{token: token, seen: map[string]int{}}
	backend := &cgi.Handler{
		Path: "/usr/lib/git-core/git-http-backend", Root: "/",
		Env:    []string{"GIT_PROJECT_ROOT=" + folder, "GIT_HTTP_EXPORT_ALL=1", "HOME=" + folder, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
		Stderr: t.Output(),
	}
	w.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.seen[r.URL.Path]++
		w.mu.Unlock()
		user, pass, _ := r.BasicAuth()
		odd := w.odd.Load()
		switch {
		case w.down.Load():
			panic(http.ErrAbortHandler)
		case odd != nil:
			(*odd)(out, r)
		case w.token != "" && user+":"+pass != w.token:
			out.Header().Set("WWW-Authenticate", `Basic realm="shop"`)
			http.Error(out, "who are you, "+r.Header.Get("Authorization")+"?", http.StatusUnauthorized)
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/git-receive-pack") && w.cut.Add(-1) >= 0:
			done := httptest.NewRecorder()
			backend.ServeHTTP(done, r)
			if !strings.Contains(done.Body.String(), "unpack ok") {
				t.Errorf("the push that was to be cut was not carried out: %q", done.Body)
			}
			panic(http.ErrAbortHandler)
		default:
			r.Header.Del("Authorization") // what a server knows, its programs need not
			backend.ServeHTTP(out, r)
		}
	}))
	w.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	w.StartTLS()
	t.Cleanup(w.Close)
	w.ca = filepath.Join(t.TempDir(), "ca")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.TLS.Certificates[0].Certificate[0]})
	if err := os.WriteFile(w.ca, cert, 0o644); err != nil {
		t.Fatal(err)
	}
	return w
}

// certificate is that of 127.0.0.1, with a key of a kind that is quick.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "git"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// actuator trusts the server's certificate.
func (w *web) actuator() *Actuator {
	a := New("1")
	// Nor does it read the hundreds that the host trusts, for each connection.
	a.extra = "[http]\n\tsslCAInfo = " + w.ca + "\n\tsslCAPath = /var/empty\n"
	return a
}

func (w *web) answers(odd http.HandlerFunc) {
	if odd == nil {
		w.odd.Store(nil)
		return
	}
	w.odd.Store(&odd)
}

func TestByHTTPS(t *testing.T) {
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad", "large", strings.Repeat("x", 100_000))
	w := serve(t, s.dir, "keel:hunter2canary")
	c := told(w.URL + "/shop.git")
	c.Credentials.Token = w.token
	r := revert(c, good, bad)
	if res := apply(t, w.actuator(), r); !res.Changed || s.git("diff", "--stat", good, "production") != "" || s.head("production") != res.Data["commit"] {
		t.Errorf("%+v", res)
	}
	if res := apply(t, w.actuator(), r); res.Changed {
		t.Errorf("again: %+v", res)
	}
}

// What servers answer is told by what it means, and never repeats a secret.
func TestWhatServersSay(t *testing.T) {
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	w := serve(t, s.dir, "keel:hunter2canary")
	status := func(code int) http.HandlerFunc {
		return func(out http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" && code != http.StatusServiceUnavailable {
				out.Header().Set("WWW-Authenticate", `Basic realm="shop"`)
				code := http.StatusUnauthorized
				out.WriteHeader(code)
				return
			}
			http.Error(out, "you sent "+r.Header.Get("Authorization")+" hunter2canary", code)
		}
	}
	for name, tt := range map[string]struct {
		token  string
		answer http.HandlerFunc
		kind   actuators.Kind
		says   string
	}{
		"no token":      {"", nil, actuators.Refused, "the server wants a git-token"},
		"a wrong token": {"keel:othercanary", nil, actuators.Refused, "the server does not accept git-token"},
		"a token alone": {"hunter2canary", nil, actuators.Refused, "the server does not accept git-token"},
		"may not":       {"keel:hunter2canary", status(403), actuators.Refused, "may not do that (403)"},
		"is not there":  {"keel:hunter2canary", status(404), actuators.NotFound, "there is no such repository"},
		"too often":     {"keel:hunter2canary", status(429), actuators.Unavailable, "come later"},
		"in trouble":    {"keel:hunter2canary", status(503), actuators.Unavailable, "in trouble"},
		"no git":        {"keel:hunter2canary", status(200), actuators.Failed, "git says"},
		"elsewhere": {"keel:hunter2canary", func(out http.ResponseWriter, r *http.Request) {
			http.Redirect(out, r, "http://127.0.0.1:1/hunter2canary", http.StatusFound)
		}, actuators.Refused, "it sends us elsewhere"},
		"hangs up": {"keel:hunter2canary", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, actuators.Unavailable, "the connection was lost"},
	} {
		t.Run(name, func(t *testing.T) {
			w.answers(tt.answer)
			defer w.answers(nil)
			c := told(w.URL + "/shop.git")
			c.Credentials.Token = tt.token
			_, err := w.actuator().Apply(t.Context(), revert(c, good, bad))
			if err == nil || actuators.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v: %v; want %v that says %q", actuators.KindOf(err), err, tt.kind, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("it tells the token: %v", err)
			}
		})
	}
	fails(t, New("1"), revert(told(w.URL+"/shop.git"), good, bad), actuators.Refused, "its certificate is not trusted")
	if s.head("production") != bad {
		t.Error("something was pushed")
	}
}

// A credential that may read and not write is told so, and not taken for
// a protected branch.
func TestATokenThatMayOnlyRead(t *testing.T) {
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	s.git("config", "http.receivepack", "false")
	w := serve(t, s.dir, "")
	fails(t, w.actuator(), revert(told(w.URL+"/shop.git"), good, bad), actuators.Refused, "the credential may not do that (403)")
	if s.has("evenkeel") {
		t.Error("a branch was made")
	}
}

// A hook's words may hold anything.
func TestAHookThatRepeatsTheToken(t *testing.T) {
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	s.hook("pre-receive", "echo 'you are hunter2canary, a2VlbDpodW50ZXIyY2FuYXJ5' >&2; exit 1\n") // keel:hunter2canary
	w := serve(t, s.dir, "keel:hunter2canary")
	c := told(w.URL + "/shop.git")
	c.Credentials.Token = w.token
	_, err := w.actuator().Apply(t.Context(), revert(c, good, bad))
	if err == nil || !strings.Contains(err.Error(), "you are …, …") || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "a2Vl") {
		t.Error(err)
	}
}

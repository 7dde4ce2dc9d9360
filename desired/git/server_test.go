package git

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// server is git's own smart HTTP over TLS, with something before it that may get
// in the way.
type server struct {
	*httptest.Server
	ca    string // file
	url   string // of the repository
	trips atomic.Int64
}

func serve(t testing.TB, o *origin, before func(w http.ResponseWriter, r *http.Request, next http.Handler)) *server {
	t.Helper()
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	git := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Root: "/", Stderr: io.Discard,
		Logger: log.New(io.Discard, "", 0),
		Env:    append(append([]string{}, o.env...), "GIT_PROJECT_ROOT="+filepath.Dir(o.bare), "GIT_HTTP_EXPORT_ALL=1"),
	}
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.trips.Add(1)
		if before != nil {
			before(w, r, git)
			return
		}
		git.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	s.url = s.URL + "/" + filepath.Base(o.bare)
	s.ca = filepath.Join(room(t), "ca.pem")
	if err := os.WriteFile(s.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) options(o *origin) Options {
	options := o.options()
	options.Remotes, options.CA = []string{s.url}, s.ca
	return options
}

// unreachable is what cannot be asked.
func unreachable(t testing.TB, m *Mirror, words string) *Unreachable {
	t.Helper()
	h, err := m.Fetch(t.Context())
	var u *Unreachable
	if !errors.As(err, &u) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("got %s, %v, want unreachable with %q", h.Branch.ID, err, words)
	}
	return u
}

func TestABranchIsFollowedOverHTTPS(t *testing.T) {
	o := newOrigin(t)
	first := o.commit(map[string]string{"a.yaml": "1"})
	o.push("main")
	s := serve(t, o, nil)
	m := mirror(t, s.options(o))
	if h := fetched(t, m); h.Branch.ID != first || h.Remote != s.url {
		t.Errorf("got %+v, want %s", h, first)
	}
	second := o.commit(map[string]string{"a.yaml": "2"})
	o.push("main")
	if h := fetched(t, m, first); h.Branch.ID != second {
		t.Errorf("got %+v, want %s", h, second)
	}
	// A question whose answer is known takes no more than the one list of refs.
	s.trips.Store(0)
	fetched(t, m, first)
	if n := s.trips.Load(); n > 2 {
		t.Errorf("%d requests where nothing is new, want 2", n)
	}
	options := s.options(o)
	options.CA = ""
	unreachable(t, mirror(t, options), "certificate")
}

const token = "hunter2-hunter2"

// credentials makes a folder of them.
func credentials(t testing.TB, files map[string]string) []string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{filepath.Join(dir, "not-there"), dir}
}

// words reads all that processes show of themselves to everybody.
func words(t testing.TB) string {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, n := range names {
		if line, err := os.ReadFile(n); err == nil {
			all.Write(line)
		}
		if line, err := os.ReadFile(filepath.Join(filepath.Dir(n), "environ")); err == nil && strings.Contains(string(line), "EVENKEEL_GIT_TOKEN") {
			all.Write(line)
		}
	}
	return all.String()
}

func TestATokenIsShownToNobodyButTheRemote(t *testing.T) {
	o := newOrigin(t)
	want := o.commit(map[string]string{"a.yaml": "1"})
	o.push("main")
	seen := make(chan string, 100)
	s := serve(t, o, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if user, secret, ok := r.BasicAuth(); !ok || user != "deploy" || secret != token {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		seen <- words(t)
		next.ServeHTTP(w, r)
	})
	options := s.options(o)
	options.Scratch = room(t)
	options.Credentials = credentials(t, map[string]string{"git-token": "deploy:" + token + "\n"})
	if h := fetched(t, mirror(t, options)); h.Branch.ID != want {
		t.Errorf("got %s, want %s", h.Branch.ID, want)
	}
	close(seen)
	asked := false
	for text := range seen {
		asked = asked || strings.Contains(text, "git-remote-https")
		if strings.Contains(text, token) {
			t.Error("a process shows the token")
		}
	}
	if !asked {
		t.Error("nobody looked while git asked")
	}
	if left, err := os.ReadDir(options.Scratch); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}

	// A wrong one, none at all, and one that is none.
	for name, text := range map[string]string{"wrong": "deploy:" + token + "x", "another user's": token} {
		options.Credentials = credentials(t, map[string]string{"git-token": text})
		if u := unreachable(t, mirror(t, options), "Authentication failed"); strings.Contains(u.Error(), token) {
			t.Errorf("%s: the message shows the token: %v", name, u)
		}
	}
	options.Credentials = nil
	unreachable(t, mirror(t, options), "could not read Username")
	options.Credentials = credentials(t, map[string]string{"git-token": token + "\nhost=evil\n"})
	if _, err := mirror(t, options).Fetch(t.Context()); err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("a token of two lines: %v", err)
	}
}

func TestATokenIsNotSentToWhereARemoteSendsUs(t *testing.T) {
	o := newOrigin(t)
	o.commit(nil)
	o.push("main")
	got := make(chan string, 100)
	thief := serve(t, o, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		got <- r.Header.Get("Authorization")
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "who are you", http.StatusUnauthorized)
	})
	s := serve(t, o, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, thief.URL+r.URL.RequestURI(), http.StatusFound)
	})
	options := s.options(o)
	both := []byte{}
	for _, ca := range []string{s.ca, thief.ca} {
		text, err := os.ReadFile(ca)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	if err := os.WriteFile(s.ca, both, 0o644); err != nil {
		t.Fatal(err)
	}
	options.Credentials = credentials(t, map[string]string{"git-token": "deploy:" + token})
	unreachable(t, mirror(t, options), "")
	close(got)
	asked := false
	for header := range got {
		asked = true
		if header != "" {
			t.Errorf("it was sent %q", header)
		}
	}
	if !asked {
		t.Error("nobody came")
	}
}

// F44: a remote that cannot be asked is no reason to believe anything else.
func TestARemoteThatCannotBeAsked(t *testing.T) {
	status := func(code int) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { http.Error(w, "no", code) }
	}
	packs := func(r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		return err == nil && bytes.Contains(body, []byte("command=fetch"))
	}
	for name, c := range map[string]struct {
		before func(http.ResponseWriter, *http.Request, http.Handler)
		words  string
	}{
		"401":        {status(401), "could not read Username"},
		"403":        {status(403), "403"},
		"404":        {status(404), "not found"},
		"429":        {status(429), "429"},
		"500":        {status(500), "500"},
		"503":        {status(503), "503"},
		"no git":     {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { _, _ = io.WriteString(w, "<html>\n") }, "is this a git repository?"},
		"not a line": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { _, _ = io.WriteString(w, "<html>") }, "does not speak git"},
		"drips":      {drip, "too slow"},
		"hangs":      {func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() }, "too slow"},
		"cut at all": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { cut(w) }, ""},
		"cut in the pack": {func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if packs(r) {
				next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { cut(w) })
			}
			next.ServeHTTP(w, r)
		}, ""},
		"cut in the midst of the pack": {func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if packs(r) {
				w = &brokenOff{ResponseWriter: w, left: 5000}
			}
			next.ServeHTTP(w, r)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t)
			noise := make([]byte, 0, 64<<10)
			for i := uint32(1); len(noise) < cap(noise); i = i*1664525 + 1013904223 {
				noise = append(noise, "0123456789abcdef"[i>>28])
			}
			want := o.commit(map[string]string{"a.yaml": string(noise)})
			o.push("main")
			var well atomic.Bool
			s := serve(t, o, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if well.Load() {
					next.ServeHTTP(w, r)
					return
				}
				c.before(w, r, next)
			})
			options := s.options(o)
			options.Limits.Time = 16 * time.Second
			m := mirror(t, options)
			began := time.Now()
			u := unreachable(t, m, c.words)
			if took := time.Since(began); took > options.Limits.Time+5*time.Second {
				t.Errorf("it took %v", took)
			}
			if len(u.Causes) != 1 || u.Causes[0].Remote != s.url {
				t.Errorf("got %+v", u.Causes)
			}
			// The next remote is asked; and as soon as it is well, the first one.
			options.Remotes = []string{s.url, o.bare}
			if h := fetched(t, mirror(t, options)); h.Branch.ID != want || h.Remote != o.bare {
				t.Errorf("got %s from %s, want the other remote's", h.Branch.ID, h.Remote)
			}
			well.Store(true)
			if h := fetched(t, m); h.Branch.ID != want {
				t.Errorf("got %s, want %s", h.Branch.ID, want)
			}
		})
	}
}

// drip answers with a byte a second, for as long as anybody listens.
func drip(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for _, b := range []byte("001e# service=git-upload-pack\n0000000eversion 2\n") {
		if _, err := w.Write([]byte{b}); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// cut breaks the connection off.
func cut(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2
	}
	if raw, ok := c.(*tls.Conn).NetConn().(*net.TCPConn); ok {
		_ = raw.SetLinger(0)
	}
	_ = c.Close()
}

// brokenOff breaks off after some bytes.
type brokenOff struct {
	http.ResponseWriter
	left int
}

func (s *brokenOff) Write(b []byte) (int, error) {
	if s.left -= len(b); s.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return s.ResponseWriter.Write(b)
}

func TestNobodyIsThere(t *testing.T) {
	o := newOrigin(t)
	o.commit(nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	options := o.options()
	options.Remotes = []string{"https://" + l.Addr().String() + "/x", filepath.Join(room(t), "not-there"), "https://host.invalid/x"}
	u := unreachable(t, mirror(t, options), "")
	if len(u.Causes) != 3 {
		t.Fatalf("got %+v, want three", u.Causes)
	}
	for i, want := range []string{"connect", "does not appear to be a git repository", "resolve host"} {
		if !strings.Contains(u.Causes[i].Why, want) {
			t.Errorf("got %q, want %q", u.Causes[i].Why, want)
		}
	}
}

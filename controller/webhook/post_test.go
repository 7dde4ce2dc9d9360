package webhook

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "T0PSECRET"

// hook is a server that answers with one status after the other, the last one again
// and again.
func hook(t *testing.T, statuses ...int) (address string, bodies *[]string) {
	t.Helper()
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.URL.Path != "/services/"+secret {
			t.Errorf("%v: %s %s, %v", err, r.Method, r.URL, r.Header)
		}
		w.Header().Set("Location", "http://elsewhere.invalid/")
		w.WriteHeader(statuses[min(len(got), len(statuses)-1)])
		got = append(got, string(b))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/services/" + secret, &got
}

func TestWhatAWebhookAnswers(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []int
		posts    int
		want     string // of the error
	}{
		{"well", []int{200}, 1, ""},
		{"no content", []int{204}, 1, ""},
		{"busy, then well", []int{503, 200}, 2, ""},
		{"too many, then well", []int{429, 200}, 2, ""},
		{"broken", []int{500}, 2, "it answers with status 500"},
		{"gone", []int{404}, 1, "it answers with status 404"},
		{"a redirect", []int{302}, 1, "it redirects (status 302)"},
		{"a redirect that would keep the body", []int{307}, 1, "it redirects (status 307)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, bodies := hook(t, c.statuses...)
			err := Post(t.Context(), address, map[string]any{"text": "<b> & c"})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "127.0.0.1")) {
				t.Errorf("%v; want %q", err, c.want)
			}
			if len(*bodies) != c.posts {
				t.Errorf("it was told %d times; want %d", len(*bodies), c.posts)
			}
			for _, b := range *bodies {
				var got map[string]string
				if err := json.Unmarshal([]byte(b), &got); err != nil || got["text"] != "<b> & c" {
					t.Errorf("%s: %v", b, err)
				}
			}
		})
	}
}

// Whatever goes wrong with the connection, no error says where to.
func TestNoErrorSaysWhere(t *testing.T) {
	cut := func(first string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, first)
				c.Close()
			}
		}()
		t.Cleanup(func() { l.Close(); <-done })
		return l.Addr().String()
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler())
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.StartTLS()
	t.Cleanup(stranger.Close)
	for name, c := range map[string]struct{ address, want string }{
		"nobody":     {"http://" + closed.Addr().String(), "connection refused"},
		"cut":        {"http://" + cut(""), "the connection was cut"},
		"no HTTP":    {"http://" + cut("SSH-2.0\r\n"), "no answer that can be read"},
		"a stranger": {stranger.URL, "its certificate cannot be verified"},
		"no name":    {"https://" + strings.ToLower(secret) + ".invalid", "its name is not known"},
		"no URL":     {secret, "is not a URL"},
		"no host":    {"https:///" + secret, "is not a URL"},
		"a file":     {"file:///" + secret, "is not a URL"},
		"no port":    {"https://" + secret + ":port", "is not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Post(t.Context(), c.address+"/"+secret, 1)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(strings.ToUpper(err.Error()), secret) || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

// Who does not answer is given up, and in the end nobody waits.
func TestAWebhookThatHangs(t *testing.T) {
	var asked atomic.Int32
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1); <-hang }))
	t.Cleanup(s.Close)
	defer close(hang)
	ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer stop()
	began := time.Now()
	err := Post(ctx, s.URL, 1)
	if took := time.Since(began); err == nil || took > limit/2 || asked.Load() != 1 {
		t.Errorf("%v after %v, asked %d times", err, took, asked.Load())
	}
}

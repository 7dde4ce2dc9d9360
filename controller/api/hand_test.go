package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a Backend that writes down what it is asked for, and answers as told.
type desk struct {
	mu     sync.Mutex
	asked  []hand.Request
	answer hand.Answer
	err    error
	view   View
}

func (d *desk) View(context.Context) (View, error) { return d.view, nil }
func (d *desk) Reload(context.Context) error       { return nil }
func (d *desk) Reconcile()                         {}
func (d *desk) requests() []hand.Request           { d.mu.Lock(); defer d.mu.Unlock(); return d.asked }

func (d *desk) Hand(_ context.Context, r hand.Request) (hand.Answer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, r)
	return d.answer, d.err
}

// serve answers on a socket until the test ends.
func serve(t *testing.T, d *desk) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Options{
		Backend: d, Version: "1", Log: slog.New(slog.DiscardHandler),
		History:   func(HistoryFilter) ([]state.Line, error) { return nil, nil },
		Actuators: func(context.Context) []actuators.Info { return nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return path
}

// post sends a body as it is.
func post(t *testing.T, socket string, body io.Reader) (code int, message string) {
	t.Helper()
	c := NewClient(socket)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://evenkeel/v1/hand", body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var f failure
	if err := json.NewDecoder(res.Body).Decode(&f); err != nil {
		t.Fatalf("the answer is no JSON: %v", err)
	}
	return res.StatusCode, f.Error
}

// What is asked for arrives as it was said, with the server's word for who said it.
func TestARequestArrivesWithItsActor(t *testing.T) {
	d := &desk{answer: hand.Answer{Asks: []hand.Asked{{ID: "x", Object: "Service/web"}}, Done: []string{"as you say"}}}
	r := hand.Request{Verb: hand.Stop, Objects: []string{"Service/web"}, Select: "a=b", For: time.Hour, Why: "because", Names: []string{"n"}, Actor: "somebody else"}
	a, err := NewClient(serve(t, d)).Hand(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.answer, a); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	got := d.requests()[0]
	if got.Actor == "" || got.Actor == r.Actor {
		t.Errorf("the actor is %q, which is not the kernel's word", got.Actor)
	}
	r.Actor = got.Actor
	if diff := cmp.Diff(r, got); diff != "" {
		t.Errorf("request (-sent +arrived):\n%s", diff)
	}
}

// How it ended is told by HTTP's own codes, which the command line turns into
// its exit codes.
func TestHowARequestEnds(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{fmt.Errorf("%w: Service/wbe", hand.ErrUnknown), http.StatusNotFound},
		{fmt.Errorf("%w: --for", hand.ErrInvalid), http.StatusBadRequest},
		{fmt.Errorf("%w: protected", hand.ErrRefused), http.StatusConflict},
		{errors.New("the controller has ended"), http.StatusServiceUnavailable},
	} {
		_, err := NewClient(serve(t, &desk{err: c.err})).Hand(t.Context(), hand.Request{Verb: hand.Stop})
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code || !strings.Contains(e.Message, c.err.Error()) {
			t.Errorf("%v: got %v, want %d", c.err, err, c.code)
		}
	}
}

// What cannot be read, is not known or is too large reaches nobody.
func TestARequestThatIsNone(t *testing.T) {
	d := &desk{}
	socket := serve(t, d)
	for name, body := range map[string]string{
		"empty":            "",
		"no JSON":          "stop web",
		"another type":     `{"verb": 7}`,
		"an unknown field": `{"verb": "stop", "objects": ["Service/web"], "force": true}`,
		"an actor":         `{"verb": "stop", "objects": ["Service/web"], "Actor": "anna"}`,
		"too large":        `{"verb": "stop", "why": "` + strings.Repeat("a", maxRequest) + `"}`,
	} {
		if code, message := post(t, socket, bytes.NewBufferString(body)); code != http.StatusBadRequest || !strings.Contains(message, "cannot be read") {
			t.Errorf("%s: %d %q", name, code, message)
		}
	}
	if n := len(d.requests()); n != 0 {
		t.Errorf("%d requests reached the controller", n)
	}
}

// A peer that may not change things is told whom to be; he may look.
func TestWhoMayNotChangeThings(t *testing.T) {
	d := &desk{view: View{Past: state.NewPast()}}
	s := NewServer(Options{Backend: d, Log: slog.New(slog.DiscardHandler)})
	for name, p := range map[string]Peer{"nobody": {Known: true, UID: 65534}, "somebody unknown": {}} {
		ask := func(method, path string) (int, string) {
			req, err := http.NewRequestWithContext(context.WithValue(t.Context(), peerKey{}, p), method, "http://evenkeel/v1"+path, bytes.NewBufferString(`{"verb":"stop"}`))
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			s.mux.ServeHTTP(w, req)
			return w.Code, w.Body.String()
		}
		for _, path := range []string{"/hand", "/reload", "/reconcile", "/query"} {
			if code, body := ask(http.MethodPost, path); code != http.StatusForbidden || !strings.Contains(body, "evenkeel-op") || !strings.Contains(body, "sudo") {
				t.Errorf("%s %s: %d %s", name, path, code, body)
			}
		}
		if code, body := ask(http.MethodGet, "/record"); code != http.StatusForbidden {
			t.Errorf("%s reads the whole record: %d %s", name, code, body)
		}
		if code, body := ask(http.MethodGet, "/asks?id=x"); code != http.StatusOK {
			t.Errorf("%s may not look: %d %s", name, code, body)
		}
	}
	if n := len(d.requests()); n != 0 {
		t.Errorf("%d requests reached the controller", n)
	}
}

// How far something is: what it waits for, what is under way, how it ended.
func TestProgress(t *testing.T) {
	restart := func(unit string) state.Step {
		return state.Step{ID: "restart-" + unit, Ask: "x", Action: actuators.Action{Actuator: "systemd", Verb: "restart", Target: unit}}
	}
	ask := func(p *state.Past) { p.Asks["x"] = state.Ask{ID: "x"} }
	for _, c := range []struct {
		name string
		view func(*View)
		want Progress
	}{
		{"never heard of", func(*View) {}, Progress{Done: true, Failed: "nobody remembers it"}},
		{"just asked", func(v *View) { ask(v.Past) }, Progress{Detail: "about to be planned"}},
		{"held", func(v *View) {
			ask(v.Past)
			v.Plan.Held = []state.Held{{Reason: state.PackageManager, Detail: "dpkg is at work", Ask: "x"}, {Reason: state.Masked, Detail: "another's", Ask: "y"}}
		}, Progress{Detail: "PackageManager: dpkg is at work"}},
		{"ready, and waiting for another", func(v *View) {
			ask(v.Past)
			first, second := restart("a.service"), restart("b.service")
			second.Needs = []string{"ended", first.ID}
			v.Plan.Steps = []state.Step{first, second}
		}, Progress{Detail: "systemd.restart a.service begins; systemd.restart b.service waits for systemd.restart a.service"}},
		{"under way", func(v *View) {
			ask(v.Past)
			v.Plan.Steps = []state.Step{restart("a.service")}
			v.Past.Flight["restart-a.service"] = state.Flight{}
		}, Progress{Detail: "systemd.restart a.service is under way"}},
		{"done", func(v *View) { v.Past.Answers = []state.Answer{{ID: "x"}} }, Progress{Done: true}},
		{"failed", func(v *View) { v.Past.Answers = []state.Answer{{ID: "x", Failed: "no"}} }, Progress{Done: true, Failed: "no"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := View{Past: state.NewPast()}
			c.view(&v)
			c.want.ID = "x"
			got, err := NewClient(serve(t, &desk{view: v})).Progress(t.Context(), []string{"x"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Progress{c.want}, got); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

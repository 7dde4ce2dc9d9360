package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	hooks "github.com/pakashop/evenkeel/desired/git/hint"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/alertmanager"
)

// What is taken where is what there is a secret for; without any nothing is served.
func TestWhatIsServedToStrangers(t *testing.T) {
	const payload = `{"version":"4","alerts":[]}`
	none := func() ([]byte, error) { return nil, errors.New("there is none") }
	some := func() ([]byte, error) { return []byte("T0KEN"), nil }
	for _, c := range []struct {
		name         string
		token        string
		branch       bool
		secret       func() ([]byte, error)
		hook, alerts int // the status of each; 0: nothing is served at all
	}{
		{"both", "T0KEN", true, some, 202, 200},
		{"a branch alone", "", true, some, 202, 404},
		{"an Alertmanager alone", "T0KEN", false, nil, 404, 200},
		{"an Alertmanager beside a branch without a secret", "T0KEN", true, none, 404, 200},
		{"a branch without a secret", "", true, none, 0, 0},
		{"neither", "\n", false, nil, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &webhooks{
				token:  func(context.Context) (string, error) { return c.token, nil },
				alerts: alertmanager.New(alertmanager.Options{Now: func() state.Time { return state.Time{Boot: "b"} }}),
			}
			if c.branch {
				h.hook = hooks.Handler(c.secret, func() {})
			}
			paths, err := h.paths(t.Context())
			if c.hook == 0 {
				if err == nil || !strings.Contains(err.Error(), "git-webhook-secret") || !strings.Contains(err.Error(), "alertmanager-token") {
					t.Errorf("it is served, or it is not said why not: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range map[string]int{"/hook": c.hook, "/alertmanager": c.alerts, "//hook": 404, "/alertmanager/": 404, "/": 404} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://x"+path, strings.NewReader(payload))
				r.Header.Set("Authorization", "Bearer T0KEN")
				r.Header.Set("X-Gitlab-Token", "T0KEN")
				w := httptest.NewRecorder()
				byPath(paths).ServeHTTP(w, r)
				if w.Code != want || w.Header().Get("Location") != "" {
					t.Errorf("%s: %d, want %d", path, w.Code, want)
				}
			}
		})
	}
}

// Alerts of an Alertmanager whose Cases are open are known again, each by its Case.
func TestAlertsOfBefore(t *testing.T) {
	past := state.NewPast()
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, c := range []state.Case{
		{Object: "Service/redis", Unit: "RedisMemory/0123456789", Alert: "alertmanager", Opened: state.Time{Wall: noon}},
		{Object: "Host/app-1", Unit: "DiskFull/abcdefghij", Alert: "rule/host/DiskFull"},
		{Object: "Service/redis", Unit: "redis.service"},
	} {
		past.Cases[c.Key()] = c
	}
	want := []state.ActiveAlert{{ID: "0123456789", Name: "RedisMemory", Firing: true, Since: noon, Labels: map[string]string{"alertname": "RedisMemory", "service": "redis"}}}
	if d := cmp.Diff(want, formerAlerts(past)); d != "" {
		t.Error(d)
	}
}

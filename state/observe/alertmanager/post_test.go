package alertmanager

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// body is what an Alertmanager 0.25 sends.
const body = `{"receiver":"evenkeel","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"A","severity":"critical"},
"annotations":{"impact":"customers cannot pay"},"startsAt":"2026-11-23T08:00:00.5Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"f"}],
"groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am:9093","version":"4","groupKey":"{}:{}","truncatedAlerts":0}`

func labels(n int, value string) string {
	var b strings.Builder
	b.WriteString(`{"alertname":"A"`)
	for i := range n {
		b.WriteString(`,"l` + strings.Repeat("x", i) + `":"` + value + `"`)
	}
	return b.String() + "}"
}

func of(labels, annotations string) string {
	return `{"version":"4","alerts":[{"status":"firing","labels":` + labels + `,"annotations":` + annotations + `}]}`
}

// Only who knows the token is listened to, and only what is within bounds is taken.
func TestWhatIsTaken(t *testing.T) {
	good := "Bearer T0KEN"
	for _, c := range []struct {
		name, method, path, auth, body string
		token                          func(context.Context) (string, error)
		code                           int
	}{
		{name: "well", code: 200},
		{name: "another path", path: "/", code: 404},
		{name: "a path below", path: Path + "/x", code: 404},
		{name: "no credential", token: func(context.Context) (string, error) { return "", errors.New("there is none") }, code: 404},
		{name: "an empty credential", token: func(context.Context) (string, error) { return "\n", nil }, auth: "Bearer ", code: 404},
		{name: "a look", method: http.MethodGet, code: 405},
		{name: "no token", auth: "-", code: 401},
		{name: "another token", auth: "Bearer T0KEM", code: 401},
		{name: "a part of the token", auth: "Bearer T0KE", code: 401},
		{name: "another scheme", auth: "Basic T0KEN", code: 401},
		{name: "too large", body: body + strings.Repeat(" ", maxBody), code: 413},
		{name: "no JSON", body: "alert!", code: 400},
		{name: "no UTF-8", body: strings.Replace(body, "customers", "\xff", 1), code: 400},
		{name: "another version", body: strings.Replace(body, `"version":"4"`, `"version":"5"`, 1), code: 400},
		{name: "another status", body: strings.Replace(body, `{"status":"firing"`, `{"status":"burning"`, 1), code: 400},
		{name: "no name", body: strings.Replace(body, "alertname", "alert", 1), code: 400},
		{name: "as many labels as may be", body: of(labels(maxLabels-1, "v"), "{}"), code: 200},
		{name: "a label too many", body: of(labels(maxLabels, "v"), "{}"), code: 400},
		{name: "an annotation too many", body: of(labels(0, ""), labels(maxLabels, "v")), code: 400},
		{name: "a label too long", body: of(labels(1, strings.Repeat("v", maxLabel+1)), "{}"), code: 400},
		{name: "a long annotation", body: of(labels(0, ""), labels(1, strings.Repeat("v", maxAnnotation))), code: 200},
		{name: "an annotation too long", body: of(labels(0, ""), labels(1, strings.Repeat("v", maxAnnotation+1))), code: 400},
		{name: "as many alerts as may be", body: many(maxAlerts), code: 200},
		{name: "an alert too many", body: many(maxAlerts + 1), code: 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Options{Now: (&clock{}).now})
			if c.token == nil {
				c.token = func(context.Context) (string, error) { return "T0KEN\n", nil }
			}
			r := httptest.NewRequestWithContext(t.Context(), orElse(c.method, http.MethodPost), orElse(c.path, Path), strings.NewReader(orElse(c.body, body)))
			r.Header.Set("Authorization", orElse(c.auth, good))
			w := httptest.NewRecorder()
			Handler(c.token, s).ServeHTTP(w, r)
			if w.Code != c.code {
				t.Errorf("%d %s, want %d", w.Code, w.Body, c.code)
			}
			if taken := s.fact().Err == ""; taken != (c.code == 200) {
				t.Errorf("it was taken: %v", taken)
			}
			if w.Header().Get("Location") != "" || strings.Contains(w.Body.String(), "T0KEN") {
				t.Errorf("it says too much: %v %s", w.Header(), w.Body)
			}
		})
	}
}

func many(n int) string {
	return `{"version":"4","alerts":[` + strings.TrimSuffix(strings.Repeat(`{"status":"firing","labels":{"alertname":"A"}},`, n), ",") + `]}`
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func TestWhatAnAlertmanagerSays(t *testing.T) {
	p, err := Read([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	a := p.Alerts[0].active()
	if a.Name != "A" || !a.Firing || a.Labels["severity"] != "critical" || a.Annotations["impact"] != "customers cannot pay" || a.Since.Format("15:04:05.0") != "08:00:00.5" || a.ID == "" {
		t.Errorf("%+v", a)
	}
}

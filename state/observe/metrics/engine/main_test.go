package engine

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// beat is how often everything happens in these tests.
const beat = 100 * time.Millisecond

// exporter is a real HTTP target whose metrics are what a test says.
type exporter struct {
	*httptest.Server
	mu    sync.Mutex
	says  func(n int) string
	code  int
	asked atomic.Int64
	kind  string
}

func export(t *testing.T, says func(n int) string) *exporter {
	t.Helper()
	x := &exporter{says: says}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := int(x.asked.Add(1))
		x.mu.Lock()
		says, code, kind := x.says, x.code, x.kind
		x.mu.Unlock()
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		if code != 0 {
			w.WriteHeader(code)
		}
		fmt.Fprint(w, says(n))
	}))
	t.Cleanup(x.Close)
	return x
}

func constant(text string) func(int) string { return func(int) string { return text } }

// say has it say something else from now on.
func (x *exporter) say(says func(n int) string) { x.mu.Lock(); defer x.mu.Unlock(); x.says = says }

// fail has it answer with a status.
func (x *exporter) fail(code int) { x.mu.Lock(); defer x.mu.Unlock(); x.code = code }

// target is an exporter as a target of a service.
func (x *exporter) target(job string) desired.Target {
	host, port, _ := strings.Cut(strings.TrimPrefix(x.URL, "http://"), ":")
	n, _ := strconv.Atoi(port)
	return desired.Target{
		Job: job, Instance: host + ":" + port, Object: "Service/" + job, Labels: map[string]string{"service": job},
		Interval: desired.Duration(beat), Metrics: desired.Metrics{HTTPGet: &desired.HTTPGet{Host: host, Port: &desired.Port{Number: n}}},
	}
}

func begin(t *testing.T, dir string) *Engine {
	t.Helper()
	e, err := New(Options{Dir: dir, slack: 5 * beat, interval: beat})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// running is an Engine with rules and targets.
func running(t *testing.T, rules string, targets ...desired.Target) *Engine {
	t.Helper()
	e := begin(t, t.TempDir())
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	set(t, e, rules, targets...)
	return e
}

func set(t *testing.T, e *Engine, rules string, targets ...desired.Target) {
	t.Helper()
	if _, err := e.Set([]desired.RuleFile{{Name: "test", Text: []byte(rules)}}, targets, nil, nil); err != nil {
		t.Fatal(err)
	}
}

// one is a file with one rule.
func one(expr string, more ...string) string {
	text := "groups:\n- name: g\n  interval: 100ms\n  rules:\n  - alert: A\n    expr: '" + expr + "'\n"
	for _, line := range more {
		text += "    " + line + "\n"
	}
	return text
}

// looks are a fact in a few words: state, and whether it is blind.
func looks(f state.Fact[state.Alerts]) string {
	if f.Err != "" {
		return "unknown: " + f.Err
	}
	var out []string
	for _, a := range f.Value.Active {
		word := a.Labels["service"] + " pending"
		if a.Firing {
			word = a.Labels["service"] + " firing"
		}
		if a.Blind != "" {
			word += " blind: " + a.Blind
		}
		out = append(out, strings.TrimSpace(word))
	}
	slices.Sort(out)
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// patient is how long something that must happen may take.
const patient = 20 * time.Second

// until waits for a source to look so; where it is to be blind, to begin so.
func until(t *testing.T, e *Engine, source, want string) state.Fact[state.Alerts] {
	t.Helper()
	var f state.Fact[state.Alerts]
	for end := time.Now().Add(patient); time.Now().Before(end); time.Sleep(beat / 4) {
		if f = e.Facts(t.Context(), []string{source}, nil).Alerts[source]; looks(f) == want || strings.Contains(want, "blind") && strings.HasPrefix(looks(f), want) {
			return f
		}
	}
	t.Fatalf("%s is %q, and should be %q", source, looks(f), want)
	return f
}

// untilQuery waits for an expression to come to something.
func untilQuery(t *testing.T, e *Engine, expr string, is func(state.Fact[state.QueryResult]) bool) state.Fact[state.QueryResult] {
	t.Helper()
	var f state.Fact[state.QueryResult]
	for end := time.Now().Add(patient); time.Now().Before(end); time.Sleep(beat / 4) {
		if f = e.Facts(t.Context(), nil, []string{expr}).Queries[expr]; is(f) {
			return f
		}
	}
	t.Fatalf("%s is %+v", expr, f)
	return f
}

// evaluations waits until a source was evaluated so often.
func evaluations(t *testing.T, e *Engine, source string, n int, each func(state.Fact[state.Alerts])) {
	t.Helper()
	var last time.Duration
	for end := time.Now().Add(patient); n > 0; time.Sleep(beat / 4) {
		if time.Now().After(end) {
			t.Fatalf("%s is not evaluated any more", source)
		}
		if f := e.Facts(t.Context(), []string{source}, nil).Alerts[source]; f.At.Up > last && f.Err != unevaluated {
			last = f.At.Up
			n--
			each(f)
		}
	}
}

const ruleA = "rule/g/A"

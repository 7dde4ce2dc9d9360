package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/metrics"
)

const source = "rule/g/A"

// rig is an Evaluator that is watched, and what was brought.
type rig struct {
	*metrics.Evaluator
	t    *testing.T
	mu   sync.Mutex
	told []string
	last map[string]state.Fact[state.Alerts]
}

func now() state.Time {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return state.Time{Wall: time.Now(), Up: time.Duration(ts.Nano()), Boot: "boot"}
}

func watched(t *testing.T, o metrics.Options) *rig {
	t.Helper()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "state", "metrics")
	}
	o.Now = now
	r := &rig{Evaluator: metrics.New(o), t: t, last: map[string]state.Fact[state.Alerts]{}}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		r.Watch(ctx, func(all map[string]state.Fact[state.Alerts]) {
			r.mu.Lock()
			defer r.mu.Unlock()
			for name, f := range all {
				r.last[name] = f
				r.told = append(r.told, looks(f))
			}
		})
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return r
}

func looks(f state.Fact[state.Alerts]) string {
	if f.Err != "" {
		return "unknown: " + f.Err
	}
	if f.At.IsZero() {
		return "nothing was told"
	}
	out := "none"
	for _, a := range f.Value.Active {
		out = a.Labels["service"] + map[bool]string{true: " firing", false: " pending"}[a.Firing]
		if a.Blind != "" {
			out += " blind"
		}
	}
	return out
}

// until waits to be told of the source.
func (r *rig) until(want string) state.Fact[state.Alerts] {
	r.t.Helper()
	var f state.Fact[state.Alerts]
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		r.mu.Lock()
		f = r.last[source]
		r.mu.Unlock()
		if strings.HasPrefix(looks(f), want) {
			return f
		}
	}
	r.t.Fatalf("told %q, and should be %q", looks(f), want)
	return f
}

// child is the process that evaluates; 0: there is none.
func child(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range all {
		b, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		for _, word := range strings.Fields(string(b)) {
			line, _ := os.ReadFile("/proc/" + word + "/cmdline")
			if strings.Contains(string(line), metrics.Role) {
				pid, _ := strconv.Atoi(word)
				return pid
			}
		}
	}
	return 0
}

func rules(expr string, more ...string) []desired.RuleFile {
	text := "groups:\n- name: g\n  interval: 100ms\n  rules:\n  - alert: A\n    expr: '" + expr + "'\n"
	for _, line := range more {
		text += "    " + line + "\n"
	}
	return []desired.RuleFile{{Name: "test", Text: []byte(text)}}
}

func served(t *testing.T, text string) []desired.Target {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	t.Cleanup(s.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	n, _ := strconv.Atoi(port)
	return []desired.Target{{
		Job: "shop", Instance: "127.0.0.1:" + port, Labels: map[string]string{"service": "shop"},
		Interval: desired.Duration(100 * time.Millisecond), Metrics: desired.Metrics{HTTPGet: &desired.HTTPGet{Port: &desired.Port{Number: n}}},
	}}
}

// There is a child while there is something to evaluate, it has no rights, and what
// it says is told once, and read again by those who ask.
func TestChild(t *testing.T) {
	r := watched(t, metrics.Options{})
	if child(t) != 0 {
		t.Error("there is a child, and nothing to evaluate")
	}
	if f := r.Observe(t.Context(), []string{source}, nil); !strings.Contains(f.Alerts[source].Err, "there are no rules") {
		t.Errorf("the source is %+v", f.Alerts[source])
	}
	r.Set(rules("backlog > 1"), served(t, "backlog 2\n"))
	f := r.until("shop firing")
	if f.At.Boot != "boot" || now().Up-f.At.Up > 10*time.Second {
		t.Errorf("it is dated %+v", f.At)
	}
	pid := child(t)
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for _, want := range []string{"NoNewPrivs:\t1\n", "CapEff:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "CapBnd:"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("its status has no %q", want)
		}
	}
	if os.Geteuid() == 0 && strings.Contains(string(status), "Uid:\t0") {
		t.Error("it is root")
	}
	seen := r.Observe(t.Context(), []string{source, "rule/g/B"}, []string{"backlog == 2", "backlog =="})
	if a := seen.Alerts[source]; looks(a) != "shop firing" || a.At.Before(f.At) {
		t.Errorf("it is %+v", a)
	}
	if q := seen.Queries["backlog == 2"]; !q.Known() || !q.Value.Yes || q.Value.Says != "2  service=shop" {
		t.Errorf("the query is %+v", q)
	}
	if q, a := seen.Queries["backlog =="], seen.Alerts["rule/g/B"]; q.Known() || a.Known() {
		t.Errorf("no query and no rule are %+v, %+v", q, a)
	}
	if text, err := r.Query(t.Context(), "backlog", time.Time{}, false); err != nil || text != "2  service=shop" {
		t.Errorf("as text it is %q, %v", text, err)
	}
	r.mu.Lock()
	before := len(r.told)
	r.mu.Unlock()
	time.Sleep(500 * time.Millisecond) // five evaluations
	r.mu.Lock()
	if len(r.told) != before {
		t.Errorf("nothing has changed, and it told %q", r.told)
	}
	r.mu.Unlock()
	r.Set(nil, nil)
	r.until("none")
	for end := time.Now().Add(10 * time.Second); child(t) != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the child lives on")
		}
	}
}

// A child that is killed is started anew. Meanwhile nothing is known, and what was
// pending before goes on.
func TestKilled(t *testing.T) {
	r := watched(t, metrics.Options{})
	r.Set(rules("backlog > 1", "for: 3s"), served(t, "backlog 2\n"))
	since := r.until("shop pending").Value.Active[0].Since
	r.until("shop firing")
	if err := syscall.Kill(child(t), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.until("unknown: rules are not evaluated: signal: killed")
	began := time.Now()
	f := r.until("shop firing")
	if got := f.Value.Active[0].Since; !got.Equal(since.Truncate(time.Second)) {
		t.Errorf("it is so since %s, and was since %s", got, since)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	after := false
	for _, told := range r.told {
		after = after || strings.Contains(told, "signal: killed")
		if after && (told == "none" || told == "shop pending") {
			t.Errorf("told %q", r.told)
		}
	}
}

// What only root can read is collected here, and read like any other target.
func TestCollected(t *testing.T) {
	var fails sync.Map
	r := watched(t, metrics.Options{Collect: func(_ context.Context, t desired.Target) ([]byte, error) {
		if _, ok := fails.Load("now"); ok {
			return nil, errors.New("connection refused")
		}
		if t.Metrics.Redis == nil {
			return nil, errors.New("not a Redis")
		}
		return []byte("redis_memory_used_bytes 100\n"), nil
	}})
	r.Set(rules("redis_memory_used_bytes > 1"), []desired.Target{{
		Job: "redis", Instance: "localhost:6379", Labels: map[string]string{"service": "redis"},
		Interval: desired.Duration(100 * time.Millisecond), Metrics: desired.Metrics{Redis: &desired.Redis{}},
	}})
	r.until("redis firing")
	fails.Store("now", true)
	r.until("redis firing blind")
}

// A Prometheus that is there already is asked: for the data of groups, or for its
// own alerts.
func TestPrometheus(t *testing.T) {
	var mu sync.Mutex
	value, code := "7", 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if req.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		w.WriteHeader(code)
		switch req.URL.Path {
		case "/api/v1/query":
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"service":"shop"},"value":[1,"%s"]}]}}`, value)
		case "/api/v1/alerts":
			fmt.Fprint(w, `{"status":"success","data":{"alerts":[{"labels":{"alertname":"Own","service":"pay"},"annotations":{},"state":"firing","activeAt":"2026-01-01T00:00:00Z","value":"1e+00"},{"labels":{"alertname":"Own","service":"other"},"state":"firing","activeAt":"2026-01-01T00:00:00Z","value":"1"}]}}`)
		}
	}))
	defer s.Close()
	r := watched(t, metrics.Options{Secret: func(_ context.Context, s desired.Secret) (string, error) {
		if s.FromCredential != "prometheus" {
			return "", fs.ErrNotExist
		}
		return "secret", nil
	}})
	p := &desired.Prometheus{URL: s.URL, BearerToken: &desired.Secret{FromCredential: "prometheus"}, Match: []string{`service="pay"`}}
	file := rules("x > 5")
	file[0].Prometheus = p
	r.Set(append(file, desired.RuleFile{Name: "own", Prometheus: p}), nil)
	r.until("shop firing")
	own := func() state.Fact[state.Alerts] {
		return r.Observe(t.Context(), []string{"prometheus/own"}, nil).Alerts["prometheus/own"]
	}
	for end := time.Now().Add(20 * time.Second); looks(own()) != "pay firing"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("its own alerts are %+v", own())
		}
	}
	mu.Lock()
	value = "NaN"
	mu.Unlock()
	r.until("shop firing blind")
	mu.Lock()
	code, value = 500, ""
	mu.Unlock()
	r.until("unknown: ")
}

// A file of rules that is wrong is unknown, and nothing that it said is over; another
// holds.
func TestWrongFile(t *testing.T) {
	r := watched(t, metrics.Options{})
	targets := served(t, "backlog 2\n")
	good := rules("backlog > 1")
	other := desired.RuleFile{Name: "other", Text: []byte("groups:\n- name: h\n  rules:\n  - {alert: B, expr: 'rate(x[2d]) > 1'}\n")}
	r.Set(append(good, other), targets)
	r.until("shop firing")
	if f := r.Observe(t.Context(), []string{"rule/h/B"}, nil).Alerts["rule/h/B"]; !strings.Contains(f.Err, "more than a day") {
		t.Errorf("the wrong file is %+v", f)
	}
}

// What somebody left in the folder that no Prometheus wrote does no harm.
func TestDamagedFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "metrics")
	if err := os.MkdirAll(filepath.Join(dir, "series", "wal"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"alerts.json": "{", "series/wal/00000000": "rubbish", "series/wal/rubbish": "rubbish", "series/chunks_head": "no folder"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	r := watched(t, metrics.Options{Dir: dir})
	r.Set(rules("backlog > 1"), served(t, "backlog 2\n"))
	r.until("shop firing")
}

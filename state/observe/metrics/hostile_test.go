package metrics_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state/observe/metrics"
)

// growth is how much memory a hostile target may cost what reads it.
const growth = 64 << 20

// hostile are answers that no target should give. Each of them says backlog 9, if
// anything, which must not be believed.
var hostile = []struct {
	name, why string // why it is not read, as the fact says it
	says      http.HandlerFunc
	much      bool // it would take much memory
}{
	{"100,000 series", "sample limit exceeded", lines(100_000, ""), true},
	{"100,000 series of long labels", "body size limit exceeded", lines(100_000, strings.Repeat("v", 1000)), true},
	{"as much as is read, all of it one series again and again", "says two things of the same series", text(strings.Repeat("x 1\n", 4000) + "backlog 9\n"), false},
	{"no numbers", "says nothing that is a number", text("backlog NaN\nx NaN\n"), false},
	{"a series twice", "says two things of the same series", text("backlog 9\nbacklog 0\n"), false},
	{"invalid UTF-8", "invalid UTF-8", text("backlog 9\nx{a=\"\xff\"} 1\n"), false},
	{"a value of a label that is too long", "label_value_length_limit", text("backlog 9\nx{a=\"" + strings.Repeat("a", 1025) + "\"} 1\n"), false},
	{"a name of a label that is too long", "label_name_length_limit", text("backlog 9\nx{" + strings.Repeat("a", 1025) + "=\"1\"} 1\n"), false},
	{"too many labels", "label_limit", text("backlog 9\nx{" + labels(65) + "} 1\n"), false},
	{"a line without an end", "body size limit exceeded", func(w http.ResponseWriter, r *http.Request) {
		text("backlog 9\n# HELP x "+strings.Repeat("a", 5<<20))(w, r)
	}, true},
	{"a line that is cut short", "cannot be read", text("backlog 9\nx{a=\""), false},
	{"no metrics", "cannot be read", text("<!DOCTYPE html><p>backlog 9\n"), false},
	{"no metrics, and said to be protobuf", "cannot be read", typed("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", strings.Repeat("\xff\xff\xff\x7f", 1<<10)), false},
	{"no answer at all", "deadline exceeded", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false},
	{"a byte at a time", "deadline exceeded", drip, false},
	{"a body without an end", "cannot be read", endless, true},
	{"a gzip bomb", "body size limit exceeded", bomb, true},
	{"a redirect to somebody who would be believed", "307", redirect, false},
	{"an error", "503", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "backlog 9\n")
	}, false},
	{"a header of 12 MB", "cannot be read", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X", strings.Repeat("a", 12<<20))
		fmt.Fprint(w, "backlog 9\n")
	}, true},
	{"nothing: it hangs up", "EOF", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
}

func text(s string) http.HandlerFunc { return typed("text/plain; version=0.0.4", s) }

func typed(kind, s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, s)
	}
}

// lines say so many series, as they go: the child has these variables, too, and should
// be none the larger for them.
func lines(n int, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		out := bufio.NewWriterSize(w, 64<<10)
		fmt.Fprint(out, "backlog 9\n")
		for i := range n {
			if _, err := fmt.Fprintf(out, "x{i=\"%d\",v=\"%s\"} 1\n", i, value); err != nil {
				return
			}
		}
		_ = out.Flush()
	}
}

func labels(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("l%d=\"1\"", i))
	}
	return strings.Join(all, ",")
}

func drip(w http.ResponseWriter, r *http.Request) {
	for _, b := range []byte(strings.Repeat("backlog 9\n", 1000)) {
		if _, err := w.Write([]byte{b}); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	line := bytes.Repeat([]byte("backlog 9\n"), 10_000)
	for {
		if _, err := w.Write(line); err != nil {
			return
		}
	}
}

// bombed is 64 MiB of a comment in some 64 KiB.
var bombed = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, "backlog 9\n# HELP x ")
	zeros := bytes.Repeat([]byte("a"), 1<<20)
	for range 64 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	return b.Bytes()
})

func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(bombed())
}

func redirect(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/elsewhere" {
		fmt.Fprint(w, "backlog 9\n")
		return
	}
	http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
}

// resident is the most memory that a process had at once, since it was last asked for
// where that can be had (it is root's).
func resident(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), "VmHWM:")
	n, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
	return n << 10
}

// judged are rules that a hostile target would have fire, each in its own way.
const judged = `groups:
- name: g
  interval: 100ms
  rules:
  - {record: 'backlog:sum', expr: 'sum by (job) (backlog)'}
  - {alert: A, expr: 'backlog > 5'}
  - {alert: Sum, expr: 'sum by (job) (backlog) > 5'}
  - {alert: Recorded, expr: 'backlog:sum > 5'}
  - {alert: Count, expr: 'count by (job) ({__name__=~".+",i!=""}) > 100'}
  - {alert: Down, expr: 'up == 0'}
  - {alert: Absent, expr: 'absent(backlog{job="2"})'}
  - {alert: Samples, expr: 'scrape_samples_scraped > 4500'}
`

var judging = []string{"rule/g/A", "rule/g/Sum", "rule/g/Recorded", "rule/g/Count", "rule/g/Down", "rule/g/Absent", "rule/g/Samples"}

// changeable is a target that may say what it should, or something else.
type changeable struct {
	desired.Target
	says  atomic.Pointer[http.HandlerFunc]
	asked atomic.Int64
}

func (c *changeable) say(h http.HandlerFunc) { c.says.Store(&h) }

func changing(t *testing.T, job string, every time.Duration) *changeable {
	t.Helper()
	c := &changeable{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Add(1)
		(*c.says.Load())(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	n, _ := strconv.Atoi(port)
	c.Target = desired.Target{
		Job: job, Instance: "127.0.0.1:" + port, Labels: map[string]string{"service": "shop"},
		Interval: desired.Duration(every), Metrics: desired.Metrics{HTTPGet: &desired.HTTPGet{Port: &desired.Port{Number: n}}},
	}
	return c
}

// Whatever targets answer, all of them at once: what reads them goes on, all that they
// said is unknown, and every alert that rests on it is blind, also while they begin to
// say what they should again.
func TestHostileTargets(t *testing.T) {
	good := text("backlog 0\n")
	var all []*changeable
	var targets []desired.Target
	for i := range hostile {
		c := changing(t, strconv.Itoa(i), 2*slowly)
		c.say(good)
		all, targets = append(all, c), append(targets, c.Target)
	}
	r := watched(t, metrics.Options{})
	r.Set([]desired.RuleFile{{Name: "test", Text: []byte(judged)}}, targets)
	r.readings(t, all, func(int) string { return "" })
	pid := child(t)
	for i, c := range all {
		c.say(hostile[i].says)
	}
	if blind := r.readings(t, all, func(i int) string { return hostile[i].why }); blind == 0 {
		t.Error("no alert was seen: nothing was tried")
	}
	for _, c := range all {
		c.say(good)
	}
	r.readings(t, all, func(int) string { return "" })
	if got := child(t); got != pid {
		t.Errorf("it ended meanwhile: %d is %d", pid, got)
	}
}

// However much one target answers, what reads it takes little more memory than for one
// that says what it should.
func TestWhatAHostileTargetCosts(t *testing.T) {
	c := changing(t, "0", slowly)
	c.say(text("backlog 0\n"))
	r := watched(t, metrics.Options{})
	r.Set([]desired.RuleFile{{Name: "test", Text: []byte(judged)}}, []desired.Target{c.Target})
	r.readings(t, []*changeable{c}, func(int) string { return "" })
	for _, h := range hostile {
		if !h.much {
			continue
		}
		resident(t, child(t))
		before := resident(t, child(t))
		c.say(h.says)
		r.readings(t, []*changeable{c}, func(int) string { return h.why })
		grew := resident(t, child(t)) - before
		t.Logf("%s: %d MiB more than %d", h.name, grew>>20, before>>20)
		if grew > growth*roomy {
			t.Errorf("%s took %d MiB", h.name, grew>>20)
		}
	}
}

// readings waits until of each target it is known why it is not read, or that it is
// read where nothing is why, and for two more readings. No alert counts meanwhile. It
// returns how many were seen that do not.
func (r *rig) readings(t *testing.T, all []*changeable, why func(int) string) (blind int) {
	t.Helper()
	var ask []string
	for i := range all {
		ask = append(ask, fmt.Sprintf("backlog{job=\"%d\"}", i))
	}
	since, open := make([]int64, len(all)), len(all)
	for end := time.Now().Add(3 * time.Minute); open > 0; time.Sleep(20 * time.Millisecond) {
		seen := r.Observe(t.Context(), judging, ask)
		for name, f := range seen.Alerts {
			for _, a := range f.Value.Active {
				if blind++; a.Blind == "" {
					t.Fatalf("%s counts: %+v", name, a)
				}
			}
		}
		open = 0
		for i, c := range all {
			q, want := seen.Queries[ask[i]], why(i)
			if strings.HasSuffix(q.Value.Says, " 9") {
				t.Fatalf("%s: it is believed: %+v", hostile[i].name, q)
			}
			as := strings.Contains(q.Err, want) && q.Known() == (want == "")
			if as && since[i] == 0 {
				since[i] = c.asked.Load()
			}
			if since[i] == 0 || c.asked.Load() < since[i]+2 {
				if open++; time.Now().After(end) {
					t.Fatalf("%s: it is %+v after %d readings, and should be %q", hostile[i].name, q, c.asked.Load(), want)
				}
			} else if q.Known() != (want == "") {
				t.Fatalf("%s: it is %+v again", hostile[i].name, q)
			}
		}
	}
	return blind
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// family is what all series of one name have in common.
type family struct{ kind, help string }

// families are all that a service may count, by name. A counter's series end in
// _total; OpenMetrics names the family without.
var families = map[string]family{
	"http_requests":                 {"counter", "Requests answered."},
	"http_request_error_ratio":      {"gauge", "Share of all requests that were answered by 5xx."},
	"http_request_duration_seconds": {"histogram", "Time until the answer."},
	"unhandled_exceptions":          {"counter", "Requests that ended in an exception that nothing handled."},
	"db_query_duration_seconds":     {"histogram", "Time of a query, with what it waited for."},
	"db_query_errors":               {"counter", "Queries that failed."},
	"cache_hits":                    {"counter", "What was asked for and found in the cache."},
	"cache_misses":                  {"counter", "What was asked for and not found in the cache."},
	"payment_process":               {"counter", "Payments tried, by gateway."},
	"payment_process_failures":      {"counter", "Payments that failed, by gateway."},
	"fraud_queue_depth":             {"gauge", "Payments that wait for a review."},
	"fraud_evaluations":             {"counter", "Payments judged, by verdict."},
	"fraud_rule_threshold":          {"gauge", "From where on a rule flags a payment."},
	"fraud_reviews":                 {"counter", "Reviews done, by outcome: cleared is a false positive."},
	"zra_transmissions":             {"counter", "Invoices transmitted to the revenue authority, by result."},
	"zra_mock_mode":                 {"gauge", "1 while invoices are kept here instead of being transmitted."},
	"zra_key_expiry_timestamp_seconds": {
		"gauge", "When the key for the revenue authority's interface ends.",
	},
	"process_start_time_seconds": {"gauge", "When the process started."},
	"go_goroutines":              {"gauge", "Goroutines now."},
	"go_memstats_alloc_bytes":    {"gauge", "Bytes in use on the heap."},
}

// buckets of the histograms, in seconds.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// metrics is all that the service counted.
type metrics struct {
	service string
	started time.Time
	mu      sync.Mutex
	series  map[string]map[string]*series // by family, then by labels
}

// series is one line of a counter or a gauge, or those of one histogram.
type series struct {
	value    float64
	counts   [12]int // of a histogram: one for each bucket, and +Inf
	n        int
	exemplar [12]exemplar // of a counter the first alone
}

// exemplar is one request that is an example of what a number counts.
type exemplar struct {
	trace string
	value float64
	at    time.Time
}

func newMetrics(service string) *metrics {
	return &metrics{service: service, started: time.Now(), series: map[string]map[string]*series{}}
}

// at finds the series of a family by its labels, as name and value in turn. m.mu is held.
func (m *metrics) at(name string, labels []string) *series {
	key := fmt.Sprintf("service=%q", m.service)
	for i := 0; i+1 < len(labels); i += 2 {
		key += fmt.Sprintf(",%s=%q", labels[i], labels[i+1])
	}
	of := m.series[name]
	if of == nil {
		of = map[string]*series{}
		m.series[name] = of
	}
	if of[key] == nil {
		of[key] = &series{}
	}
	return of[key]
}

// add counts n more. A counter that is to start at 0 is told of 0 at first.
func (m *metrics) add(name string, t trace, n float64, labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.at(name, labels)
	s.value += n
	if n > 0 && t.id != "" {
		s.exemplar[0] = exemplar{t.id, n, time.Now()}
	}
}

// set says what a gauge is now, or a counter that somebody else counts.
func (m *metrics) set(name string, value float64, labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at(name, labels).value = value
}

// observe adds one duration to a histogram.
func (m *metrics) observe(name string, t trace, took time.Duration, labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.at(name, labels)
	at, _ := slices.BinarySearch(buckets, took.Seconds())
	s.counts[at]++
	s.value += took.Seconds()
	s.n++
	if t.id != "" {
		s.exemplar[at] = exemplar{t.id, took.Seconds(), time.Now()}
	}
}

// write writes all of it as Prometheus text, or as OpenMetrics, which has exemplars.
func (m *metrics) write(w io.Writer, open bool) {
	m.process()
	var b bytes.Buffer
	m.mu.Lock()
	m.errorRatio()
	for _, name := range slices.Sorted(maps.Keys(m.series)) {
		m.family(&b, name, open)
	}
	m.mu.Unlock()
	if open {
		b.WriteString("# EOF\n")
	}
	_, _ = w.Write(b.Bytes()) // the client may be gone
}

// process says how the process is.
func (m *metrics) process() {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	m.set("process_start_time_seconds", float64(m.started.Unix()))
	m.set("go_goroutines", float64(runtime.NumGoroutine()))
	m.set("go_memstats_alloc_bytes", float64(mem.Alloc))
}

// errorRatio works out the share of errors among all requests. m.mu is held.
func (m *metrics) errorRatio() {
	errored, all := 0.0, 0.0
	for labels, s := range m.series["http_requests"] {
		all += s.value
		if strings.Contains(labels, `code="5`) {
			errored += s.value
		}
	}
	ratio := 0.0
	if all > 0 {
		ratio = errored / all
	}
	m.at("http_request_error_ratio", nil).value = ratio
}

// family writes all series of one name. m.mu is held.
func (m *metrics) family(b *bytes.Buffer, name string, open bool) {
	f, of := families[name], m.series[name]
	full := name
	if f.kind == "counter" {
		full += "_total"
	}
	head := full
	if open {
		head = name
	}
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", head, f.help, head, f.kind)
	for _, labels := range slices.Sorted(maps.Keys(of)) {
		s := of[labels]
		if f.kind == "histogram" {
			s.histogram(b, name, labels, open)
			continue
		}
		fmt.Fprintf(b, "%s{%s} %v", full, labels, s.value)
		if f.kind == "counter" {
			s.exemplar[0].write(b, open)
		}
		b.WriteByte('\n')
	}
}

func (s *series) histogram(b *bytes.Buffer, name, labels string, open bool) {
	sum := 0
	for i := range s.counts {
		le := "+Inf"
		if i < len(buckets) {
			le = fmt.Sprint(buckets[i])
		}
		sum += s.counts[i]
		fmt.Fprintf(b, "%s_bucket{%s,le=%q} %d", name, labels, le, sum)
		s.exemplar[i].write(b, open)
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "%s_sum{%s} %v\n%s_count{%s} %d\n", name, labels, s.value, name, labels, s.n)
}

func (e exemplar) write(b *bytes.Buffer, open bool) {
	if open && e.trace != "" {
		fmt.Fprintf(b, " # {trace_id=%q} %v %.3f", e.trace, e.value, float64(e.at.UnixMilli())/1000)
	}
}

// forget drops families that cannot be looked up.
func (m *metrics) forget(names ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range names {
		delete(m.series, name)
	}
}

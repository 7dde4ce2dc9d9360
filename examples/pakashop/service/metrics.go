package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"
)

// buckets of the latency histogram, in seconds.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// metrics counts requests by route and status code.
type metrics struct {
	service string
	started time.Time
	mu      sync.Mutex
	counts  map[routeCode]int
	latency map[string]*histogram
}

type routeCode struct {
	route string
	code  int
}

type histogram struct {
	counts [12]int // one for each bucket, and +Inf
	sum    float64
	n      int
}

func newMetrics(service string) *metrics {
	return &metrics{service: service, started: time.Now(), counts: map[routeCode]int{}, latency: map[string]*histogram{}}
}

func (m *metrics) observe(route string, code int, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[routeCode{route, code}]++
	h := m.latency[route]
	if h == nil {
		h = &histogram{}
		m.latency[route] = h
	}
	at, _ := slices.BinarySearch(buckets, took.Seconds())
	h.counts[at]++
	h.sum += took.Seconds()
	h.n++
}

// write writes all of it as Prometheus text.
func (m *metrics) write(w io.Writer) {
	var b bytes.Buffer
	m.mu.Lock()
	m.requests(&b)
	m.latencies(&b)
	m.mu.Unlock()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	m.gauge(&b, "process_start_time_seconds", "When the process started.", float64(m.started.Unix()))
	m.gauge(&b, "go_goroutines", "Goroutines now.", float64(runtime.NumGoroutine()))
	m.gauge(&b, "go_memstats_alloc_bytes", "Bytes in use on the heap.", float64(mem.Alloc))
	_, _ = w.Write(b.Bytes()) // the client may be gone
}

func (m *metrics) requests(b *bytes.Buffer) {
	errored, all := 0, 0
	fmt.Fprintln(b, "# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter")
	keys := slices.SortedFunc(maps.Keys(m.counts), func(x, y routeCode) int {
		return cmp.Or(cmp.Compare(x.route, y.route), cmp.Compare(x.code, y.code))
	})
	for _, k := range keys {
		fmt.Fprintf(b, "http_requests_total{service=%q,route=%q,code=\"%d\"} %d\n", m.service, k.route, k.code, m.counts[k])
		all += m.counts[k]
		if k.code >= 500 {
			errored += m.counts[k]
		}
	}
	rate := 0.0
	if all > 0 {
		rate = float64(errored) / float64(all)
	}
	m.gauge(b, "http_request_error_ratio", "Share of all requests that were answered by 5xx.", rate)
}

func (m *metrics) latencies(b *bytes.Buffer) {
	const name = "http_request_duration_seconds"
	fmt.Fprintf(b, "# HELP %s Time until the answer.\n# TYPE %s histogram\n", name, name)
	for _, route := range slices.Sorted(maps.Keys(m.latency)) {
		h, sum := m.latency[route], 0
		for i, le := range buckets {
			sum += h.counts[i]
			fmt.Fprintf(b, "%s_bucket{service=%q,route=%q,le=\"%g\"} %d\n", name, m.service, route, le, sum)
		}
		fmt.Fprintf(b, "%s_bucket{service=%q,route=%q,le=\"+Inf\"} %d\n", name, m.service, route, h.n)
		fmt.Fprintf(b, "%s_sum{service=%q,route=%q} %g\n", name, m.service, route, h.sum)
		fmt.Fprintf(b, "%s_count{service=%q,route=%q} %d\n", name, m.service, route, h.n)
	}
}

func (m *metrics) gauge(b *bytes.Buffer, name, help string, value float64) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s gauge\n%s{service=%q} %g\n", name, help, name, name, m.service, value)
}

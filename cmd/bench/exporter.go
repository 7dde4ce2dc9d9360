package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Where the targets of row G are read, each on a port of its own, and below them how
// often each side read them.
const exportPort = 21000

// Paths of a target, so that each side's readings are counted for themselves.
const (
	evenkeelReads   = "/metrics/evenkeel"
	prometheusReads = "/metrics/prometheus"
)

func exportURL(i int, path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", exportPort+i, path)
}

// seriesEach is what one target says: requests by path and code, how long they took
// as a histogram by path, and some that go up and down.
const seriesEach = exportPaths*(len(exportCodes)+len(exportBounds)+3) + exportGauges

const (
	exportPaths  = 20
	exportGauges = 20
)

var (
	exportCodes  = [...]int{200, 201, 400, 404, 500}
	exportBounds = [...]string{"0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.2", "0.3", "0.4", "0.5", "0.75", "1", "2", "3", "5", "10"}
)

// export answers as n targets. The last of them fails more often than it should.
func export(args []string) error {
	n, err := number(args)
	if err != nil {
		return err
	}
	began := time.Now()
	var reads [2]atomic.Int64
	ended := make(chan error, n+1)
	for i := n; i >= 0; i-- { // who hears of the count finds all others
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", exportPort+i))
		if err != nil {
			return err
		}
		m := http.NewServeMux()
		for by, path := range []string{evenkeelReads, prometheusReads} {
			m.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
				if i == 0 {
					fmt.Fprint(w, reads[by].Load())
					return
				}
				reads[by].Add(1)
				w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
				_, _ = w.Write(exported(i, i == n, time.Since(began).Seconds())) // whoever reads may be gone
			})
		}
		go func() { ended <- http.Serve(l, m) }() // for as long as the process
	}
	return <-ended
}

// exported is what a target says so many seconds after the start: all that counts goes
// on, each at its own pace.
func exported(target int, fails bool, seconds float64) []byte {
	var b bytes.Buffer
	b.WriteString("# TYPE http_requests_total counter\n")
	for p := range exportPaths {
		for c, code := range exportCodes {
			pace := float64(target+p+1) / float64(1+10*c)
			if fails && code == 500 {
				pace *= 1000
			}
			fmt.Fprintf(&b, "http_requests_total{path=\"/p%d\",code=\"%d\"} %.0f\n", p, code, pace*seconds)
		}
	}
	b.WriteString("# TYPE http_duration_seconds histogram\n")
	for p := range exportPaths {
		all := float64(target+p+1) * seconds
		for i, le := range exportBounds {
			fmt.Fprintf(&b, "http_duration_seconds_bucket{path=\"/p%d\",le=\"%s\"} %.0f\n", p, le, all*float64(i+1)/float64(len(exportBounds)))
		}
		fmt.Fprintf(&b, "http_duration_seconds_bucket{path=\"/p%d\",le=\"+Inf\"} %.0f\n", p, all)
		fmt.Fprintf(&b, "http_duration_seconds_sum{path=\"/p%d\"} %.3f\nhttp_duration_seconds_count{path=\"/p%d\"} %.0f\n", p, all/5, p, all)
	}
	b.WriteString("# TYPE queue_length gauge\n")
	for q := range exportGauges {
		fmt.Fprintf(&b, "queue_length{queue=\"q%d\"} %d\n", q, (int(seconds)*(q+1)+target)%100)
	}
	return b.Bytes()
}

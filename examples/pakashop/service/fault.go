package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// kinds are the ways in which the service can be made to break.
var kinds = []string{
	"crash",     // the process ends at once, exit code 70
	"exit",      // the process ends at once, exit code 0
	"hang",      // no request is answered
	"slow",      // each takes two seconds longer
	"errors",    // the service's work is answered by 500
	"unhealthy", // /health is answered by 500
	"unready",   // /health/ready is answered by 503
	"wrong",     // /health says another service's name
	"leak",      // memory grows by 1 MiB every 10 ms
	"exception", // the service's work ends in an exception that nothing handles
	"sessions",  // sessions with PostgreSQL are begun, and never ended
	"token",     // payments are refused: the gateways' token is stale until a restart
}

const slowness = 2 * time.Second

// faults are the ones that are on, each until its end; a zero end is none.
type faults struct {
	mu     sync.Mutex
	until  map[string]time.Time
	leaked [][]byte

	sessions func() // leaks sessions with PostgreSQL
}

// set switches a fault on, for a time or until kind "off" clears all.
func (f *faults) set(kind string, span time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case kind == "off":
		f.until, f.leaked = nil, nil
		return nil
	case !slices.Contains(kinds, kind):
		return fmt.Errorf("kind=%q is not one of: off %s", kind, strings.Join(kinds, " "))
	case kind == "crash":
		time.AfterFunc(50*time.Millisecond, func() { os.Exit(70) }) // after the answer
	case kind == "exit":
		time.AfterFunc(50*time.Millisecond, func() { os.Exit(0) })
	case kind == "leak" && !f.isOn("leak"):
		go f.leak()
	case kind == "sessions" && !f.isOn("sessions"):
		go f.sessions()
	}
	if f.until == nil {
		f.until = map[string]time.Time{}
	}
	f.until[kind] = time.Time{}
	if span > 0 {
		f.until[kind] = time.Now().Add(span)
	}
	return nil
}

func (f *faults) isOn(kind string) bool {
	end, ok := f.until[kind]
	return ok && (end.IsZero() || time.Now().Before(end))
}

func (f *faults) on(kind string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.isOn(kind)
}

func (f *faults) list() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := []string{}
	for _, k := range kinds {
		if f.isOn(k) {
			found = append(found, k)
		}
	}
	return found
}

// delay holds a request up as the faults demand, and says whether it is still
// to be answered.
func (f *faults) delay(ctx context.Context) bool {
	if f.on("slow") {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(slowness):
		}
	}
	for f.on("hang") {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
	return true
}

// leak takes memory, and touches it so that it counts.
func (f *faults) leak() {
	for f.on("leak") {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		f.mu.Lock()
		f.leaked = append(f.leaked, b)
		f.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
}

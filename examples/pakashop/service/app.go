package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// app is one service.
type app struct {
	name    string
	deps    []dependency
	log     *logger
	metrics *metrics
	fault   *faults
}

func newApp(name string, deps []dependency, log *logger) *app {
	return &app{name: name, deps: deps, log: log, metrics: newMetrics(name), fault: &faults{}}
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /health", a.counted("/health", a.health))
	mux.Handle("GET /health/ready", a.counted("/health/ready", a.ready))
	mux.Handle("GET /health/metrics", a.counted("/health/metrics", a.exposition))
	mux.HandleFunc("GET /fault", a.showFaults)
	mux.HandleFunc("POST /fault", a.setFault)
	mux.Handle("/", a.counted("/", a.work))
	return mux
}

// counted wraps an answer with what every request has: a trace, the faults that
// are on, a count and a log line.
func (a *app) counted(route string, answer func(http.ResponseWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		t := traceOf(r)
		w.Header().Set("traceparent", t.header())
		seen := &recorder{ResponseWriter: w, code: http.StatusOK}
		if a.fault.delay(r.Context()) {
			answer(seen, r)
		}
		took := time.Since(began)
		a.metrics.observe(route, seen.code, took)
		fields := []any{"method", r.Method, "url", route, "statusCode", seen.code, "responseTime", took.Milliseconds()}
		switch {
		case seen.code >= 500:
			a.log.error(t, "request errored", fields...)
		case route == "/":
			a.log.info(t, "request completed", fields...)
		default:
			a.log.debug(t, "request completed", fields...)
		}
	})
}

// recorder remembers the status code.
type recorder struct {
	http.ResponseWriter
	code int
}

func (r *recorder) WriteHeader(code int) {
	r.code = code
	r.ResponseWriter.WriteHeader(code)
}

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// The client may be gone; there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(body)
}

// health says that the process answers, and who it is.
func (a *app) health(w http.ResponseWriter, _ *http.Request) {
	name := a.name
	if a.fault.on("wrong") {
		name = "another-service"
	}
	if a.fault.on("unhealthy") {
		reply(w, http.StatusInternalServerError, map[string]string{"status": "error", "service": name})
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok", "service": name})
}

// ready asks every dependency, now.
func (a *app) ready(w http.ResponseWriter, r *http.Request) {
	found, well := checkAll(r.Context(), a.deps)
	code, status := http.StatusOK, "ready"
	if !well || a.fault.on("unready") {
		code, status = http.StatusServiceUnavailable, "not ready"
	}
	reply(w, code, map[string]any{"status": status, "service": a.name, "dependencies": found})
}

func (a *app) exposition(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	a.metrics.write(w)
}

// work stands for whatever the service is for.
func (a *app) work(w http.ResponseWriter, r *http.Request) {
	if a.fault.on("errors") {
		reply(w, http.StatusInternalServerError, map[string]string{"error": "internal", "service": a.name})
		return
	}
	reply(w, http.StatusOK, map[string]string{"service": a.name, "path": r.URL.Path})
}

// setFault takes a form or a query: kind=slow&for=30s.
func (a *app) setFault(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	kind, span := r.FormValue("kind"), r.FormValue("for")
	length, err := time.ParseDuration(span)
	if span != "" && err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("for=%q must be like 30s", span)})
		return
	}
	if err := a.fault.set(kind, length); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	a.log.warn(traceOf(r), "fault switched", "fault", kind, "for", span)
	a.showFaults(w, r)
}

func (a *app) showFaults(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{"service": a.name, "faults": a.fault.list()})
}

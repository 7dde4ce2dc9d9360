package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// app is one service.
type app struct {
	name    string
	deps    []dependency
	log     *logger
	metrics *metrics
	fault   *faults
	sample  []func(context.Context) // what is looked up when metrics are asked for
}

func newApp(name string, deps []dependency, log *logger) *app {
	a := &app{name: name, deps: deps, log: log, metrics: newMetrics(name)}
	a.metrics.add("unhandled_exceptions", trace{}, 0)
	a.fault = &faults{sessions: a.leakSessions}
	return a
}

// dependency is the address of one that the service depends on; empty: it does not.
func (a *app) dependency(name string) string {
	for _, d := range a.deps {
		if d.name == name {
			return d.url.Host
		}
	}
	return ""
}

// handler answers what every service answers, and what this one is for.
func (a *app) handler(does ...routes) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /health", a.counted("/health", a.health))
	mux.Handle("GET /health/ready", a.counted("/health/ready", a.ready))
	mux.Handle("GET /health/metrics", a.counted("/health/metrics", a.exposition))
	mux.HandleFunc("GET /fault", a.showFaults)
	mux.HandleFunc("POST /fault", a.setFault)
	mux.Handle("/", a.counted("/", a.work))
	for _, d := range does {
		for pattern, answer := range d {
			_, route, _ := strings.Cut(pattern, " ")
			mux.Handle(pattern, a.counted(route, answer))
		}
	}
	return mux
}

// routes are answers by pattern.
type routes map[string]func(http.ResponseWriter, *http.Request)

// counted wraps an answer with what every request has: a trace, the faults that
// are on, a count and a log line.
func (a *app) counted(route string, answer func(http.ResponseWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		t := traceOf(r)
		r = r.WithContext(context.WithValue(r.Context(), traceKey{}, t))
		w.Header().Set("traceparent", t.header())
		seen := &recorder{ResponseWriter: w, code: http.StatusOK}
		if a.fault.delay(r.Context()) {
			a.guarded(t, answer, seen, r)
		}
		took := time.Since(began)
		a.metrics.add("http_requests", t, 1, "route", route, "code", strconv.Itoa(seen.code))
		a.metrics.observe("http_request_duration_seconds", t, took, "route", route)
		fields := []any{"method", r.Method, "url", r.URL.Path, "statusCode", seen.code, "responseTime", took.Milliseconds()}
		switch {
		case seen.code >= 500:
			a.log.error(t, "request errored", fields...)
		case strings.HasPrefix(route, "/health"):
			a.log.debug(t, "request completed", fields...)
		default:
			a.log.info(t, "request completed", fields...)
		}
	})
}

// traceKey is where a request's trace is found in its context.
type traceKey struct{}

func traceIn(ctx context.Context) trace {
	t, _ := ctx.Value(traceKey{}).(trace)
	return t
}

// guarded answers, and survives an exception: it is counted, and the log has what one
// needs to know of it: the request, and the environment that it ran in.
func (a *app) guarded(t trace, answer func(http.ResponseWriter, *http.Request), w http.ResponseWriter, r *http.Request) {
	defer func() {
		if what := recover(); what != nil {
			a.metrics.add("unhandled_exceptions", t, 1)
			a.log.fatal(t, "unhandled exception", "err", fmt.Sprint(what),
				"req", map[string]any{"method": r.Method, "url": r.URL.RequestURI(), "remoteAddress": r.RemoteAddr, "userAgent": r.UserAgent()},
				"env", map[string]any{"service": a.name, "go": runtime.Version(), "goroutines": runtime.NumGoroutine(), "uptime": time.Since(a.metrics.started).Round(time.Second).String()})
			reply(w, http.StatusInternalServerError, map[string]string{"error": "internal", "service": a.name})
		}
	}()
	answer(w, r)
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

// exposition is Prometheus text, or OpenMetrics for who asks for it.
func (a *app) exposition(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	for _, look := range a.sample {
		look(ctx)
	}
	open := strings.Contains(r.Header.Get("Accept"), "application/openmetrics-text")
	kind := "text/plain; version=0.0.4; charset=utf-8"
	if open {
		kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	a.metrics.write(w, open)
}

// work stands for whatever the service is for.
func (a *app) work(w http.ResponseWriter, r *http.Request) {
	if a.fault.on("exception") {
		words := strings.Split(r.URL.Path, "/")
		a.log.debug(traceIn(r.Context()), "looking", "for", words[len(words)]) // off by one, as mistakes are
	}
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

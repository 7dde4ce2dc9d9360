package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Levels as pino numbers them.
const (
	debugLevel = 20
	infoLevel  = 30
	warnLevel  = 40
	errorLevel = 50
	fatalLevel = 60
)

// logger writes one JSON object a line, in pino's shape: the platform's tools
// read it from journald.
type logger struct {
	mu      sync.Mutex
	out     io.Writer
	service string
	host    string
	least   int
}

func newLogger(out io.Writer, service, least string) *logger {
	l := &logger{out: out, service: service, least: infoLevel}
	l.host, _ = os.Hostname() // empty if it has none
	if n, err := strconv.Atoi(least); err == nil {
		l.least = n
	}
	return l
}

func (l *logger) debug(t trace, msg string, fields ...any) { l.write(debugLevel, t, msg, fields) }
func (l *logger) info(t trace, msg string, fields ...any)  { l.write(infoLevel, t, msg, fields) }
func (l *logger) warn(t trace, msg string, fields ...any)  { l.write(warnLevel, t, msg, fields) }
func (l *logger) error(t trace, msg string, fields ...any) { l.write(errorLevel, t, msg, fields) }
func (l *logger) fatal(t trace, msg string, fields ...any) { l.write(fatalLevel, t, msg, fields) }

// write puts the fields in pino's order, and the message last.
func (l *logger) write(level int, t trace, msg string, fields []any) {
	if level < l.least {
		return
	}
	all := append([]any{
		"level", level, "time", time.Now().UnixMilli(), "pid", os.Getpid(),
		"hostname", l.host, "service", l.service, "traceId", t.id, "spanId", t.span,
	}, fields...)
	all = append(all, "msg", msg)
	line := []byte{'{'}
	for i := 0; i+1 < len(all); i += 2 {
		name, _ := json.Marshal(all[i])
		value, err := json.Marshal(all[i+1])
		if err != nil {
			value = []byte(`"?"`)
		}
		if i > 0 {
			line = append(line, ',')
		}
		line = append(append(append(line, name...), ':'), value...)
	}
	line = append(line, '}', '\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.out.Write(line) // a log that cannot be written cannot be told about
}

// trace is where a log line belongs among those of other services.
type trace struct{ id, span string }

// traceOf goes on with the caller's trace (W3C traceparent), or begins one.
func traceOf(r *http.Request) trace {
	t := trace{span: randomHex(8)}
	parts := strings.Split(r.Header.Get("traceparent"), "-")
	if len(parts) == 4 && len(parts[1]) == 32 && isHex(parts[1]) {
		t.id = parts[1]
		return t
	}
	t.id = randomHex(16)
	return t
}

func (t trace) header() string { return "00-" + t.id + "-" + t.span + "-01" }

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails, by its documentation
	return hex.EncodeToString(b)
}

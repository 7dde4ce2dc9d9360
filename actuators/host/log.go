package host

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// maxAttr bounds a message or a value of a log line, in bytes.
const maxAttr = 4 << 10

// logger lets go-plugin write to slog. go-plugin's own talk is for who debugs
// the host; what a plugin says itself keeps its level.
type logger struct {
	to     *slog.Logger
	name   string
	plugin bool // the plugin's own words, from its standard error
	words  *words
	with   []any
}

// words remembers what a plugin said that best explains its end: the message of
// its panic, else its last line.
type words struct {
	mu    sync.Mutex
	line  string
	panic bool
}

func (w *words) hear(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.panic || strings.TrimSpace(line) == "" {
		return
	}
	w.panic = strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
	w.line = short(line, 200)
}

func (w *words) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.line
}

var _ hclog.Logger = logger{}

var levels = map[hclog.Level]slog.Level{
	hclog.Trace: slog.LevelDebug - 4,
	hclog.Debug: slog.LevelDebug,
	hclog.Info:  slog.LevelInfo,
	hclog.Warn:  slog.LevelWarn,
	hclog.Error: slog.LevelError,
}

// Log writes one line. The plugin's text is a value, never the message.
func (l logger) Log(level hclog.Level, msg string, args ...any) {
	at, ok := levels[level]
	if !ok {
		at = slog.LevelInfo
	}
	what := "plugin said"
	if l.plugin {
		l.words.hear(msg)
	} else {
		at, what = min(at, slog.LevelDebug), "plugin transport"
	}
	if !l.to.Enabled(context.Background(), at) {
		return
	}
	attrs := []any{"text", short(msg, maxAttr)}
	for all := append(l.with[:len(l.with):len(l.with)], args...); len(all) >= 2; all = all[2:] {
		attrs = append(attrs, short(fmt.Sprint(all[0]), 64), short(fmt.Sprint(all[1]), maxAttr))
	}
	l.to.Log(context.Background(), at, what, attrs...)
}

func (l logger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l logger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l logger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l logger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l logger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l logger) is(level hclog.Level) bool {
	return l.to.Enabled(context.Background(), levels[level])
}

func (l logger) IsTrace() bool { return l.is(hclog.Trace) }
func (l logger) IsDebug() bool { return l.is(hclog.Debug) }
func (l logger) IsInfo() bool  { return l.is(hclog.Info) }
func (l logger) IsWarn() bool  { return l.is(hclog.Warn) }
func (l logger) IsError() bool { return l.is(hclog.Error) }

func (l logger) ImpliedArgs() []any { return l.with }
func (l logger) Name() string       { return l.name }

func (l logger) With(args ...any) hclog.Logger {
	l.with = append(l.with[:len(l.with):len(l.with)], args...)
	return l
}

// Named is how go-plugin tells the plugin's own words (named for its program)
// from those of its parts (stdio).
func (l logger) Named(name string) hclog.Logger {
	l.plugin = name != "stdio"
	l.name = name
	return l
}

func (l logger) ResetNamed(name string) hclog.Logger { return l.Named(name) }

// SetLevel does nothing: slog decides.
func (l logger) SetLevel(hclog.Level) {}

func (l logger) GetLevel() hclog.Level {
	for _, level := range []hclog.Level{hclog.Trace, hclog.Debug, hclog.Info, hclog.Warn} {
		if l.is(level) {
			return level
		}
	}
	return hclog.Error
}

func (l logger) StandardLogger(o *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(o), "", 0)
}

func (l logger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return printed{l} }

// printed takes what a plugin prints after its start.
type printed struct{ log logger }

func (p printed) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		p.log.Debug(strings.TrimRight(line, "\r\n"))
	}
	return len(b), nil
}

// short cuts a text of a stranger to n bytes.
func short(s string, n int) string {
	if len(s) > n {
		s = s[:n] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

package main

import (
	"io"
	"log/slog"
	"os"
	"time"
)

// logger writes what the platform's tools read: one line of JSON an event, in
// pino's shape, with a numeric level and the time in milliseconds. On a
// terminal it writes text.
func logger(w io.Writer) *slog.Logger {
	if terminal(w) {
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: shortTime}))
	}
	host, _ := os.Hostname()
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: pino})
	return slog.New(h).With("pid", os.Getpid(), "hostname", host, "service", "evenkeel")
}

func pino(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		l, _ := a.Value.Any().(slog.Level)
		return slog.Int(slog.LevelKey, pinoLevel(l))
	case slog.TimeKey:
		return slog.Int64(slog.TimeKey, a.Value.Time().UnixMilli())
	}
	return a
}

func pinoLevel(l slog.Level) int {
	switch {
	case l < slog.LevelInfo:
		return 20
	case l < slog.LevelWarn:
		return 30
	case l < slog.LevelError:
		return 40
	}
	return 50
}

func shortTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.String(a.Key, a.Value.Time().Format(time.TimeOnly+".000"))
	}
	return a
}

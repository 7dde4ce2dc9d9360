// Package wall shows a few lines to those who are logged in, on their terminals,
// as wall(1) and shutdown(8) do: so that nobody is surprised by what evenkeel
// does, or leaves undone, under his hands.
//
// It never waits for a terminal: one that takes nothing is passed over, and so
// is one whose user does not want messages (mesg n). It imports nothing of
// evenkeel's.
package wall

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"
	"unicode"
)

// Options say where those who are logged in are listed. The zero value is this host.
type Options struct {
	Utmp     string       // default /run/utmp
	Sessions string       // logind's; default /run/systemd/sessions
	Log      *slog.Logger // required
}

// Wall shows lines to those who are logged in.
type Wall struct {
	o     Options
	texts chan string
}

// New returns a Wall that shows nothing before it runs.
func New(o Options) *Wall {
	if o.Utmp == "" {
		o.Utmp = "/run/utmp"
	}
	if o.Sessions == "" {
		o.Sessions = "/run/systemd/sessions"
	}
	return &Wall{o: o, texts: make(chan string, 16)}
}

// Tell has a text shown. It never waits: what comes faster than terminals take
// it is dropped.
func (w *Wall) Tell(text string) {
	select {
	case w.texts <- text:
	default:
		w.o.Log.Warn("not shown to those who are logged in: there is too much to show", "text", text)
	}
}

// Run shows texts until ctx ends.
func (w *Wall) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case text := <-w.texts:
			w.show(text)
		}
	}
}

// maxTerminals bounds how many terminals one text is shown on.
const maxTerminals = 64

func (w *Wall) show(text string) {
	message := []byte(frame(text, time.Now()))
	shown := 0
	ttys := terminals(w.o.Utmp, w.o.Sessions)
	for _, tty := range ttys[:min(len(ttys), maxTerminals)] {
		if err := write(tty, message); err != nil {
			w.o.Log.Debug("a terminal was passed over", "terminal", tty, "error", err)
			continue
		}
		shown++
	}
	w.o.Log.Debug("shown to those who are logged in", "terminals", shown, "of", len(ttys))
}

// frame sets a text off from whatever else is on a terminal. What could steer
// the terminal is left out: some of the words are strangers'.
func frame(text string, at time.Time) string {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	var b strings.Builder
	b.WriteString("\r\n\aMessage from evenkeel on " + plain(host) + " at " + at.UTC().Format("15:04:05 UTC") + ":\r\n")
	for line := range strings.Lines(text) {
		b.WriteString("  " + plain(line) + "\r\n")
	}
	return b.String()
}

// maxLine bounds what one line shows.
const maxLine = 1000

func plain(line string) string {
	line = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, line)
	return line[:min(len(line), maxLine)]
}

package git

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"unicode"
)

// failure is a call of git that did not end well.
type failure struct {
	ending error
	words  string // what it said about it, a stranger's in part
}

func (f *failure) Error() string {
	if s := said(f.words); s != "" {
		return "git says: " + s
	}
	return "git: " + f.ending.Error()
}

// exited is the exit code, -1 of a process that was killed.
func (f *failure) exited() int {
	var e *exec.ExitError
	if errors.As(f.ending, &e) {
		return e.ExitCode()
	}
	return -1
}

// signs are what git says when one kind of trouble has come, in the order in
// which they are looked for: where a line is cut, a pack is damaged as well.
var signs = []struct {
	kind  trouble
	words []string
}{
	{outgrown, []string{"out of memory", "cannot allocate memory", "mmap failed", "file too large", "exceeds maximum allowed size", "signal 25", "signal 24", "cannot fork", "unable to create thread", "pack too large"}},
	{cutOff, []string{"early eof", "unexpected disconnect", "hung up", "rpc failed", "connection reset", "transfer closed", "timed out", "could not read from remote"}},
	{corrupt, []string{"index-pack failed", "invalid index-pack output", "fsck error", "bad object", "did not send all necessary objects", "corrupt", "inflate", "sha1 mismatch", "hash mismatch", "unresolved deltas", "missing", "pack signature mismatch", "not our ref", "unpack-objects"}},
}

// trouble is what kind of failure it was.
type trouble int

const (
	other    trouble = iota
	outgrown         // a limit was in the way
	cutOff           // the other end was lost
	corrupt          // what came is no good
	late             // there was no more time
	called           // whoever asked wants it no longer
)

// errOutgrown is why a call is ended whose mirror grows beyond its limit.
var errOutgrown = errors.New("the mirror outgrows its limit")

// troubleOf tells what kind of failure an error is. ctx is what the call ran by.
func troubleOf(ctx context.Context, err error) trouble {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errOutgrown):
		return outgrown
	case errors.Is(cause, context.DeadlineExceeded):
		return late
	case cause != nil:
		return called
	}
	var f *failure
	if !errors.As(err, &f) {
		return other
	}
	var e *exec.ExitError
	if errors.As(f.ending, &e) {
		switch ws, _ := e.Sys().(syscall.WaitStatus); {
		case ws.Signaled() && (ws.Signal() == syscall.SIGXFSZ || ws.Signal() == syscall.SIGXCPU || ws.Signal() == syscall.SIGKILL):
			return outgrown
		}
	}
	words := strings.ToLower(f.words)
	for _, s := range signs {
		for _, w := range s.words {
			if strings.Contains(words, w) {
				return s.kind
			}
		}
	}
	return other
}

// chatter are lines of git's and ssh's that help nobody.
var chatter = []string{"please make sure you have the correct access rights", "and the repository exists", "warning: permanently added", "could not create directory"}

// said is what git said last, as one line that may be shown.
func said(words string) string {
	var lines []string
	for line := range strings.Lines(words) {
		if i := strings.LastIndexByte(strings.TrimRight(line, "\r\n"), '\r'); i >= 0 {
			line = line[i+1:] // a progress that was written over
		}
		line = plain(line, 200)
		lower := strings.ToLower(line)
		useless := line == ""
		for _, c := range chatter {
			useless = useless || strings.HasPrefix(lower, c)
		}
		if !useless {
			lines = append(lines, line)
		}
	}
	return plain(strings.Join(lines[max(0, len(lines)-3):], "; "), 400)
}

// plain is a stranger's text as one line of at most n bytes that may be shown on
// a terminal.
func plain(text string, n int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > n {
		text = strings.ToValidUTF8(text[:n-3], "") + "..."
	}
	return text
}

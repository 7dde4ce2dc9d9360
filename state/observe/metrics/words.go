package metrics

import (
	"io"
	"strings"
	"unicode"
)

// maxWords is what is kept of what a child complains.
const maxWords = 8 << 10

// tail is the end of what a child says to standard error.
type tail struct{ kept []byte }

func (t *tail) from(r io.Reader) {
	b := make([]byte, 1<<10)
	for {
		n, err := r.Read(b)
		t.kept = append(t.kept, b[:n]...)
		if over := len(t.kept) - maxWords; over > 0 {
			t.kept = append(t.kept[:0], t.kept[over:]...)
		}
		if err != nil {
			return
		}
	}
}

// last is what it said last of why it ends, in one line.
func (t *tail) last() string {
	word := ""
	for line := range strings.Lines(string(t.kept)) {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return ' '
			}
			return r
		}, line))
		fatal := strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "panic: ")
		if fatal || line != "" && word == "" {
			word = line
		}
		if fatal {
			break
		}
	}
	if len(word) > 300 {
		word = strings.ToValidUTF8(word[:300], "") + "…"
	}
	return word
}

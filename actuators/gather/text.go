package gather

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxEvidence bounds what one verb returns, in bytes: no more than that is kept.
const MaxEvidence = 8 << 10

// longest bounds a line, in characters.
const longest = 200

// cutShort is the last line of what was more than that.
const cutShort = "… (more was left out)"

// text collects lines of evidence, within bounds.
type text struct {
	b    strings.Builder
	full bool
}

func (t *text) line(format string, args ...any) {
	if t.full {
		return
	}
	line := fit(mask(fmt.Sprintf(format, args...)))
	if t.b.Len()+len(line)+1 > MaxEvidence-len(cutShort) {
		t.full = true
		t.b.WriteString(cutShort)
		return
	}
	t.b.WriteString(line + "\n")
}

func (t *text) String() string { return strings.TrimRight(t.b.String(), "\n") }

// bounded is a text of somebody else's as evidence.
func bounded(s string) string {
	var t text
	for line := range strings.Lines(s) {
		t.line("%s", strings.TrimRight(line, "\r\n"))
	}
	return t.String()
}

// fit is a line as a terminal may have it, whoever wrote it.
func fit(line string) string {
	var b strings.Builder
	n := 0
	for _, r := range line {
		if n++; n >= longest {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\t' || r == '\n':
			r = ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// brief is a word of somebody else's within a line.
func brief(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

package act

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pakashop/evenkeel/state"
)

// longestLine bounds a line of evidence, in characters.
const longestLine = 200

// cutShort is the last line of evidence that was more than may be kept.
const cutShort = "… (more was left out)"

// evidence makes what was gathered fit to be kept and shown on a terminal, whatever
// the collector let through: its lines are bounded, and so is the whole; what cannot
// be printed, or turns the direction of text, is a question mark.
func evidence(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = shown(strings.TrimRight(line, "\r\n"))
		if b.Len()+len(line)+1 > state.MaxEvidence-len(cutShort) {
			b.WriteString(cutShort)
			break
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// shown is a line as a terminal may have it.
func shown(line string) string {
	var b strings.Builder
	n := 0
	for _, r := range line {
		if n++; n > longestLine {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\t':
			r = ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

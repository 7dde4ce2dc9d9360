package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes a string from outside harmless for a terminal and keeps it on
// one line. Control characters (C0, C1, DEL), format characters (bidirectional
// overrides, zero-width ones) and line separators become \n, \r, \t, \x1b or
// \u202e, bytes that are no UTF-8 become \xff. All else stays as it is.
func Escape(s string) string { return escape(s, "") }

// EscapeLines is Escape for text of several lines: line feeds and tabs stay.
func EscapeLines(s string) string { return escape(s, "\n\t") }

func escape(s, keep string) string {
	if harmless(s, keep) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case dangerous(r) && !strings.ContainsRune(keep, r):
			b.WriteString(escaped(r))
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

func harmless(s, keep string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return dangerous(r) && !strings.ContainsRune(keep, r)
	})
}

// dangerous tells what a terminal may obey, or what may hide or reorder text.
// The two joiners that emoji and scripts need are Cf as well; they go too,
// because an invisible difference is no difference to a reader.
func dangerous(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

func escaped(r rune) string {
	switch r {
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	switch {
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

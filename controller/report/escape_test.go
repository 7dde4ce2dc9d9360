package report

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text stays", "pakashop-backend.service: exit-code 1, ½ × Łódź 東京 🙂", "pakashop-backend.service: exit-code 1, ½ × Łódź 東京 🙂"},
		{"a backslash stays", `C:\x1b`, `C:\x1b`},
		{"colour", "\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"clipboard (OSC 52)", "\x1b]52;c;aGk=\x07", `\x1b]52;c;aGk=\x07`},
		{"link (OSC 8)", "\x1b]8;;https://x\x1b\\", `\x1b]8;;https://x\x1b\`},
		{"C1 introducers", "\u009b31m\u009d0;t\u009c", `\u009b31m\u009d0;t\u009c`},
		{"overwriting the line", "ok\rbad", `ok\rbad`},
		{"a forged line", "one\ntwo\tthree", `one\ntwo\tthree`},
		{"bidirectional override", "a\u202eb\u2066c", `a\u202eb\u2066c`},
		{"invisible", "a\u200bb\ufeffc\u00add", `a\u200bb\ufeffc\u00add`},
		{"line separators", "a\u2028b\u2029c\u0085d", `a\u2028b\u2029c\u0085d`},
		{"tags", "a\U000e0041b", `a\U000e0041b`},
		{"no UTF-8", "a\xff\xc3b", `a\xff\xc3b`},
		{"delete and bell", "a\x7fb\x07\x00", `a\x7fb\x07\x00`},
	} {
		if got := Escape(c.in); got != c.want {
			t.Errorf("%s: Escape(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestEscapeLinesKeepsLines(t *testing.T) {
	if got, want := EscapeLines("a\tb\r\n\x1bc\n"), "a\tb\\r\n\\x1bc\n"; got != want {
		t.Errorf("EscapeLines = %q, want %q", got, want)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31m", "\u202e", "\xff\xfe", "a\nb\tc\r", "\u009b", "\U000e0041", `\x1b`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		one, lines := Escape(s), EscapeLines(s)
		for _, out := range []string{one, lines} {
			if !utf8.ValidString(out) {
				t.Errorf("%q became invalid: %q", s, out)
			}
		}
		if strings.ContainsFunc(one, dangerous) {
			t.Errorf("Escape(%q) = %q still holds what a terminal obeys", s, one)
		}
		if strings.ContainsFunc(strings.NewReplacer("\n", "", "\t", "").Replace(lines), dangerous) {
			t.Errorf("EscapeLines(%q) = %q still holds what a terminal obeys", s, lines)
		}
		if strings.Count(lines, "\n") != strings.Count(s, "\n") {
			t.Errorf("EscapeLines(%q) changed the number of lines", s)
		}
		if Escape(one) != one || EscapeLines(lines) != lines {
			t.Errorf("escaping %q twice is not the same as once", s)
		}
	})
}

package gather

import (
	"regexp"
	"strings"
	"sync"
)

// masks take out of a line what nobody needs in order to understand a failure: secrets
// and telephone numbers. They look at shapes and at the names before values; what is
// named harmlessly and looks like any number stays. Identifiers of traces and orders
// stay, too: they are what one looks for.
var masks = sync.OnceValue(func() []replaced {
	return []replaced{
		// name=value, "name":"value", name: value
		{regexp.MustCompile(`(?i)((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|authorization|cookie|session[_-]?id|otp|pin|cvv|msisdn|phone(?:[_-]?number)?|mobile)"?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*"?|(?:bearer |basic )?[^\s",;&}]+)`), "${1}***"},
		{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}`), "${1} ***"},
		{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?`), "***"},
		{regexp.MustCompile(`(?i)\b(?:sk|pk|rk|ghp|gho|ghs|xox[abp]|flwseck|flwpubk|akia)[_-]?[A-Za-z0-9_-]{12,}`), "***"},
		{regexp.MustCompile(`://[^/\s@:]*:[^/\s@]+@`), "://***@"},
		{regexp.MustCompile(`-----BEGIN [A-Z ]+-----.*`), "***"},
		// +260 97 123 4567, 0971234567, 260971234567
		{regexp.MustCompile(`\+\d[\d ()-]{7,16}\d`), "<phone>"},
		{regexp.MustCompile(`\b0\d{9}\b|\b[1-9]\d{11}\b`), "<phone>"},
	}
})

// replaced is what is written in the place of what a pattern finds.
type replaced struct {
	what *regexp.Regexp
	by   string
}

// looked is how much of a line is looked at: far more than is shown, so that what a
// mask takes out is whole.
const looked = 8 << 10

func mask(line string) string {
	cut := len(line) > looked
	if cut {
		line = line[:looked]
	}
	for _, m := range masks() {
		line = m.what.ReplaceAllString(line, m.by)
	}
	if cut && len(line) < looked/8 {
		// So much was taken out that the end may be shown, and it may be the beginning
		// of something.
		if last := strings.LastIndexByte(line, ' ') + 1; !strings.Contains(line[last:], "***") {
			line = line[:last]
		}
	}
	return line
}

// literals are those of SQL: quoted texts, also those that a cut left open, dollar
// quotes, numbers; and comments and blanks.
var literals = sync.OnceValue(func() []replaced {
	return []replaced{
		{regexp.MustCompile(`(?s)\b[eE]'(?:[^'\\]|\\.|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)`), "?"},
		{regexp.MustCompile(`(?s)\$[A-Za-z_]*\$.*`), "?"},
		{regexp.MustCompile(`(?s)/\*.*?(?:\*/|$)|--[^\n]*`), " "},
		{regexp.MustCompile(`(^|[^\w$.])\d[\w.]*`), "${1}?"},
		{regexp.MustCompile(`\s+`), " "},
	}
})

// masked is a statement without its literals, on one line.
func masked(sql string) string {
	for _, l := range literals() {
		sql = l.what.ReplaceAllString(sql, l.by)
	}
	return brief(sql, 160)
}

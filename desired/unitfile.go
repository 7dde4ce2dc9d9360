package desired

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// UnitFile is the content of a unit file or drop-in, taken apart by the rules
// of systemd.syntax(7).
type UnitFile struct {
	Sections   []Section
	Directives []Directive
}

// Section is the header of a section; one may stand several times.
type Section struct {
	Name string
	Line int
}

// Directive is one assignment.
type Directive struct {
	Section, Key string
	Value        string // continuation lines joined by a blank
	Line         int    // of its first line, from 1
	Col          int    // from 1, in bytes
}

// ParseUnitFile takes content apart. What systemd would refuse or silently
// pass over, and what could smuggle in a line that a reader does not see, is a
// Finding, with its line and column and without a field.
func ParseUnitFile(content []byte) (UnitFile, []Finding) {
	p := unitParser{}
	if rest, bom := bytes.CutPrefix(content, []byte("\xef\xbb\xbf")); bom {
		p.warn(1, 1, "begins with a byte order mark; save it as UTF-8 without one")
		content = rest
	}
	if !p.clean(content) {
		return p.file, p.findings
	}
	p.file.Directives = make([]Directive, 0, bytes.Count(content, []byte("=")))
	text := string(content)
	for line := 1; text != ""; line++ {
		var one string
		one, text, _ = strings.Cut(text, "\n")
		p.line(strings.TrimSuffix(one, "\r"), line)
	}
	if p.going {
		p.fail(p.from, 1, "the last line ends with a backslash, but nothing follows")
	}
	return p.file, p.findings
}

type unitParser struct {
	file     UnitFile
	findings []Finding
	section  string
	headed   bool // a section began
	going    bool // the line before ended with a backslash
	joined   string
	from     int // the line on which joined began
	col      int
	crlf     bool
}

// clean refuses the characters by which content could mean something else to
// systemd than to who reads it: NUL and a lone CR end a line for systemd.
func (p *unitParser) clean(content []byte) bool {
	if !utf8.Valid(content) {
		p.fail(1+bytes.Count(content[:validPrefix(content)], []byte("\n")), 1, "is not valid UTF-8")
		return false
	}
	ok, line, start := true, 1, 0
	for i, c := range content {
		switch {
		case c == '\n':
			line, start = line+1, i+1
		case c >= ' ' && c != 0x7f || c == '\t':
		case c == '\r' && i+1 < len(content) && content[i+1] == '\n':
			if !p.crlf {
				p.crlf = true
				p.warn(line, i-start+1, "ends its lines as Windows does; save it with plain line feeds")
			}
		default:
			p.fail(line, i-start+1, "holds the control character %q, which can hide a line from a reader", rune(c))
			ok = false
		}
	}
	return ok
}

// line takes one physical line into account.
func (p *unitParser) line(s string, n int) {
	body := strings.TrimLeft(s, " \t\r")
	if body != "" && (body[0] == '#' || body[0] == ';') {
		return // a comment, also between continued lines
	}
	if !p.going {
		p.joined, p.from, p.col = "", n, len(s)-len(body)+1
	}
	if cut, more := continued(body); more {
		p.joined, p.going = p.joined+cut+" ", true
		return
	}
	if p.going {
		body = p.joined + body
	}
	p.going = false
	p.logical(strings.TrimRight(body, " \t\r"))
}

// continued tells whether a line ends with a backslash that no other escapes.
func continued(s string) (string, bool) {
	n := len(s) - len(strings.TrimRight(s, `\`))
	if n%2 == 0 {
		return s, false
	}
	return s[:len(s)-1], true
}

func (p *unitParser) logical(s string) {
	if s == "" {
		return
	}
	if s[0] == '[' {
		if s[len(s)-1] != ']' || len(s) == 2 {
			p.fail(p.from, p.col, "%q is not the header of a section; write it like [Service]", shorten(s))
			return
		}
		p.section, p.headed = s[1:len(s)-1], true
		p.file.Sections = append(p.file.Sections, Section{p.section, p.from})
		return
	}
	key, value, ok := strings.Cut(s, "=")
	key = strings.TrimRight(key, " \t")
	switch {
	case !ok || key == "":
		p.fail(p.from, p.col, "%q is not an assignment; write it like Key=value", shorten(s))
	case !p.headed:
		p.fail(p.from, p.col, "%s= stands before any section", shorten(key))
	default:
		p.file.Directives = append(p.file.Directives, Directive{
			Section: p.section, Key: key, Value: strings.TrimLeft(value, " \t"), Line: p.from, Col: p.col,
		})
	}
}

func (p *unitParser) fail(line, col int, format string, args ...any) {
	p.findings = append(p.findings, at(line, col, false, format, args...))
}

func (p *unitParser) warn(line, col int, format string, args ...any) {
	p.findings = append(p.findings, at(line, col, true, format, args...))
}

// Values are those of one directive as systemd takes them: in order, and an
// empty one forgets those before.
func (u UnitFile) Values(section, key string) []Directive {
	var all []Directive
	for _, d := range u.Directives {
		if d.Key != key || d.Section != section {
			continue
		}
		if d.Value == "" {
			all = nil
			continue
		}
		all = append(all, d)
	}
	return all
}

// Value is the last assignment of a directive, empty where there is none.
func (u UnitFile) Value(section, key string) string {
	for i := len(u.Directives) - 1; i >= 0; i-- {
		if d := u.Directives[i]; d.Key == key && d.Section == section {
			return d.Value
		}
	}
	return ""
}

// Has tells whether a section stands in the file.
func (u UnitFile) Has(section string) bool {
	for _, s := range u.Sections {
		if s.Name == section {
			return true
		}
	}
	return false
}

func validPrefix(b []byte) int {
	n := 0
	for n < len(b) {
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}

// shorten bounds what a message repeats of somebody's text.
func shorten(s string) string {
	if len(s) <= 60 {
		return s
	}
	return strings.ToValidUTF8(s[:57], "") + "…"
}

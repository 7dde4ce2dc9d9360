package desired

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Matcher compares one label with a value, as Alertmanager's matchers do:
// role="app", !=, =~ and !~ with an anchored regular expression. A label that
// is absent counts as empty.
type Matcher struct {
	Name  string
	Op    string // =, !=, =~ or !~
	Value string

	re *regexp.Regexp
}

// maxMatcher bounds what a matcher may be: longer ones are nobody's intention.
const maxMatcher = 4096

// ParseMatchers reads one matcher or several with commas between them, with or
// without braces. Names and values may be quoted; a name or value with a space
// or one of {}!=~,\'"` must be.
func ParseMatchers(s string) ([]Matcher, error) {
	if len(s) > maxMatcher {
		return nil, fmt.Errorf("matcher of %d characters; at most %d are read", len(s), maxMatcher)
	}
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("matcher %q is not valid UTF-8", s)
	}
	p := matcherParser{whole: s, rest: s}
	return p.all()
}

// ParseAllMatchers reads a list, as the fields hosts and match hold it. All of
// them must match.
func ParseAllMatchers(list []string) ([]Matcher, error) {
	var all []Matcher
	for _, s := range list {
		m, err := ParseMatchers(s)
		if err != nil {
			return nil, err
		}
		all = append(all, m...)
	}
	return all, nil
}

// Matches tells whether the labels satisfy the matcher.
func (m Matcher) Matches(labels map[string]string) bool {
	v := labels[m.Name]
	switch m.Op {
	case "=":
		return v == m.Value
	case "!=":
		return v != m.Value
	case "=~":
		return m.re.MatchString(v)
	default:
		return !m.re.MatchString(v)
	}
}

// MatchAll tells whether the labels satisfy every matcher; none is satisfied
// by anything.
func MatchAll(matchers []Matcher, labels map[string]string) bool {
	for _, m := range matchers {
		if !m.Matches(labels) {
			return false
		}
	}
	return true
}

func (m Matcher) String() string {
	name := m.Name
	if strings.ContainsFunc(name, reserved) {
		name = quote(name)
	}
	return name + m.Op + quote(m.Value)
}

type matcherParser struct{ whole, rest string }

func (p *matcherParser) all() ([]Matcher, error) {
	p.space()
	braces := p.take("{")
	var all []Matcher
	for {
		p.space()
		if braces && p.take("}") {
			break
		}
		if p.rest == "" && !braces && len(all) > 0 {
			return all, nil // a comma at the end is allowed
		}
		m, err := p.one()
		if err != nil {
			return nil, err
		}
		all = append(all, m)
		p.space()
		if p.take(",") {
			continue
		}
		if braces && !p.take("}") {
			return nil, p.bad("a } is missing")
		}
		break
	}
	p.space()
	if p.rest != "" {
		return nil, p.bad("unexpected %q", p.rest)
	}
	return all, nil
}

func (p *matcherParser) one() (Matcher, error) {
	var m Matcher
	var err error
	if m.Name, err = p.word(); err != nil {
		return m, err
	}
	if m.Name == "" {
		return m, p.bad("the label's name is missing")
	}
	p.space()
	for _, op := range []string{"=~", "!~", "!=", "="} {
		if p.take(op) {
			m.Op = op
			break
		}
	}
	if m.Op == "" {
		return m, p.bad("after %s one of =, !=, =~, !~ is missing", m.Name)
	}
	p.space()
	quoted := strings.HasPrefix(p.rest, `"`)
	if m.Value, err = p.word(); err != nil {
		return m, err
	}
	if m.Value == "" && !quoted {
		return m, p.bad(`after %s%s the value is missing; write "" for an empty one`, m.Name, m.Op)
	}
	if m.Op == "=~" || m.Op == "!~" {
		if m.re, err = regexp.Compile("^(?:" + m.Value + ")$"); err != nil {
			return m, p.bad("%q is not a regular expression", m.Value)
		}
	}
	return m, nil
}

// word reads a name or a value: quoted, or as far as no reserved character stands.
func (p *matcherParser) word() (string, error) {
	if p.take(`"`) {
		return p.quoted()
	}
	end := strings.IndexFunc(p.rest, reserved)
	if end < 0 {
		end = len(p.rest)
	}
	w := p.rest[:end]
	p.rest = p.rest[end:]
	return w, nil
}

func (p *matcherParser) quoted() (string, error) {
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; c {
		case '"':
			p.rest = p.rest[i+1:]
			return b.String(), nil
		case '\\':
			i++
			switch {
			case i == len(p.rest):
			case p.rest[i] == 'n':
				b.WriteByte('\n')
			case p.rest[i] == '"' || p.rest[i] == '\\':
				b.WriteByte(p.rest[i])
			default: // Alertmanager keeps what it does not know, so that \d needs no second backslash
				b.WriteByte('\\')
				b.WriteByte(p.rest[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", p.bad("a closing quote is missing")
}

func (p *matcherParser) take(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	p.rest = rest
	return ok
}

func (p *matcherParser) space() { p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace) }

func (p *matcherParser) bad(format string, args ...any) error {
	return fmt.Errorf(`matcher %s: %s; write it like role="app"`, p.whole, fmt.Sprintf(format, args...))
}

func reserved(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("{}!=~,\\'\"`", r)
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

package desired

import "strings"

// Expand replaces the variables of a text: $(name) becomes what lookup says,
// $$(name) stays as the text $(name). Names that lookup does not know are
// returned, and stay as they are. A $( without a ) on its line is plain text.
func Expand(text string, lookup func(name string) (string, bool)) (result string, unknown []Unknown) {
	return expand(text, "$(", lookup)
}

// ExpandKeep is Expand for a text that will be expanded again: $$( stays, and
// what lookup says is protected by it.
func ExpandKeep(text string, lookup func(name string) (string, bool)) (result string, unknown []Unknown) {
	return expand(text, "$$(", func(name string) (string, bool) {
		v, ok := lookup(name)
		if (name == "instance" || ofAlert(name)) && v == "$("+name+")" {
			return v, ok // its value is known later
		}
		return strings.ReplaceAll(v, "$(", "$$("), ok
	})
}

// maxExpanded bounds what a text can grow to.
const maxExpanded = 2 << 20

// Unknown is a variable that nobody knows, and where in the text it stands.
type Unknown struct {
	Name   string // empty: the text has grown too large
	Offset int
}

func expand(text, literal string, lookup func(string) (string, bool)) (string, []Unknown) {
	if !strings.Contains(text, "$(") {
		return text, nil
	}
	var b strings.Builder
	var unknown []Unknown
	rest := text
	for {
		i := strings.Index(rest, "$(")
		if i < 0 {
			break
		}
		if b.Len() > maxExpanded {
			return text, append(unknown, Unknown{"", len(text) - len(rest)})
		}
		if i > 0 && rest[i-1] == '$' {
			b.WriteString(rest[:i-1] + literal)
			rest = rest[i+2:]
			continue
		}
		end := strings.IndexAny(rest[i:], ")\n")
		if end < 0 || rest[i+end] == '\n' {
			b.WriteString(rest[:i+2])
			rest = rest[i+2:]
			continue
		}
		name := rest[i+2 : i+end]
		b.WriteString(rest[:i])
		if v, ok := lookup(name); ok {
			b.WriteString(v)
		} else {
			unknown = append(unknown, Unknown{name, len(text) - len(rest) + i})
			b.WriteString(rest[i : i+end+1])
		}
		rest = rest[i+end+1:]
	}
	b.WriteString(rest)
	return b.String(), unknown
}

// Vars are the values of the variables, on one host in one environment.
type Vars struct {
	Host        string
	Environment string
	Domain      string
	Vars        map[string]string
}

// Lookup is what Expand asks: for one object, and for one instance of its unit
// where it has any.
func (v Vars) Lookup(object, instance string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		s := ""
		switch name {
		case "name":
			s = object
		case "instance":
			s = instance
		case "host":
			s = v.Host
		case "environment":
			s = v.Environment
		case "domain":
			s = v.Domain
		default:
			if key, ok := strings.CutPrefix(name, "vars."); ok {
				s, ok = v.Vars[key]
				return s, ok
			}
		}
		return s, s != ""
	}
}

// Why says why a variable is unknown, and how to mend it.
func (v Vars) Why(name string) string {
	shown := shorten(name)
	switch {
	case name == "":
		return "the text is too large once its variables are replaced"
	case name == "instance":
		return "$(instance) has no value here: the unit is not an instance of a template"
	case ofAlert(name):
		return "$(" + shown + ") is a label of an alert; it can stand in the with of a Runbook's steps"
	case strings.HasPrefix(name, alertVar):
		return "$(" + shown + ") is no name of a label: letters, digits and _"
	case name == "host":
		return "$(host) has no value: the host's name is not known"
	case name != "environment" && name != "domain" && !strings.HasPrefix(name, "vars."):
		return "unknown variable $(" + shown + ")" + orLiteral(shown, DidYouMean(name, []string{"name", "instance", "host", "environment", "domain"}))
	case v.Environment == "":
		return "$(" + shown + ") has no value: no environment is chosen"
	case name == "domain":
		return "$(domain) has no value: Environment " + v.Environment + " declares no domain"
	}
	known := make([]string, 0, len(v.Vars))
	for _, k := range sorted(v.Vars) {
		known = append(known, "vars."+k)
	}
	return "$(" + shown + ") is not declared in Environment " + v.Environment + orLiteral(shown, DidYouMean(name, known))
}

func orLiteral(name, hint string) string {
	if hint == "" {
		return "; write $$(" + name + ") for the text itself"
	}
	return hint + " Or write $$(" + name + ") for the text itself"
}

package read

import (
	"encoding/json"
)

// rulesName is how a file of rules is known: a plain one by its path.
func (o *object) rulesName() string {
	if o.plainRules() {
		return o.doc.file.name
	}
	return o.meta.Name
}

// plainRules tells a file of Prometheus' own from an AlertRules object.
func (o *object) plainRules() bool { return o.kind == "AlertRules" && o.nameAt == o.doc.root }

// ruleText is the text of rule groups for Prometheus' own parser: as it was written,
// where it is a file of Prometheus' and no overlay changed it. Numbers and the like
// stay as they were written, since there 1.10 may be a label.
func ruleText(o *object, spec *node) []byte {
	if spec == o.doc.root {
		return o.doc.text
	}
	groups := spec.given("groups")
	if groups == nil {
		return nil
	}
	out := []byte("groups:\n")
	for _, g := range groups.items {
		out = append(flow(append(out, "- "...), g), '\n')
	}
	return out
}

// flow writes a value in YAML's short form.
func flow(out []byte, n *node) []byte {
	switch n.kind {
	case table:
		out = append(out, '{')
		for i, f := range n.fields {
			if i > 0 {
				out = append(out, ", "...)
			}
			out = flow(append(inQuotes(out, f.name), ": "...), f.value)
		}
		return append(out, '}')
	case list:
		out = append(out, '[')
		for i, one := range n.items {
			if i > 0 {
				out = append(out, ", "...)
			}
			out = flow(out, one)
		}
		return append(out, ']')
	case text:
		return inQuotes(out, n.text)
	case null, blank:
		return append(out, "null"...)
	}
	return append(out, n.text...)
}

// inQuotes writes a text as JSON does, which is YAML, too.
func inQuotes(out []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		b = []byte(`""`) // a string always can be
	}
	return append(out, b...)
}

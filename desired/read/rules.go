package read

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/rules"
)

// rulesOf checks rules as Prometheus does, and keeps what they declare.
func (m *made) rulesOf(o *object, spec *desired.AlertRulesSpec) {
	m.rules = &desired.RuleFile{Name: o.rulesName(), Text: ruleText(o, m.tree), Prometheus: spec.Prometheus}
	if m.rules.Text == nil {
		return
	}
	file, faults := rules.Check(m.rules.Text)
	for _, f := range faults {
		m.problems = append(m.problems, m.fault(o, f))
	}
	m.alerts = file.Alerts
	if o.plainRules() {
		return // others wrote it, for others
	}
	for _, a := range file.Alerts {
		if lacks := lacking(a); len(lacks) > 0 {
			at := "spec." + a.Path
			m.problems = append(m.problems, warning(find(m.tree, at), at+": "+a.Name+" has no "+strings.Join(lacks, " and no ")))
		}
	}
}

// lacking are the words that people need of an alert and that it does not have.
func lacking(a rules.Alert) []string {
	var lacks []string
	if a.Labels["severity"] == "" {
		lacks = append(lacks, "label severity")
	}
	if a.Annotations["impact"] == "" {
		lacks = append(lacks, "annotation impact (what customers notice)")
	}
	if a.Annotations["action"] == "" {
		lacks = append(lacks, "annotation action (what is to be done)")
	}
	return lacks
}

// fault gives what is wrong with rules the place where it was written.
func (m *made) fault(o *object, f rules.Fault) Problem {
	below := "spec."
	if o.plainRules() {
		below = ""
	}
	p := place(o, m.tree, desired.Finding{Field: "spec." + f.Path, Line: f.Line, Col: f.Col, Message: f.Text(below), Warning: f.Warning})
	if f.Path == "" && o.plainRules() {
		p.Pos = desired.Pos{File: o.doc.file.shown, Line: o.doc.first + f.FileLine - 1, Col: f.FileCol}
	}
	if above, name := f.Path[:max(0, strings.LastIndexByte(f.Path, '.'))], f.Path[strings.LastIndexByte(f.Path, '.')+1:]; f.Unknown {
		for _, one := range find(m.tree, strings.TrimSuffix("spec."+above, ".")).fieldsOf() {
			if one.name == name {
				p.Pos = one.pos()
			}
		}
	}
	return p
}

// expressions checks the PromQL of ladders.
func expressions(object string, spec any) []desired.Finding {
	c := expressed{object: object}
	switch s := spec.(type) {
	case *desired.ServiceSpec:
		c.ladder("spec.remedies", s.Remedies)
	case *desired.TaskSpec:
		c.ladder("spec.steps", s.Steps)
	case *desired.RunbookSpec:
		c.ladder("spec.steps", s.Steps)
		for i, d := range s.Steps {
			if d.Verify == nil {
				continue
			}
			if why := rules.Unfailing(d.Verify.Expr); why != "" {
				at := item("spec.steps", i) + ".verify.expr"
				c.list = append(c.list, desired.Finding{Object: object, Field: at, Message: at + ": it cannot fail: " + why, Warning: true})
			}
		}
	}
	return c.list
}

type expressed struct {
	object string
	list   []desired.Finding
}

func (c *expressed) ladder(field string, steps []desired.Do) {
	for i, d := range steps {
		at := item(field, i)
		if d.Verify != nil {
			c.expr(at+".verify.expr", d.Verify.Expr)
		}
		c.expr(at+".when", d.When)
		if s, ok := d.With["expr"].(string); ok && strings.HasPrefix(d.Gather, "metrics.") {
			c.expr(at+".with.expr", s)
		}
	}
}

func (c *expressed) expr(field, text string) {
	if text == "" {
		return // missing, which has been said, or not wanted
	}
	for _, f := range rules.Expr(text) {
		c.list = append(c.list, desired.Finding{Object: c.object, Field: field, Line: f.Line, Col: f.Col, Message: field + ": " + f.Message})
	}
}

// unmatched warns of runbooks that wait for no alert that is declared. Where none is,
// or another Prometheus brings its own, nobody knows what they wait for.
func (l *loader) unmatched(results []made) {
	var alerts []rules.Alert
	var names []string
	for i := range results {
		if r := results[i].rules; r != nil && r.Prometheus != nil && r.Text == nil {
			return
		}
		for _, a := range results[i].alerts {
			alerts, names = append(alerts, a), append(names, a.Name)
		}
	}
	if l.partial || len(alerts) == 0 {
		return
	}
	for i := range results {
		r := results[i].runbook
		if r == nil {
			continue
		}
		matchers, err := desired.ParseAllMatchers(r.Spec.Match)
		if err != nil || slices.ContainsFunc(alerts, func(a rules.Alert) bool { return a.MayMatch(matchers) }) {
			continue
		}
		hint := ""
		for _, m := range matchers {
			if m.Name == "alertname" && !slices.Contains(names, m.Value) {
				hint = desired.DidYouMean(m.Value, names)
			}
		}
		l.add(warning(find(results[i].tree, "spec.match"), "spec.match: no alert that is declared can match it"+hint))
	}
}

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
	b := bytes.NewBuffer(out)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false) // people read it, too
	if err := e.Encode(s); err != nil {
		return append(out, `""`...) // a string always can be
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

package read

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/pakashop/evenkeel/desired"
)

// word reads a text, and holds it to the words that are allowed.
func (d *decoder) word(n *node, f *fieldPlan) string {
	if n.kind != text {
		d.notText(n)
		return ""
	}
	s := n.text
	content := f != nil && f.name == "content"
	if d.vars != nil && !content {
		s = d.expand(n)
	}
	switch {
	case f == nil || content:
	case s == "" && (f.required || len(f.enum) > 0 || f.oneof != ""):
		d.report(n, "%s: is empty", d.where())
	case len(f.enum) > 0:
		d.oneWord(n, s, f.enum)
	}
	return s
}

func (d *decoder) oneWord(n *node, s string, allowed []string) {
	for _, w := range allowed {
		if s == w {
			return
		}
	}
	d.report(n, "%s: %s is not one of %s%s", d.where(), quoted(s), strings.Join(allowed, ", "), desired.DidYouMean(s, allowed))
}

// notText is a value that YAML does not take for text, though text is wanted:
// 0640 is a number, 1.10 is 1.1.
func (d *decoder) notText(n *node) {
	switch n.kind {
	case integer, float, boolean:
		d.report(n, `%s: want text, and YAML takes %s for %s; write "%s"`, d.where(), n.text, n.kind, n.text)
	default:
		d.wrong(n, "text")
	}
}

var decimal = lazily(`^(0|-?[1-9][0-9]{0,17})$`)

// integer reads a whole number in plain decimal: neither octal nor 1_000.
func (d *decoder) integer(n *node) int {
	if n.kind != integer {
		d.wrong(n, "a whole number")
		return 0
	}
	if !decimal().MatchString(n.text) {
		d.wrong(n, "a whole number in plain decimal")
		return 0
	}
	i, err := strconv.Atoi(n.text)
	if err != nil {
		d.wrong(n, "a smaller number")
	}
	return i
}

func (d *decoder) duration(n *node, v reflect.Value) {
	if n.kind == integer && n.text == "0" {
		return
	}
	if n.kind != text {
		d.wrong(n, "a duration like 10s, 5m, 2h, 30d or 1w")
		return
	}
	x, err := desired.ParseDuration(d.expand(n))
	if err != nil {
		d.report(n, "%s: %v", d.where(), err)
		return
	}
	v.SetInt(int64(x))
}

func (d *decoder) port(n *node, v reflect.Value) {
	switch n.kind {
	case integer:
		v.FieldByName("Number").SetInt(int64(d.integer(n)))
	case text:
		if n.text == "" {
			d.report(n, "%s: is empty", d.where())
		}
		if decimal().MatchString(n.text) {
			d.report(n, "%s: write the number without quotes", d.where())
		}
		v.FieldByName("Name").SetString(d.expand(n))
	default:
		d.wrong(n, "a number, or the name of one of spec.ports")
	}
}

// ambiguous are the words that one reader of YAML takes for text and another
// for true or false.
var ambiguous = map[string]string{
	"y": "true", "yes": "true", "on": "true", "n": "false", "no": "false", "off": "false",
}

// free reads a value of any type, as JSON knows it.
func (d *decoder) free(n *node) any {
	switch n.kind {
	case text:
		if b, ok := ambiguous[lowered(n.text)]; ok && !n.quoted {
			d.report(n, `%s: %s is true or false to some readers of YAML and text to others; write %s or "%s"`, d.where(), n.text, b, n.text)
		}
		return d.expand(n)
	case boolean:
		return lowered(n.text) == "true"
	case integer:
		return d.integer(n)
	case float:
		return d.fraction(n)
	case list:
		all := make([]any, len(n.items))
		for i, one := range n.items {
			all[i] = d.free(one)
		}
		return all
	case table:
		all := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			d.path = append(d.path, f.name)
			all[f.name] = d.free(f.value)
			d.path = d.path[:len(d.path)-1]
		}
		return all
	}
	return nil
}

func (d *decoder) fraction(n *node) any {
	x, err := strconv.ParseFloat(n.text, 64)
	if err != nil || x != x || x-x != 0 {
		d.wrong(n, "a number")
		return nil
	}
	return x
}

// raw reads a value of any type and keeps it as JSON.
func (d *decoder) raw(n *node) []byte {
	b, err := json.Marshal(d.free(n))
	if err != nil {
		d.report(n, "%s: %v", d.where(), err)
	}
	return b
}

func lowered(s string) string { return strings.ToLower(s) }

// lazily is a pattern that is compiled when it is first needed: most starts of the
// program need none.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

package read

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"

	"github.com/pakashop/evenkeel/desired"
)

// encoder writes effective values as JSON, in the order of the Go type. It
// writes from the tree, not from the Go value, so that a zero that somebody
// declared stays, and a null that removed something, too.
type encoder struct {
	out   []byte
	plans plans
	vars  *variables
}

func (e *encoder) value(n *node, t reflect.Type, f *fieldPlan) {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n.kind {
	case table:
		e.table(n, t)
	case list:
		e.out = append(e.out, '[')
		for i, one := range n.items {
			if i > 0 {
				e.out = append(e.out, ',')
			}
			e.value(one, elem(t), f)
		}
		e.out = append(e.out, ']')
	case text:
		e.text(e.expanded(n, f))
	case boolean:
		e.out = append(e.out, lowered(n.text)...)
	case integer:
		if !json.Valid([]byte(n.text)) { // 0x10, in a file of Prometheus' own
			e.text(n.text)
			return
		}
		e.out = append(e.out, n.text...)
	case float:
		x, err := strconv.ParseFloat(n.text, 64)
		if err != nil || x != x || x-x != 0 {
			x = 0 // refused before
		}
		e.out = strconv.AppendFloat(e.out, x, 'g', -1, 64)
	default:
		e.out = append(e.out, "null"...)
	}
}

func elem(t reflect.Type) reflect.Type {
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) && t != rawType {
		return t.Elem()
	}
	return nil
}

func (e *encoder) table(n *node, t reflect.Type) {
	p := e.plans[t]
	if t == nil || p == nil {
		e.open(n, elem(t))
		return
	}
	secret := false
	if s := n.get("sensitive"); s != nil && s.kind == boolean && t == fileType {
		secret = lowered(s.text) == "true"
	}
	e.out = append(e.out, '{')
	first := true
	for i := range p.fields {
		f := &p.fields[i]
		v := n.get(f.name)
		if v == nil {
			continue
		}
		e.key(f.name, &first)
		if secret && f.name == "content" {
			v = word("(sensitive)")
		}
		e.value(v, t.Field(f.index).Type, f)
	}
	e.out = append(e.out, '}')
}

var fileType = reflect.TypeFor[desired.File]()

// open writes a table whose fields are anybody's.
func (e *encoder) open(n *node, t reflect.Type) {
	e.out = append(e.out, '{')
	first := true
	for _, f := range n.fields {
		e.key(f.name, &first)
		e.value(f.value, t, nil)
	}
	e.out = append(e.out, '}')
}

func (e *encoder) key(name string, first *bool) {
	if !*first {
		e.out = append(e.out, ',')
	}
	*first = false
	e.text(name)
	e.out = append(e.out, ':')
}

func (e *encoder) text(s string) {
	if plainASCII(s) {
		e.out = append(append(append(e.out, '"'), s...), '"')
		return
	}
	b, err := json.Marshal(s)
	if err != nil {
		b = []byte(`""`) // a string always can be
	}
	e.out = append(e.out, b...)
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// expanded is a text as Object.Spec has it: variables replaced, and the source
// of a text as a path within the folder that was read.
func (e *encoder) expanded(n *node, f *fieldPlan) string {
	if f != nil && f.oneof == "text" {
		if f.name == "source" && n.doc != nil {
			if name, err := within(n.doc.file.name, n.text); err == nil {
				return name
			}
		}
		return n.text
	}
	if e.vars == nil || !e.vars.used {
		return n.text
	}
	s, _ := desired.ExpandKeep(n.text, e.vars.Lookup(e.vars.object, e.vars.instance))
	return s
}

// spec is the JSON of an object's effective values.
func (l *loader) spec(kind string, n *node, vars *variables) json.RawMessage {
	e := encoder{plans: l.plans, vars: vars, out: make([]byte, 0, 1024)}
	e.value(n, l.kinds[kind], nil)
	return slices.Clip(e.out)
}

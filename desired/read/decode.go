package read

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// decoder fills Go values from nodes, strictly, and goes on after an error.
type decoder struct {
	plans    plans
	partial  bool // part of an object: what is required may come from elsewhere
	vars     *variables
	path     []string
	problems Problems
	broken   []string // the paths of values that could not be read
}

// broke tells whether a field, or a part of it, could not be read.
func (d *decoder) broke(field string) bool {
	for _, b := range d.broken {
		if b == field || strings.HasPrefix(field, b) && strings.ContainsAny(field[len(b):len(b)+1], ".[") ||
			strings.HasPrefix(b, field) && strings.ContainsAny(b[len(field):len(field)+1], ".[") {
			return true
		}
	}
	return false
}

// report is an error at a node, or at what was built in, at nothing.
func (d *decoder) report(n *node, format string, args ...any) {
	d.problems = append(d.problems, at(n, fmt.Sprintf(format, args...)))
	d.broken = append(d.broken, d.where())
}

// where is the path of the value at hand, as messages begin.
func (d *decoder) where() string {
	return strings.ReplaceAll(strings.Join(d.path, "."), ".[", "[")
}

// wrong reports a value of another type than wanted.
func (d *decoder) wrong(n *node, want string) {
	switch n.kind {
	case blank:
		d.report(n, "%s: is empty; want %s", d.where(), want)
	case list, table, null:
		d.report(n, "%s: want %s, not %s", d.where(), want, n.kind)
	default:
		d.report(n, "%s: want %s, not %s", d.where(), want, quoted(n.text))
	}
}

// into fills what a pointer points to.
func (d *decoder) into(n *node, target any) {
	d.value(n, reflect.ValueOf(target).Elem(), nil)
}

func (d *decoder) value(n *node, v reflect.Value, f *fieldPlan) {
	if d.shaped(n, v) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), f)
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Slice:
		d.slice(n, v, f)
	case reflect.Map:
		d.table(n, v)
	case reflect.Interface:
		if x := d.free(n); x != nil {
			v.Set(reflect.ValueOf(x))
		}
	default:
		d.plain(n, v, f)
	}
}

// shaped reads the types that have a form of their own in YAML; not if the form
// at hand is the long one.
func (d *decoder) shaped(n *node, v reflect.Value) bool {
	switch t := v.Type(); {
	case t == durationType:
		d.duration(n, v)
	case t == portType:
		d.port(n, v)
	case t == rawType:
		v.SetBytes(d.raw(n))
	case t == replicasType && n.kind == integer:
		i := d.integer(n)
		v.Set(reflect.ValueOf(desired.Replicas{Min: i, Max: i}))
	case t == driftType && n.kind == text:
		v.FieldByName("Mode").SetString(d.word(n, d.plans[t].field("mode")))
	case t == dependencyType && n.kind == text:
		v.FieldByName("Name").SetString(d.word(n, d.plans[t].field("name")))
	default:
		return false
	}
	return true
}

func (d *decoder) plain(n *node, v reflect.Value, f *fieldPlan) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(d.word(n, f))
	case reflect.Bool:
		if n.kind != boolean {
			d.wrong(n, "true or false")
			return
		}
		v.SetBool(lowered(n.text) == "true")
	case reflect.Int:
		v.SetInt(int64(d.integer(n)))
	case reflect.Float64:
		x, err := strconv.ParseFloat(n.text, 64)
		if n.kind != integer && n.kind != float || err != nil || x != x || x-x != 0 {
			d.wrong(n, "a number")
			return
		}
		v.SetFloat(x)
	}
}

func (d *decoder) structure(n *node, v reflect.Value) {
	if n.kind != table {
		d.wrong(n, "a table of fields"+d.alsoShort(v.Type()))
		return
	}
	p := d.plans[v.Type()]
	for i := range n.fields {
		nf := &n.fields[i]
		f := p.field(nf.name)
		if f == nil {
			d.unknown(nf, p)
			continue
		}
		if nf.value.kind == null {
			continue
		}
		d.path = append(d.path, f.name)
		d.value(nf.value, v.Field(f.index), f)
		d.path = d.path[:len(d.path)-1]
	}
	if !d.partial {
		d.complete(n, p)
	}
}

// alsoShort names the short form of a type that has one.
func (d *decoder) alsoShort(t reflect.Type) string {
	switch t {
	case replicasType:
		return " {min, max} or a whole number"
	case driftType:
		return " {mode, hold} or one of enforce, warn, ignore"
	case dependencyType:
		return " {name, kind} or a name"
	}
	return ""
}

func (d *decoder) unknown(f *field, p *plan) {
	path := append(d.path, f.name)
	msg := "unknown field " + strings.ReplaceAll(strings.Join(path, "."), ".[", "[")
	if len(d.problems) < maxHints {
		msg += orFields(f.name, p.names)
	}
	d.problems = append(d.problems, Problem{Pos: f.pos(), Message: msg})
}

func orFields(word string, known []string) string {
	if len(known) <= 12 {
		return orList(word, known)
	}
	if hint := desired.DidYouMean(word, known); hint != "" {
		return hint
	}
	return "; evenkeel schema lists the fields"
}

// complete finds what is missing, and what excludes each other.
func (d *decoder) complete(n *node, p *plan) {
	for i := range p.fields {
		if f := &p.fields[i]; f.required && n.given(f.name) == nil {
			d.problems = append(d.problems, at(n, d.where()+": the field "+f.name+" is missing"))
			d.broken = append(d.broken, d.where()+"."+f.name)
		}
	}
	for _, g := range p.groups {
		d.oneOf(n, p, g)
	}
}

// oneOf holds a group of fields to the rule that exactly one of them is set.
func (d *decoder) oneOf(n *node, p *plan, group string) {
	var all, set []string
	var second *node
	for i := range p.fields {
		f := &p.fields[i]
		if f.oneof != group {
			continue
		}
		all = append(all, f.name)
		v := n.given(f.name)
		if v == nil || v.kind == boolean && lowered(v.text) == "false" {
			continue
		}
		if set = append(set, f.name); len(set) == 2 {
			second = v
		}
	}
	switch {
	case len(set) == 0 && !strings.HasSuffix(group, "?"):
		d.report(n, "%s: one of %s is needed", d.where(), strings.Join(all, ", "))
	case len(set) > 1:
		d.report(second, "%s: %s exclude each other; keep one, and write null for what comes from elsewhere", d.where(), strings.Join(set, " and "))
	}
}

func (d *decoder) slice(n *node, v reflect.Value, f *fieldPlan) {
	if n.kind != list {
		d.wrong(n, "a list")
		return
	}
	if len(n.items) > maxList {
		d.report(n, "%s: %d items are too many; at most %d are read", d.where(), len(n.items), maxList)
		return
	}
	if len(n.items) == 0 && f != nil && !d.partial {
		d.report(n, "%s: the list is empty; leave the field out, or write null", d.where())
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, one := range n.items {
		d.path = append(d.path, "["+strconv.Itoa(i)+"]")
		if one.kind == null || one.kind == blank {
			d.wrong(one, "a value")
		} else {
			d.value(one, v.Index(i), f)
		}
		d.path = d.path[:len(d.path)-1]
	}
}

func (d *decoder) table(n *node, v reflect.Value) {
	if n.kind != table {
		d.wrong(n, "a table of fields")
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.fields)))
	for i := range n.fields {
		nf := &n.fields[i]
		if nf.value.kind == null && v.Type().Elem().Kind() != reflect.Interface {
			continue
		}
		d.path = append(d.path, nf.name)
		one := reflect.New(v.Type().Elem()).Elem()
		d.value(nf.value, one, nil)
		v.SetMapIndex(reflect.ValueOf(nf.name), one)
		d.path = d.path[:len(d.path)-1]
	}
}

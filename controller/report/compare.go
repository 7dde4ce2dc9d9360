package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// Compare lists in which objects two Sets differ, with the effective values that
// do. A nil Set has none. Only objects that keep lets through are compared.
func Compare(base, head *desired.Set, keep func(desired.Object) bool) []Changed {
	c := comparison{base: side(base, keep), head: side(head, keep)}
	c.hidden = union(c.base.set, c.head.set)
	refs := slices.Collect(maps.Keys(c.base.objects))
	for ref := range c.head.objects {
		if _, both := c.base.objects[ref]; !both {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, CompareRefs)
	var out []Changed
	for _, ref := range refs {
		if one, differs := c.object(ref); differs {
			out = append(out, one)
		}
	}
	return out
}

// CompareRefs orders KIND/NAME by the kinds' own order, and by name.
func CompareRefs(a, b string) int {
	kindA, nameA, _ := strings.Cut(a, "/")
	kindB, nameB, _ := strings.Cut(b, "/")
	return cmp.Or(slices.Index(desired.Kinds, kindA)-slices.Index(desired.Kinds, kindB), strings.Compare(nameA, nameB))
}

// Unchanged is an object of which nothing that was compared differs.
func Unchanged(o desired.Object) Changed {
	return Changed{Object: o.Ref(), Change: Modified, Declared: o.Pos.String(), Hosts: hostsOf(o), Fields: []Field{}}
}

// Secretly adds that something changes which must not be shown.
func (c Changed) Secretly(path string) Changed {
	if c.Change == Modified {
		c.Fields = append(slices.Clip(c.Fields), Field{Path: path, Desired: hidden, Observed: "(changed)"})
	}
	return c
}

// comparison is of two sides; what either holds sensitive is so on both.
type comparison struct {
	base, head version
	hidden     declared
}

type version struct {
	set     *desired.Set
	objects map[string]desired.Object
}

func side(set *desired.Set, keep func(desired.Object) bool) version {
	c := version{set: set, objects: map[string]desired.Object{}}
	if set == nil {
		c.set = &desired.Set{}
	}
	for _, o := range c.set.Objects {
		if keep(o) {
			c.objects[o.Ref()] = o
		}
	}
	return c
}

// union is what either of two Sets says of a path: sensitive for one is sensitive
// for both.
func union(a, b *desired.Set) declared {
	d := newDeclared(b)
	for p, c := range newDeclared(a) {
		both, ok := d[p]
		if !ok {
			both = c
		}
		both.sensitive = both.sensitive || c.sensitive
		d[p] = both
	}
	return d
}

func (c comparison) object(ref string) (Changed, bool) {
	was, had := c.base.objects[ref]
	is, has := c.head.objects[ref]
	out := Unchanged(is)
	out.Object = ref
	switch {
	case !had:
		out.Change = Added
		return out, true
	case !has:
		out.Change, out.Declared, out.Hosts = Removed, was.Pos.String(), hostsOf(was)
		return out, true
	}
	out.Fields = append(out.Fields, c.fields(was, is)...)
	return out, len(out.Fields) > 0
}

// hostsOf are the matchers of the hosts that run a Service.
func hostsOf(o desired.Object) []string {
	var spec struct {
		Hosts []string `json:"hosts"`
	}
	if o.Kind == "Service" {
		_ = json.Unmarshal(o.Spec, &spec) // a spec that cannot be read has none
	}
	return append([]string{}, spec.Hosts...)
}

func (c comparison) fields(was, is desired.Object) []Field {
	before, after := c.leaves(was), c.leaves(is)
	content := c.contents(is, before, after)
	paths := slices.Collect(maps.Keys(before))
	for p := range after {
		if _, both := before[p]; !both {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	var out []Field
	for _, p := range paths {
		if before[p] == after[p] {
			continue
		}
		f := Field{Path: p, Desired: hideValue(p, after[p]), Observed: hideValue(p, before[p])}
		if f.Desired == f.Observed {
			f.Desired, f.Observed = hidden, "(changed)"
		}
		out = append(out, f)
	}
	return append(out, content...)
}

// leaves are the values of an object by their paths, sensitive ones left out.
func (c comparison) leaves(o desired.Object) map[string]string {
	out := map[string]string{}
	meta, err := json.Marshal(o.Metadata)
	if err != nil {
		return out
	}
	walk("metadata", decoded(meta), out)
	walk("spec", decoded(c.hidden.redact(o)), out)
	return out
}

func decoded(raw []byte) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// walk lists values by path. Of a list of things that have names each is found by
// its name, so that one that is put before others changes nothing about them; a
// list of plain values is one value.
func walk(at string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, one := range v {
			walk(at+"."+k, one, out)
		}
	case []any:
		key := nameKey(v)
		for i, one := range v {
			switch name := fmt.Sprint(i); {
			case key != "":
				walk(at+"["+one.(map[string]any)[key].(string)+"]", one, out)
			case isPlain(v):
				out[at] = value(v)
				return
			default:
				walk(at+"["+name+"]", one, out)
			}
		}
	default:
		out[at] = value(v)
	}
}

func isPlain(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool {
		switch v.(type) {
		case map[string]any, []any:
			return true
		}
		return false
	})
}

// nameKey is the field by which the items of a list are told apart.
func nameKey(list []any) string {
	for _, key := range []string{"name", "path"} {
		seen := map[string]bool{}
		for _, one := range list {
			m, _ := one.(map[string]any)
			if name, ok := m[key].(string); ok {
				seen[name] = true
			}
		}
		if len(list) > 0 && len(seen) == len(list) {
			return key
		}
	}
	return ""
}

func value(v any) string {
	if s, ok := v.(string); ok {
		return shown(s)
	}
	b, err := JSONLine(v)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

// hideValue takes a value that logs in out of sight, by the name of its field.
func hideValue(p, v string) string {
	name := path.Ext("." + p)
	return strings.TrimPrefix(hide(name+": "+v), name+": ")
}

// contents compares what files hold, where both sides know it, and takes the place
// of what specs say of it: a source has its content elsewhere, and of what is
// sensitive no value says that it changes.
func (c comparison) contents(o desired.Object, before, after map[string]string) []Field {
	if o.Kind != "Service" {
		return nil
	}
	was, had := c.base.set.Service(o.Metadata.Name)
	is, has := c.head.set.Service(o.Metadata.Name)
	if !had || !has {
		return nil
	}
	for _, leaves := range []map[string]string{before, after} {
		maps.DeleteFunc(leaves, func(p, _ string) bool {
			return strings.HasSuffix(p, ".content") && (strings.HasPrefix(p, "spec.unitFile.") || strings.HasPrefix(p, "spec.dropIns[") || strings.HasPrefix(p, "spec.files["))
		})
	}
	digests := map[string]string{}
	for _, a := range was.Artifacts() {
		digests[a.Path] = a.Digest
	}
	var out []Field
	for _, a := range is.Artifacts() {
		old, both := digests[a.Path]
		if !both || old == a.Digest || a.Host {
			continue
		}
		f := Field{Path: "content of " + a.Path, Desired: "sha256 " + brief(a.Digest), Observed: "sha256 " + brief(old)}
		if c.hidden[a.Path].sensitive {
			f.Desired, f.Observed = hidden, "(changed)"
		}
		out = append(out, f)
	}
	return out
}

package read

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// defaults is a Defaults object, ready to be laid under Services.
type defaults struct {
	object   *object
	matchers []desired.Matcher
	service  *node
}

// defaults reads all Defaults, those with fewer matchers first.
func (l *loader) defaults() []defaults {
	l.said = map[desired.Pos]bool{}
	var all []defaults
	for _, o := range l.objects {
		if o.kind != "Defaults" || o.spec == nil {
			continue
		}
		one, ok := l.oneDefaults(o)
		if !ok {
			continue
		}
		if all = append(all, one); len(all) > maxWeights {
			l.add(at(o.nameAt, "there are too many Defaults; at most "+strconv.Itoa(maxWeights)+" are read"))
			return nil
		}
	}
	slices.SortStableFunc(all, func(a, b defaults) int {
		return cmp.Or(len(a.matchers)-len(b.matchers), strings.Compare(a.object.meta.Name, b.object.meta.Name))
	})
	return all
}

func (l *loader) oneDefaults(o *object) (defaults, bool) {
	one := defaults{object: o, service: o.spec.get("service")}
	d := decoder{plans: l.plans, partial: true, path: []string{"spec"}}
	var spec desired.DefaultsSpec
	d.into(o.spec, &spec)
	l.add(d.problems...)
	for _, p := range d.problems {
		l.said[p.Pos] = true
	}
	if one.service == nil {
		l.add(at(o.spec, "spec: the field service is missing"))
		return one, false
	}
	var err error
	if one.matchers, err = desired.ParseAllMatchers(spec.Match); err != nil {
		l.add(at(o.spec.get("match"), "spec.match: "+err.Error()))
		return one, false
	}
	if one.service.kind != table {
		return one, false // the decoder has said so
	}
	one.service = layered(one.service, o)
	return one, true
}

// layered is a tree whose values say that they come from an object.
func layered(n *node, o *object) *node {
	doc := *n.doc
	doc.layer = o.ref()
	return relabel(n, map[*document]*document{n.doc: &doc}, o.ref())
}

func relabel(n *node, docs map[*document]*document, layer string) *node {
	out := *n
	if docs[n.doc] == nil {
		doc := *n.doc
		doc.layer = layer
		docs[n.doc] = &doc
	}
	out.doc = docs[n.doc]
	out.fields = slices.Clone(n.fields)
	for i := range out.fields {
		out.fields[i].value = relabel(out.fields[i].value, docs, layer)
	}
	out.items = slices.Clone(n.items)
	for i := range out.items {
		out.items[i] = relabel(out.items[i], docs, layer)
	}
	return &out
}

// under lays the Defaults that match below a Service's spec.
func under(o *object, all []defaults) (*node, Problems) {
	labels := overlaid(o.meta.Labels, map[string]string{"name": o.meta.Name})
	var spec *node
	var used []defaults
	for _, d := range all {
		if desired.MatchAll(d.matchers, labels) {
			spec = merge("spec", spec, d.service)
			used = append(used, d)
		}
	}
	if o.spec != nil {
		spec = merge("spec", spec, o.spec)
	}
	return spec, ties(o, spec, used)
}

// ties finds the values that two Defaults of equal weight both give, and
// nothing heavier does.
func ties(o *object, spec *node, used []defaults) Problems {
	var problems Problems
	for i, a := range used {
		for _, b := range used[i+1:] {
			if len(a.matchers) == len(b.matchers) {
				problems = append(problems, tied(o, "spec", spec, a, b, a.service, b.service)...)
			}
		}
	}
	return problems
}

func tied(o *object, path string, got *node, a, b defaults, in, also *node) Problems {
	var problems Problems
	if got == nil || in == nil || also == nil {
		return nil
	}
	if in.kind == table && also.kind == table && got.kind == table {
		for _, f := range in.fields {
			problems = append(problems, tied(o, step(path, f.name), got.get(f.name), a, b, f.value, also.get(f.name))...)
		}
		return problems
	}
	if got.origin() != a.object.ref() && got.origin() != b.object.ref() {
		return nil
	}
	return Problems{at(also, a.object.ref()+" and "+b.object.ref()+" both give "+path+" to "+o.ref()+
		", and neither has more matchers; add a matcher to one of them, or set the field in the Service")}
}

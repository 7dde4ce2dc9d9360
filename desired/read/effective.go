package read

import (
	"reflect"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/rules"
)

// resolve reads the environment that counts and what its variables mean.
func (l *loader) resolve() {
	for _, o := range l.objects {
		if o.kind != "Environment" || o.spec == nil {
			continue
		}
		var spec desired.EnvironmentSpec
		d := decoder{plans: l.plans, path: []string{"spec"}, vars: environmentVars()}
		d.into(o.spec, &spec)
		for name, v := range spec.Vars {
			spec.Vars[name], _ = desired.Expand(v, nowhere)
		}
		l.envs[o.meta.Name] = spec // its problems are found again, with all others
	}
	if env, ok := l.envs[l.o.Environment]; ok {
		l.vars.Domain, l.vars.Vars = env.Domain, env.Vars
	}
}

// made is what one object became.
type made struct {
	object   desired.Object
	service  *desired.Service
	window   *desired.ChangeWindow
	endpoint *desired.Endpoint
	rules    *desired.RuleFile
	runbook  *desired.Runbook
	alerts   []rules.Alert // that the rules declare
	tree     *node         // its effective values
	sources  map[string]string
	problems Problems
}

// compile decodes and checks every object, and makes the Set of them.
func (l *loader) compile() *desired.Set {
	all := l.defaults()
	results := make([]made, len(l.objects))
	each(len(l.objects), func(i int) {
		o := l.objects[i]
		defect := guarded(o.doc, func() Problems { results[i] = l.make(o, all); return nil })
		if defect != nil {
			results[i] = made{object: o.bare(), problems: defect}
		}
	})

	in := desired.Input{Environment: l.o.Environment, Host: l.o.Host, Policy: l.o.Policy, Partial: l.partial, Everywhere: l.o.Everywhere}
	in.Host.Environment = l.o.Environment
	env := l.envs[l.o.Environment]
	in.EnvironmentHosts = env.Hosts
	in.Rollout = desired.Rollout{Branch: env.Branch, ConfirmAfter: env.ConfirmAfter, Verify: env.Verify}
	in.Objects, in.Services = make([]desired.Object, 0, len(results)), make([]*desired.Service, 0, len(results))
	sources := map[string]string{}
	by := make(map[string]int, len(results))
	for i := range results {
		r := &results[i]
		l.add(r.problems...)
		in.Objects = append(in.Objects, r.object)
		if r.service != nil {
			in.Services = append(in.Services, r.service)
		}
		if r.window != nil {
			in.Windows = append(in.Windows, *r.window)
		}
		if r.endpoint != nil {
			in.Endpoints = append(in.Endpoints, *r.endpoint)
		}
		if r.rules != nil {
			in.Rules = append(in.Rules, *r.rules)
		}
		if r.runbook != nil {
			in.Runbooks = append(in.Runbooks, *r.runbook)
		}
		for name, digest := range r.sources {
			sources[name] = digest
		}
		by[r.object.Ref()] = i
	}
	in.Revision = l.revision(sources)
	l.unmatched(results)
	set, found := desired.Compile(in)
	for _, f := range found {
		i, ok := by[f.Object]
		if !ok {
			l.add(Problem{Message: f.Message, Warning: f.Warning})
			continue
		}
		l.add(place(l.objects[i], results[i].tree, f))
	}
	return set
}

// make decodes one object.
func (l *loader) make(o *object, all []defaults) made {
	m := made{object: o.bare()}
	if o.kind == "Service" && o.urlAt != nil {
		url, problems := l.publicURL(o)
		m.problems = append(m.problems, problems...)
		m.object.Metadata.Annotations = overlaid(o.meta.Annotations, map[string]string{desired.PublicURL: url})
	}
	spec := o.spec
	if o.kind == "Service" {
		var problems Problems
		spec, problems = under(o, all)
		m.problems = append(m.problems, problems...)
		if spec == nil {
			spec = &node{kind: table, line: int32(o.doc.root.line), col: int32(o.doc.root.col), doc: o.doc}
		}
	}
	if spec == nil || spec.kind == null {
		m.problems = append(m.problems, at(o.doc.root, "the field spec is missing"))
		return m
	}
	spec = builtin(o, spec)
	m.tree = spec
	value := l.newSpec(o.kind)
	d := decoder{plans: l.plans, path: []string{"spec"}, vars: l.variables(o, spec)}
	if o.kind == "Defaults" {
		d.partial, d.vars = true, nil
	}
	if o.kind == "AlertRules" {
		d.vars = nil // $( may be part of an expression
	}
	if !o.plainRules() { // in which Prometheus' word counts
		d.into(spec, value)
	}
	m.problems = append(m.problems, l.fresh(d.problems)...)
	m.problems = append(m.problems, notYet(o, spec)...)
	if !o.plainRules() {
		m.found(o, &d, desired.Check(o.ref(), value))
	}
	m.found(o, &d, calendar(o.ref(), value))
	m.found(o, &d, expressions(o.ref(), value))
	if s, ok := value.(*desired.ServiceSpec); ok {
		l.build(&m, o, s, &d)
	} else {
		switch v := value.(type) {
		case *desired.ChangeWindowSpec:
			m.window = &desired.ChangeWindow{Name: o.meta.Name, Spec: *v}
		case *desired.EndpointSpec:
			e := desired.NewEndpoint(o.meta.Name, o.meta.Labels, *v)
			m.endpoint = &e
		case *desired.AlertRulesSpec:
			m.rulesOf(o, v)
		case *desired.RunbookSpec:
			m.runbook = &desired.Runbook{Name: o.meta.Name, Spec: *v}
		}
		m.object.Spec = l.spec(o.kind, spec, d.vars)
	}
	if l.o.Origins {
		m.object.Origin = origins(m.tree)
	}
	return m
}

// bare is the object without its spec.
func (o *object) bare() desired.Object {
	return desired.Object{APIVersion: desired.APIVersion, Kind: o.kind, Metadata: o.meta, Pos: o.doc.root.pos()}
}

// fresh leaves out what was said of a Defaults object already.
func (l *loader) fresh(p Problems) Problems {
	return slices.DeleteFunc(p, func(one Problem) bool { return l.said[one.Pos] })
}

// found adds findings, except those of values that could not be decoded.
func (m *made) found(o *object, d *decoder, list []desired.Finding) {
	for _, f := range list {
		if !d.broke(f.Field) {
			m.problems = append(m.problems, place(o, m.tree, f))
		}
	}
}

func (l *loader) variables(o *object, spec *node) *variables {
	if o.kind == "Environment" {
		return environmentVars()
	}
	v := &variables{Vars: l.vars, object: o.meta.Name, labels: o.kind == "Runbook"}
	if o.kind != "Service" {
		return v
	}
	if u := spec.get("unit"); u != nil && u.kind == text {
		unit := u.text
		if strings.Contains(unit, "$(") {
			unit, _ = desired.Expand(unit, v.Lookup(o.meta.Name, ""))
		}
		v.instance = instanceOf(unit)
	}
	return v
}

// build makes the units and files of a service, also of one that is wrong
// already, for what else there is to say of it.
func (l *loader) build(m *made, o *object, spec *desired.ServiceSpec, d *decoder) {
	texts, digests, problems := l.texts(m.tree, spec)
	m.sources = digests
	m.problems = append(m.problems, problems...)
	s, found := desired.Build(desired.Declared{
		Name: o.meta.Name, Labels: o.meta.Labels, Pos: o.doc.root.pos(), Spec: *spec, Texts: texts, Vars: d.vars.used,
	}, l.vars)
	m.found(o, d, found)
	if l.built.Add(weight(s)) > maxTotal {
		m.problems = append(m.problems, at(o.nameAt, "the units and files of all services together are too large"))
		return
	}
	m.service = &s
	if s.Spec.Boot != "" && m.tree.given("boot") == nil {
		m.tree = fill(m.tree, fields(field{name: "boot", value: word(s.Spec.Boot)}))
	}
	m.object.Spec = l.spec(o.kind, m.tree, d.vars)
}

// weight is about what a service takes in memory.
func weight(s desired.Service) int64 {
	n := 100 * (len(s.Units) + len(s.Spec.Watch) + 2*len(s.DropIns))
	for _, f := range s.Files {
		n += 200 + len(f.Content) + len(f.Sealed)
	}
	return int64(n)
}

func (l *loader) newSpec(kind string) any { return reflect.New(l.kinds[kind]).Interface() }

// origins lists where each value came from, by the path of its field.
func origins(spec *node) map[string]string {
	all := make(map[string]string, spec.leaves())
	collect(all, "spec", spec)
	return all
}

// leaves counts the values that hold no others.
func (n *node) leaves() (count int) {
	for _, f := range n.fields {
		count += f.value.leaves()
	}
	for _, one := range n.items {
		count += one.leaves()
	}
	return max(1, count)
}

func collect(all map[string]string, path string, n *node) {
	switch {
	case n.kind == table && len(n.fields) > 0:
		for _, f := range n.fields {
			collect(all, step(path, f.name), f.value)
		}
	case n.kind == list && len(n.items) > 0:
		for i, one := range n.items {
			collect(all, item(path, i), one)
		}
	default:
		all[path] = n.origin()
	}
}

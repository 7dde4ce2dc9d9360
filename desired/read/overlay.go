package read

import (
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// identify says of each document what it is, and tells objects from patches.
func (l *loader) identify() {
	first := map[string]*object{}
	for _, d := range l.docs {
		if d.testsRules() {
			continue
		}
		o, problems := identify(d, l.plans)
		l.add(problems...)
		if o == nil {
			l.partial = true
			continue
		}
		if o.environment != "" && !o.declaresEnvironment() {
			l.patches = append(l.patches, o)
			continue
		}
		if other := first[o.ref()]; other != nil {
			if d.file.over && !other.doc.file.over {
				l.objects[slices.Index(l.objects, other)], first[o.ref()] = o, o
				continue
			}
			l.add(at(o.nameAt, "there is a "+o.kind+" named "+o.meta.Name+" already, at "+other.nameAt.pos().String()+"; names are unique within a kind"))
			continue
		}
		first[o.ref()] = o
		l.objects = append(l.objects, o)
	}
	if len(l.objects) > maxObjects {
		l.add(at(l.objects[maxObjects].nameAt, "there are too many objects; at most 10000 are read"))
		l.partial = true
	}
}

// declaresEnvironment tells the one object that may stand in an overlay's
// folder without being a patch: the Environment of that name.
func (o *object) declaresEnvironment() bool {
	return o.kind == "Environment" && o.meta.Name == o.environment
}

// overlay applies the patches of the chosen environment, and checks those of
// the others.
func (l *loader) overlay() {
	l.environments()
	by := make(map[string]int, len(l.objects))
	for i, o := range l.objects {
		by[o.ref()] = i
	}
	first := map[string]*object{}
	for _, p := range l.patches {
		key := p.environment + " " + p.ref()
		if other := first[key]; other != nil {
			l.add(at(p.nameAt, "environment "+p.environment+" patches "+p.ref()+" already, at "+other.nameAt.pos().String()))
			continue
		}
		first[key] = p
		i, ok := by[p.ref()]
		switch {
		case !ok && l.partial:
			l.part(p)
		case !ok:
			l.add(at(p.nameAt, "an overlay patches objects, and there is no "+p.kind+" named "+p.meta.Name+l.similar(p)+"; declare it outside of environments/"))
		case p.environment == l.o.Environment:
			l.patch(i, p)
		default:
			l.part(p)
		}
	}
	l.objects = slices.DeleteFunc(l.objects, func(o *object) bool { return o == nil || o.delete })
}

func (l *loader) similar(p *object) string {
	if len(l.problems) > maxHints {
		return ""
	}
	var names []string
	for _, o := range l.objects {
		if o != nil && o.kind == p.kind {
			names = append(names, o.meta.Name)
		}
	}
	return strings.TrimSuffix(desired.DidYouMean(p.meta.Name, names), "?")
}

func (l *loader) patch(i int, p *object) {
	base := *l.objects[i]
	switch {
	case p.delete:
		base.delete = true
	case p.spec != nil && base.spec != nil:
		base.spec = merge("spec", base.spec, p.spec)
	case p.spec != nil:
		base.spec = p.spec
	}
	base.meta.Labels = overlaid(base.meta.Labels, p.meta.Labels)
	base.meta.Annotations = overlaid(base.meta.Annotations, p.meta.Annotations)
	if p.urlAt != nil {
		base.urlAt = p.urlAt
	}
	l.objects[i] = &base
}

func overlaid(base, patch map[string]string) map[string]string {
	if len(patch) == 0 {
		return base
	}
	out := make(map[string]string, len(base)+len(patch))
	for _, m := range []map[string]string{base, patch} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// part checks a patch that is not applied, as far as a part can be checked.
func (l *loader) part(p *object) {
	if url := p.meta.Annotations[desired.PublicURL]; url != "" && p.kind == "Service" {
		l.add(p.checkURL(url)...)
	}
	if p.spec == nil {
		return
	}
	d := decoder{plans: l.plans, partial: true, path: []string{"spec"}}
	d.into(p.spec, l.newSpec(p.kind))
	l.add(d.problems...)
}

// environments finds which there are, and settles which one counts.
func (l *loader) environments() {
	names := l.environmentNames()
	l.envs = map[string]desired.EnvironmentSpec{}
	overlays := slices.Contains(slices.Collect(maps.Values(names)), true)
	all := strings.Join(sortedKeys(names), ", ")
	chosen := l.o.Environment
	switch {
	case chosen == "" && overlays:
		l.add(Problem{Pos: l.overlayPos(), Message: "there are overlays, and no environment is chosen; choose one with --environment or in the host's policy: " + all})
	case chosen != "" && len(names) > 0 && !has(names, chosen) && !l.partial:
		l.add(Problem{Message: "there is no environment " + quoted(chosen) + orList(chosen, sortedKeys(names))})
	}
	l.vars = desired.Vars{Host: l.o.Host.Name, Environment: chosen}
}

func has(names map[string]bool, name string) bool {
	_, ok := names[name]
	return ok
}

func (l *loader) overlayPos() desired.Pos {
	for _, f := range l.files {
		if f.environment != "" {
			return desired.Pos{File: f.shown, Line: 1, Col: 1}
		}
	}
	return desired.Pos{}
}

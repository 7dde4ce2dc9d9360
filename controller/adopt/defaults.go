package adopt

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// fewest is how many services must share something for it to be factored out.
const fewest = 3

// group is what some services have in common, and no others.
type group struct {
	services []*service
	fields   map[string]json.RawMessage
	name     string // of the Defaults
	match    string // a matcher that selects these services
}

// factor takes what several services share out of them, into Defaults, the most
// worthwhile first, for as long as the whole becomes shorter by it. What a
// service was given once it does not have itself any more, so that no two
// Defaults give it the same field.
func factor(all []*service, print func([]desired.Object) ([]byte, error)) ([]desired.Object, error) {
	var shared []desired.Object
	taken, fixed := names{}, len(modeline)+len(defaultsHead)
	for {
		best, err := mostWorthwhile(all, fixed, print)
		if err != nil || best == nil {
			return shared, err
		}
		fixed = 0 // the file is there now
		o, err := best.object()
		if err != nil {
			return nil, err
		}
		o.Metadata.Name = taken.free(best.name)
		for _, s := range best.services {
			if s.spec, err = without(s.spec, best.fields); err != nil {
				return nil, err
			}
		}
		shared = append(shared, o)
	}
}

// mostWorthwhile is the group that saves most; nil where none saves more than
// least bytes.
func mostWorthwhile(all []*service, least int, print func([]desired.Object) ([]byte, error)) (*group, error) {
	groups, err := groupsOf(all)
	if err != nil {
		return nil, err
	}
	var best *group
	for i := range groups {
		saved, err := groups[i].saves(print)
		if err != nil {
			return nil, err
		}
		if saved > least {
			best, least = &groups[i], saved
		}
	}
	return best, nil
}

// groupsOf finds what at least fewest services share: those that give a field
// the same value, and those whose names begin alike.
func groupsOf(all []*service) ([]group, error) {
	fields := make(map[*service]map[string]json.RawMessage, len(all))
	members := map[string][]*service{} // by what they have in common
	for _, s := range all {
		f, err := s.fields()
		if err != nil {
			return nil, err
		}
		fields[s] = f
		for field, value := range f {
			key := field + ":" + string(value)
			members[key] = append(members[key], s)
		}
		for i, c := range s.name {
			if strings.ContainsRune("-@._", c) {
				members[s.name[:i+1]] = append(members[s.name[:i+1]], s)
			}
		}
	}
	var out []group
	for _, key := range slices.Sorted(maps.Keys(members)) {
		g := group{services: members[key]}
		if len(g.services) < fewest {
			continue
		}
		if g.fields = common(g.services, fields); len(g.fields) > 0 {
			g.name, g.match = selecting(g.services, all)
			out = append(out, g)
		}
	}
	return out, nil
}

// common are the fields to which all services give the same value.
func common(services []*service, fields map[*service]map[string]json.RawMessage) map[string]json.RawMessage {
	out := maps.Clone(fields[services[0]])
	for _, s := range services[1:] {
		maps.DeleteFunc(out, func(f string, v json.RawMessage) bool { return !bytes.Equal(fields[s][f], v) })
	}
	return out
}

// fields are the parts of the service's spec, by name, as Defaults would write
// them: with $(name) where the service's own name is.
func (s *service) fields() (map[string]json.RawMessage, error) {
	b, err := json.Marshal(s.spec)
	if err != nil {
		return nil, fmt.Errorf("write Service/%s: %w", s.name, err)
	}
	if s.spec.Unit == "" {
		b = []byte(strings.ReplaceAll(string(b), `"units/`+s.name+".service", `"units/$(name).service`))
	}
	fields := map[string]json.RawMessage{}
	return fields, json.Unmarshal(b, &fields)
}

// without is a spec without some fields.
func without(spec desired.ServiceSpec, fields map[string]json.RawMessage) (desired.ServiceSpec, error) {
	all, err := (&service{spec: spec}).fields()
	if err != nil {
		return spec, err
	}
	maps.DeleteFunc(all, func(f string, _ json.RawMessage) bool { return fields[f] != nil })
	return specOf(all)
}

func specOf(fields map[string]json.RawMessage) (spec desired.ServiceSpec, err error) {
	b, err := json.Marshal(fields)
	if err == nil {
		err = json.Unmarshal(b, &spec)
	}
	return spec, err
}

// object is the group as Defaults.
func (g group) object() (desired.Object, error) {
	spec, err := specOf(g.fields)
	if err != nil {
		return desired.Object{}, err
	}
	return object("Defaults", g.name, desired.DefaultsSpec{Match: []string{g.match}, Service: spec})
}

// saves is by how many bytes the whole becomes shorter.
func (g group) saves(print func([]desired.Object) ([]byte, error)) (int, error) {
	own, err := g.object()
	if err != nil {
		return 0, err
	}
	b, err := print([]desired.Object{own})
	if err != nil {
		return 0, err
	}
	saved := -len(b)
	for _, s := range g.services {
		spec, err := without(s.spec, g.fields)
		if err != nil {
			return 0, err
		}
		for sign, spec := range map[int]desired.ServiceSpec{1: s.spec, -1: spec} {
			o, err := object("Service", s.name, spec)
			if err != nil {
				return 0, err
			}
			b, err := print([]desired.Object{o})
			if err != nil {
				return 0, err
			}
			saved += sign * len(b)
		}
	}
	return saved, nil
}

// selecting is a matcher that selects some of all services, and what to call
// them: by what only their names begin with, or one by one.
func selecting(some, all []*service) (name, match string) {
	prefix := commonPrefix(some)
	if len(some) == len(all) {
		return cmp.Or(strings.TrimRight(prefix, "-@._"), "all"), `name=~"` + pattern(prefix) + `.+"`
	}
	others := slices.ContainsFunc(all, func(s *service) bool { return strings.HasPrefix(s.name, prefix) && !slices.Contains(some, s) })
	if prefix != "" && !others {
		return strings.TrimRight(prefix, "-@._"), `name=~"` + pattern(prefix) + `.+"`
	}
	return "shared", `name=~"` + pattern(namesOf(some, "|")) + `"`
}

// commonPrefix is what all names begin with, up to a mark that parts words.
func commonPrefix(services []*service) string {
	prefix := services[0].name
	for _, s := range services {
		for !strings.HasPrefix(s.name, prefix) || prefix == s.name {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix[:strings.LastIndexAny(prefix, "-@._")+1]
}

// pattern is a name as a regular expression.
func pattern(name string) string { return strings.ReplaceAll(name, ".", "[.]") }

func namesOf(services []*service, by string) string {
	var out []string
	for _, s := range services {
		out = append(out, s.name)
	}
	return strings.Join(out, by)
}

package review

import (
	"maps"
	"slices"

	"github.com/pakashop/evenkeel/desired"
)

// layer is a part of an environment that one host could run.
type layer struct{ base, head *desired.Set }

// layers divides what is declared of an environment as a whole: two services may
// claim the same unit or file if no host runs both. Nearly always there is one
// layer; a service that clashes with an earlier one, by name, before or after,
// comes into a further one.
func layers(base, head *desired.Set) []layer {
	names := map[string]bool{}
	for _, set := range []*desired.Set{base, head} {
		for _, s := range set.Services {
			names[s.Name] = true
		}
	}
	level, most := map[string]int{}, 0
	var taken []map[string]bool // what is claimed in each layer, apart for before and after
	for _, name := range slices.Sorted(maps.Keys(names)) {
		claims := append(claimsOf(base, name, "was "), claimsOf(head, name, "is ")...)
		n := slices.IndexFunc(taken, func(t map[string]bool) bool {
			return !slices.ContainsFunc(claims, func(c string) bool { return t[c] })
		})
		if n < 0 {
			n, taken = len(taken), append(taken, map[string]bool{})
		}
		for _, c := range claims {
			taken[n][c] = true
		}
		level[name], most = n, max(most, n)
	}
	out := make([]layer, most+1)
	for i := range out {
		in := func(s desired.Service) bool { return level[s.Name] == i }
		out[i] = layer{part(base, in), part(head, in)}
	}
	return out
}

// claimsOf are the units and files that a service has for itself on a host.
func claimsOf(set *desired.Set, name, when string) []string {
	s, ok := set.Service(name)
	if !ok {
		return nil
	}
	var out []string
	for _, u := range append(slices.Clone(s.Units), s.Spare...) {
		out = append(out, when+u)
	}
	for _, a := range s.Artifacts() {
		out = append(out, when+a.Path)
	}
	if s.Link != nil {
		out = append(out, when+s.Link.Path)
	}
	return out
}

// part is a Set with some of its services, and what these rest on among them.
func part(set *desired.Set, in func(desired.Service) bool) *desired.Set {
	p := *set
	p.Services = slices.DeleteFunc(slices.Clone(set.Services), func(s desired.Service) bool { return !in(s) })
	if len(p.Services) == len(set.Services) {
		return &p
	}
	elsewhere := func(name string) bool {
		return !slices.ContainsFunc(p.Services, func(s desired.Service) bool { return s.Name == name })
	}
	for i := range p.Services {
		s := &p.Services[i]
		s.Requires = slices.DeleteFunc(slices.Clone(s.Requires), elsewhere)
		s.Follows = slices.DeleteFunc(slices.Clone(s.Follows), elsewhere)
	}
	return &p
}

package review

import (
	"slices"

	"github.com/pakashop/evenkeel/desired"
)

// secretive is the new Set in which stays sensitive what was so in the old one:
// what a file held does not cease to be a secret with its declaration.
func secretive(base, head *desired.Set) *desired.Set {
	out := *head
	out.Services = slices.Clone(head.Services)
	for i := range out.Services {
		s := &out.Services[i]
		for j := range s.Files {
			old, _, ok := base.Artifact(s.Files[j].Path)
			if ok && old.Sensitive && !s.Files[j].Sensitive {
				s.Files = slices.Clone(s.Files)
				s.Files[j].Sensitive = true
			}
		}
	}
	return &out
}

// sensitive tells the paths of which either Set says so.
func sensitive(sets ...*desired.Set) func(path string) bool {
	paths := map[string]bool{}
	for _, set := range sets {
		for _, s := range set.Services {
			for _, a := range s.Artifacts() {
				paths[a.Path] = paths[a.Path] || a.Sensitive
			}
		}
	}
	return func(path string) bool { return paths[path] }
}

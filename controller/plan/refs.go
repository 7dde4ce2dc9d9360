package plan

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Refs lists every fact that Make will ask for, sorted. It depends on what is
// known already: a drop-in is asked for once its folder was listed.
func Refs(want *desired.Set, have *state.World, past *state.Past) []state.Ref {
	set := map[state.Ref]bool{{Kind: state.RefHost}: true}
	for i := range want.Services {
		serviceRefs(&want.Services[i], have, set)
	}
	for object, m := range past.Managed {
		s, ok := want.Service(strings.TrimPrefix(object, "Service/"))
		if ok && slices.Equal(s.Units, m.Units) {
			continue
		}
		for _, u := range m.Units {
			set[unitRef(u)] = true
		}
	}
	for p := range past.Owned {
		if filepath.IsAbs(p) { // the rest are masks
			set[fileRef(p)] = true
		}
	}
	return slices.SortedFunc(maps.Keys(set), func(a, b state.Ref) int { return strings.Compare(a.String(), b.String()) })
}

func serviceRefs(s *desired.Service, have *state.World, set map[state.Ref]bool) {
	for _, u := range s.Units {
		set[unitRef(u)] = true
	}
	for _, a := range s.Files {
		set[fileRef(a.Path)] = true
	}
	for _, p := range s.Spec.Watch {
		set[fileRef(p)] = true
	}
	if s.UnitFile != nil {
		set[fileRef(s.UnitFile.Path)] = true
	}
	for _, a := range s.DropIns {
		set[fileRef(a.Path)] = true
	}
	for _, dir := range dropInDirs(s) {
		set[dirRef(dir)] = true
		for _, name := range have.Dirs[dir].Value.Names {
			if strings.HasSuffix(name, ".conf") {
				set[fileRef(filepath.Join(dir, name))] = true
			}
		}
	}
}

// Reads lists what a process of a service may have been started with: all that
// Refs asks for its sake, its units aside, and when systemd loaded its units.
func Reads(s *desired.Service, have *state.World) []state.Ref {
	set := map[state.Ref]bool{{Kind: state.RefHost}: true}
	serviceRefs(s, have, set)
	for _, u := range s.Units {
		delete(set, unitRef(u))
	}
	return slices.Collect(maps.Keys(set))
}

package plan

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Refs lists every fact that Make will ask for, sorted. It depends on what is
// known already: a drop-in is asked for once its folder was listed.
func Refs(want *desired.Set, have *state.World, past *state.Past) []state.Ref {
	want = Turned(want, past)
	refs := make([]state.Ref, 1, 8*len(want.Services)+len(past.Owned)+1)
	refs[0] = hostRef
	for i := range want.Services {
		s := &want.Services[i]
		for _, u := range s.Units {
			refs = append(refs, unitRef(u))
		}
		refs = appendReads(refs, s, s.DropInFolders(), have)
	}
	for _, m := range past.Managed {
		for _, u := range m.Units { // units of former declarations among them
			refs = append(refs, unitRef(u))
		}
	}
	for p := range past.Owned {
		if filepath.IsAbs(p) { // the rest are masks
			refs = append(refs, fileRef(p))
		}
	}
	return sortedRefs(refs)
}

// appendReads adds what a process of a service may have been started with: all
// that Refs asks for its sake, its units aside. Some of it may be named twice.
func appendReads(refs []state.Ref, s *desired.Service, dirs []string, have *state.World) []state.Ref {
	for a := range artifacts(s) {
		refs = append(refs, fileRef(a.Path))
	}
	for _, p := range s.Spec.Watch {
		refs = append(refs, fileRef(p))
	}
	if s.Link != nil {
		refs = append(refs, fileRef(s.Link.Path), fileRef(s.Link.Folder()))
	}
	for _, dir := range dirs {
		refs = append(refs, dirRef(dir))
		for _, name := range have.Dirs[dir].Value.Names {
			if strings.HasSuffix(name, ".conf") {
				refs = append(refs, fileRef(filepath.Join(dir, name)))
			}
		}
	}
	return refs
}

// sortedRefs sorts references, and leaves each of them once.
func sortedRefs(refs []state.Ref) []state.Ref {
	slices.SortFunc(refs, compareRefs)
	return slices.Compact(refs)
}

func compareRefs(a, b state.Ref) int {
	return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Name, b.Name))
}

var hostRef = state.Ref{Kind: state.RefHost}

func unitRef(name string) state.Ref { return state.Ref{Kind: state.RefUnit, Name: name} }
func fileRef(path string) state.Ref { return state.Ref{Kind: state.RefFile, Name: path} }
func dirRef(path string) state.Ref  { return state.Ref{Kind: state.RefDir, Name: path} }

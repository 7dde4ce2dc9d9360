package adopt

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Host is what was seen of a host.
type Host struct {
	World    state.World        // what Refs named
	Texts    map[string][]byte  // by path: the contents of what Texts named; what could not be read is absent
	Exposure map[string]float64 // by unit: the score of systemd-analyze security, from 0 (safe) to 10
	Open     map[string]bool    // by path: what Programs named and anybody may replace
}

// Folders in which an administrator puts units.
const (
	unitDir    = "/etc/systemd/system"
	runtimeDir = "/run/systemd/system"
)

// Refs lists every fact of the named units that All, Named and Make ask for. It
// depends on what is known already: ask again until it names nothing new.
func Refs(names []string, have *state.World) []state.Ref {
	refs := []state.Ref{{Kind: state.RefHost}}
	for _, name := range names {
		if !declarable(name) {
			continue
		}
		refs = append(refs, state.Ref{Kind: state.RefUnit, Name: name})
		if f := have.Units[name]; f.Known() && declarable(f.Value.ID) {
			refs = appendOf(refs, f.Value.ID, have)
		}
	}
	return refs
}

// appendOf appends what concerns one unit, by its primary name.
func appendOf(refs []state.Ref, id string, have *state.World) []state.Ref {
	refs = append(refs, state.Ref{Kind: state.RefUnit, Name: id}, state.Ref{Kind: state.RefFile, Name: path.Join(unitDir, id)})
	for _, dir := range dropInDirs(id) {
		refs = append(refs, state.Ref{Kind: state.RefDir, Name: dir})
		for _, name := range have.Dirs[dir].Value.Names {
			if isDropIn(name) {
				refs = append(refs, state.Ref{Kind: state.RefFile, Name: path.Join(dir, name)})
			}
		}
	}
	return refs
}

// Texts lists, sorted, the files whose contents All, Named, Make and Lint ask for.
func Texts(have *state.World) []string {
	found := make(map[string]bool)
	for _, f := range have.Units {
		if !f.Known() {
			continue
		}
		if f.Value.Fragment != "" {
			found[f.Value.Fragment] = true
		}
		for _, p := range f.Value.DropIns {
			found[p] = true
		}
	}
	for p, f := range have.Files {
		if f.Known() && f.Value.Kind == state.Regular {
			found[p] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// declarable tells whether a Service may declare a unit of this name.
func declarable(name string) bool {
	u, err := desired.ParseUnitName(name)
	return err == nil && !u.Template()
}

func dropInDirs(id string) []string {
	return []string{path.Join(unitDir, id+".d"), path.Join(runtimeDir, id+".d")}
}

func isDropIn(name string) bool { return strings.HasSuffix(name, ".conf") && name[0] != '.' }

// dropIns are the drop-ins that lie in a folder, sorted.
func (h *Host) dropIns(dir string) []string {
	var out []string
	for _, name := range h.World.Dirs[dir].Value.Names {
		if isDropIn(name) && h.World.Files[path.Join(dir, name)].Value.Kind != state.Absent {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// unit is what is known of a unit by its primary name.
func (h *Host) unit(id string) state.Unit { return h.World.Units[id].Value }

// file is what lies at a path.
func (h *Host) file(p string) state.File { return h.World.Files[p].Value }

// own tells whether somebody put a file of the unit's name, or drop-ins for it,
// into /etc/systemd/system, or drop-ins into /run/systemd/system.
func (h *Host) own(id string) bool {
	if h.file(path.Join(unitDir, id)).Kind != state.Absent {
		return true
	}
	return slices.ContainsFunc(dropInDirs(id), func(dir string) bool { return len(h.dropIns(dir)) > 0 })
}

// loaded is the unit as it lies on disk: its file and all of its drop-ins.
func (h *Host) loaded(u state.Unit) desired.UnitFile {
	var all desired.UnitFile
	for _, p := range append([]string{u.Fragment}, u.DropIns...) {
		one, _ := desired.ParseUnitFile(h.Texts[p])
		all.Sections = append(all.Sections, one.Sections...)
		all.Directives = append(all.Directives, one.Directives...)
	}
	return all
}

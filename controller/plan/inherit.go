package plan

import (
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// heirless lists what evenkeel made for objects that nobody declares any more.
func heirless(want *desired.Set, past *state.Past) (names []string) {
	declared := make(map[string]bool, len(want.Services))
	for i := range want.Services {
		declared[want.Services[i].Name] = true
	}
	for name, o := range past.Owned {
		if !declared[strings.TrimPrefix(o.Object, "Service/")] && o.Perhaps == "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// inherit notes that what evenkeel made for a service which is gone belongs to the
// one that has its units, or declares the file, now: as when it was given another
// name.
func (d *draft) inherit() {
	for _, name := range heirless(d.want, d.past) {
		for i := range d.want.Services {
			if s := &d.want.Services[i]; heir(s, name) {
				o := d.past.Owned[name]
				o.Object = s.Object()
				d.remember(state.Note{Kind: state.NoteOwned, Object: o.Object, Name: name, Owned: &o})
				break
			}
		}
	}
}

// heir tells whether a file or a mask is a service's to keep.
func heir(s *desired.Service, name string) bool {
	unit, mask := strings.CutPrefix(name, state.MaskOf(""))
	if !mask {
		for a := range artifacts(s) {
			if a.Path == name {
				return true
			}
		}
		if s.Link != nil && s.Link.Path == name {
			return true
		}
		unit = unitOfPath(name)
	}
	return unit != "" && (unit == s.Template || slices.Contains(s.Units, unit))
}

// unitOfPath is the unit that a file in systemd's folders belongs to: its unit
// file, or a drop-in of it; empty for any other file.
func unitOfPath(path string) string {
	for _, dir := range []string{unitDir, runtimeDir} {
		if rest, ok := strings.CutPrefix(path, dir); ok {
			first, _, nested := strings.Cut(rest, "/")
			if nested {
				first = strings.TrimSuffix(first, ".d")
			}
			return first
		}
	}
	return ""
}

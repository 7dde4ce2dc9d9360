package install

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ownFolders are where an administrator puts units, and no package does.
var ownFolders = []string{UnitDir, "/usr/local/lib/systemd/system"}

// OwnUnits lists the units below root whose files an administrator put there:
// neither masks nor links to what a package has.
func OwnUnits(root string) []string {
	found := map[string]bool{}
	for _, dir := range ownFolders {
		entries, _ := os.ReadDir(filepath.Join(root, dir)) // a folder that is not there holds none
		for _, e := range entries {
			if manageable(e.Name()) && ownFile(filepath.Join(root, dir, e.Name()), e) {
				found[e.Name()] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func ownFile(file string, e os.DirEntry) bool {
	if e.Type().IsRegular() {
		return true
	}
	to, err := os.Readlink(file)
	return err == nil && filepath.Base(to) == e.Name() &&
		!strings.Contains(to, "/systemd/system/") // an alias, or a package's
}

// EnabledUnits lists the units below root that a link in UnitDir starts at boot.
// It serves where no systemd can be asked, as in a disk image.
func EnabledUnits(root string) []string {
	found := map[string]bool{}
	for _, kind := range []string{"*.wants", "*.requires"} {
		links, _ := filepath.Glob(filepath.Join(root, UnitDir, kind, "*")) // the pattern is good
		for _, l := range links {
			found[filepath.Base(l)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Merge makes Units of what systemd says and of what lies on disk.
func Merge(live []Unit, own, enabled []string) []Unit {
	all := map[string]Unit{}
	for _, u := range live {
		all[u.Name] = u
	}
	for _, name := range own {
		u := all[name]
		u.Name, u.Own = name, true
		all[name] = u
	}
	for _, name := range enabled {
		u := all[name]
		u.Name, u.Enabled = name, true
		u.Live = u.Live || len(live) == 0
		all[name] = u
	}
	for name, u := range all {
		if t := templateOf(name); t != "" && slices.Contains(own, t+filepath.Ext(name)) {
			u.Own = true
			all[name] = u
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b Unit) int { return strings.Compare(a.Name, b.Name) })
}

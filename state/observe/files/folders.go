package files

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// where says what a folder of units means for enablement.
type where int

const (
	elsewhere  where = iota
	persistent       // /etc/systemd/system: a link here means enabled
	generator        // what is made at each boot and reload
	transient        // what systemd-run and the like made
)

// searchPath lists the folders of units, the most important first, as
// `systemd-analyze unit-paths` does.
var searchPath = []struct {
	path  string
	where where
}{
	{"/etc/systemd/system.control", elsewhere},
	{"/run/systemd/system.control", elsewhere},
	{"/run/systemd/transient", transient},
	{"/run/systemd/generator.early", generator},
	{"/etc/systemd/system", persistent},
	{"/etc/systemd/system.attached", elsewhere},
	{"/run/systemd/system", elsewhere},
	{"/run/systemd/system.attached", elsewhere},
	{"/run/systemd/generator", generator},
	{"/usr/local/lib/systemd/system", elsewhere},
	{"/lib/systemd/system", elsewhere},
	{"/usr/lib/systemd/system", elsewhere},
	{"/run/systemd/generator.late", generator},
}

// unitFolder is one folder of the search path, as it was last listed.
type unitFolder struct {
	path    string // without the root
	where   where
	runtime bool // below /run

	stamp  stamp // the zero stamp: not there, or to be listed again
	absent bool
	wants  map[string]*subFolder // .wants, .requires, .upholds
	drops  map[string]*subFolder // .d folders, listed when they are asked for

	kinds  map[string]uint32   // by name: S_IFREG, S_IFLNK, S_IFDIR …
	links  map[string]string   // by name: where it points
	byDest map[string][]string // by the last component of where they point: names of links
	wanted map[string][]string // by name and by template: names of links in .wants folders
}

// subFolder is a folder below one of the search path: a .wants folder and its
// like, of which the links count, or a drop-in folder.
type subFolder struct {
	stamp stamp
	names []string
}

// maxUnits bounds the listing of one folder of units.
const maxUnits = 65536

// refresh lists the folder and its .wants folders again where they changed, and
// tells whether anything had. The folder is watched by now; its .wants folders
// are from here on.
func (f *unitFolder) refresh(root string, wire *tripwire) (bool, error) {
	s, err := stat(root + f.path)
	if gone(err) || err == unix.EACCES {
		changed := !f.absent
		*f = unitFolder{path: f.path, where: f.where, runtime: f.runtime, absent: true}
		return changed, nil
	}
	if err != nil {
		return false, &os.PathError{Op: "list", Path: f.path, Err: err}
	}
	changed := f.absent || f.stamp != s
	if changed {
		if err := f.list(root); err != nil {
			return true, err
		}
		f.absent, f.stamp = false, keepable(s)
	}
	for name, w := range f.wants {
		dir := path.Join(root+f.path, name)
		wire.watch(dir)
		again, err := w.refresh(dir, isLink)
		if err != nil {
			return true, err
		}
		changed = changed || again
	}
	if changed || f.wanted == nil {
		f.index()
	}
	return changed, nil
}

// index finds the links of all .wants folders by what they can mean.
func (f *unitFolder) index() {
	f.wanted = make(map[string][]string)
	for _, w := range f.wants {
		for _, name := range w.names {
			f.wanted[name] = append(f.wanted[name], name)
			if t := templateOf(name); t != "" && t != name {
				f.wanted[t] = append(f.wanted[t], name)
			}
		}
	}
}

// keepable is the stamp to remember of a folder that is being listed: none if
// it changed so recently that a further change could look the same.
func keepable(s stamp) stamp {
	if !s.settled(time.Now()) {
		return stamp{}
	}
	return s
}

func (f *unitFolder) list(root string) error {
	entries, err := readFolder(root + f.path)
	if err != nil {
		return err
	}
	old := f.wants
	f.drops = nil
	f.wants = make(map[string]*subFolder)
	f.kinds, f.links, f.byDest = make(map[string]uint32, len(entries)), make(map[string]string), make(map[string][]string)
	for _, e := range entries {
		name := e.Name()
		f.kinds[name] = kindOf(e.Type())
		switch {
		case e.Type()&os.ModeSymlink != 0:
			dest, err := os.Readlink(root + f.path + "/" + name)
			if err != nil {
				delete(f.kinds, name) // gone since
				continue
			}
			f.links[name] = dest
			base := path.Base(dest)
			f.byDest[base] = append(f.byDest[base], name)
		case e.IsDir() && isWants(name):
			f.wants[name] = old[name]
			if f.wants[name] == nil {
				f.wants[name] = &subFolder{}
			}
		}
	}
	return nil
}

func isWants(name string) bool {
	return strings.HasSuffix(name, ".wants") || strings.HasSuffix(name, ".requires") || strings.HasSuffix(name, ".upholds")
}

// refresh lists the folder again if it changed. keep says which entries count.
func (w *subFolder) refresh(dir string, keep func(os.DirEntry) bool) (bool, error) {
	s, err := stat(dir)
	if gone(err) || err == unix.EACCES {
		changed := len(w.names) > 0
		*w = subFolder{}
		return changed, nil
	}
	if err != nil {
		return false, &os.PathError{Op: "list", Path: dir, Err: err}
	}
	if s == w.stamp {
		return false, nil
	}
	entries, err := readFolder(dir)
	if err != nil {
		return true, err
	}
	*w = subFolder{stamp: keepable(s)}
	for _, e := range entries {
		if keep(e) {
			w.names = append(w.names, e.Name())
		}
	}
	return true, nil
}

func isLink(e os.DirEntry) bool { return e.Type()&os.ModeSymlink != 0 }

func isDropIn(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".conf") && e.Name()[0] != '.' }

// dropIns are the names of the drop-ins for a unit's name in this folder.
func (f *unitFolder) dropIns(root, name string) []string {
	if kind := f.kinds[name+".d"]; kind != unix.S_IFDIR && kind != unix.S_IFLNK {
		return nil
	}
	d := f.drops[name]
	if d == nil {
		d = &subFolder{}
		if f.drops == nil {
			f.drops = make(map[string]*subFolder)
		}
		f.drops[name] = d
	}
	if _, err := d.refresh(root+f.path+"/"+name+".d", isDropIn); err != nil {
		return nil // one that cannot be read has none, as for systemd
	}
	return d.names
}

// readFolder lists a folder in no particular order. One that is gone is empty.
func readFolder(dir string) ([]os.DirEntry, error) {
	f, err := os.Open(dir)
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(maxUnits)
	if err == io.EOF {
		err = nil
	}
	return entries, err
}

func kindOf(m os.FileMode) uint32 {
	switch {
	case m.IsRegular():
		return unix.S_IFREG
	case m&os.ModeSymlink != 0:
		return unix.S_IFLNK
	case m.IsDir():
		return unix.S_IFDIR
	}
	return unix.S_IFCHR // a device, a FIFO, a socket: nothing that holds a unit
}

// unitFolders returns the search path below a root, a folder that is there
// under two names (/lib/systemd where /lib is a link) once.
func unitFolders(root string) []*unitFolder {
	var out []*unitFolder
	seen := make(map[string]bool)
	for _, d := range searchPath {
		real, err := filepath.EvalSymlinks(root + path.Dir(d.path))
		if err != nil {
			real = root + path.Dir(d.path)
		}
		real = path.Join(real, path.Base(d.path))
		if seen[real] {
			continue
		}
		seen[real] = true
		out = append(out, &unitFolder{path: d.path, where: d.where, runtime: strings.HasPrefix(d.path, "/run/"), absent: true})
	}
	return out
}

package files

import (
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// unit is where a name led.
type unit struct {
	name   string      // the name at the end of the links
	path   string      // where its file lies, without the root
	folder *unitFolder // of path; nil: outside of the search path
	masked bool
	in     install
}

// known tells whether a link of this name is one that [Install] asks for.
func (u *unit) known(name string) bool {
	return name == u.name || slices.Contains(u.in.aliases, name) ||
		u.in.instance != "" && isTemplate(u.name) && name == withInstance(u.name, u.in.instance)
}

func (u *unit) runtime() bool { return strings.HasPrefix(u.path, "/run/") }

var (
	errNoUnit = errors.New("no such unit")
	errLoop   = errors.New("too many links")
	errBad    = errors.New("not a unit")
)

// maxFollow is how many links from name to name are followed.
const maxFollow = 64

// discover finds the file of a unit as systemd would, through aliases, linked
// files and templates.
func (l *Links) discover(name string) (*unit, error) {
	if !validUnit(name) {
		return nil, errBad
	}
	u := &unit{name: name}
	dest, err := l.search(u)
	for range maxFollow {
		if err != nil || dest == "" {
			return u, err
		}
		dest, err = l.follow(u, dest)
	}
	return nil, errLoop
}

// follow takes one link: to a file outside of the search path, to the same name
// in another folder, or to another name.
func (l *Links) follow(u *unit, dest string) (string, error) {
	name := path.Base(dest)
	folder := l.folderOf(dest)
	if folder == nil || name == u.name {
		return l.load(u, dest)
	}
	if isInstance(u.name) && isTemplate(name) {
		_, instance, _, _ := splitUnit(u.name)
		filled := withInstance(name, instance)
		if filled == u.name {
			return l.load(u, dest) // x@1 → x@: the link as it is
		}
		name = filled
	}
	if !validUnit(name) {
		return "", errBad
	}
	*u = unit{name: name}
	next, err := l.search(u)
	if err == errNoUnit {
		return "", errBad // an alias of nothing
	}
	return next, err
}

// search looks for a name, then for its template, in each folder. It returns
// where a link leads that is to be followed; empty: the unit is found.
func (l *Links) search(u *unit) (string, error) {
	names := []string{u.name}
	if isInstance(u.name) {
		names = append(names, templateOf(u.name))
	}
	for _, name := range names {
		for _, f := range l.folders {
			if _, ok := f.kinds[name]; !ok {
				continue
			}
			dest, err := l.load(u, f.path+"/"+name)
			if gone(err) || errors.Is(err, unix.EACCES) || err == errNoUnit {
				continue
			}
			return dest, err
		}
	}
	return "", errNoUnit
}

// load takes what lies at a path as the unit's file: a mask, a file, or a link.
func (l *Links) load(u *unit, file string) (string, error) {
	s, err := lstat(l.root + file)
	if gone(err) {
		return "", errNoUnit
	}
	if err != nil {
		return "", err
	}
	u.path, u.folder = file, l.folderOf(file)
	switch s.kind() {
	case unix.S_IFLNK:
		return l.link(u, file)
	case unix.S_IFREG:
		if s.size == 0 {
			u.masked = true
			return "", nil
		}
		p := l.parse(file, s)
		if p.err != nil {
			return "", p.err
		}
		u.in = p.in
		return "", l.dropIns(u)
	case unix.S_IFCHR, unix.S_IFBLK:
		u.masked = true
		return "", nil
	}
	return "", errBad
}

// link reads a link. One that ends at nothing, an empty file or a device is a mask.
func (l *Links) link(u *unit, file string) (string, error) {
	dest, err := os.Readlink(l.root + file)
	if err != nil {
		return "", err
	}
	if !path.IsAbs(dest) {
		dest = path.Join(path.Dir(file), dest)
	}
	if l.folderOf(dest) != nil && !mayAlias(path.Base(file), path.Base(dest)) {
		return "", errBad
	}
	// /dev/null is what it is, whatever lies there below another root.
	s, err := stat(l.root + dest)
	if dest == "/dev/null" || err == nil && (s.kind() == unix.S_IFREG && s.size == 0 || s.kind() == unix.S_IFCHR || s.kind() == unix.S_IFBLK) {
		u.masked = true
		return "", nil
	}
	if err != nil && !gone(err) {
		return "", err
	}
	return dest, nil
}

// mayAlias tells whether a link under one name may lead to another: the type
// must be the same, and an instance or template may lead only to its like.
func mayAlias(name, dest string) bool {
	_, from, suffix, at := splitUnit(name)
	_, to, destSuffix, destAt := splitUnit(dest)
	if !validUnit(dest) || suffix != destSuffix || at != destAt {
		return false
	}
	if !at {
		return true
	}
	return to == "" || from == to
}

// parse reads a unit file or drop-in, or remembers what it read.
func (l *Links) parse(file string, s stamp) parsed {
	if p, ok := l.parsed[file]; ok && p.stamp == s {
		return p
	}
	p := parsed{stamp: keepable(s)}
	p.in, p.err = readInstall(l.root + file)
	l.parsed[file] = p
	return p
}

// dropIns adds what the unit's drop-ins say. Of two with one name the more
// important folder's stands; an empty one or a link to /dev/null hides those
// below it.
func (l *Links) dropIns(u *unit) error {
	found := make(map[string]string)
	names := []string{u.name}
	if isInstance(u.name) {
		names = append(names, templateOf(u.name))
	}
	for _, name := range names {
		for _, f := range l.folders {
			for _, d := range f.dropIns(l.root, name) {
				if _, ok := found[d]; !ok {
					found[d] = f.path + "/" + name + ".d/" + d
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		s, err := stat(l.root + found[name])
		if err != nil || s.kind() != unix.S_IFREG || s.size == 0 {
			continue
		}
		p := l.parse(found[name], s)
		if p.err != nil {
			return p.err
		}
		u.in = u.in.merge(p.in)
	}
	return nil
}

// folderOf is the folder of the search path in which a file lies, nil if it
// lies outside of all.
func (l *Links) folderOf(file string) *unitFolder {
	dir := path.Dir(file)
	for _, f := range l.folders {
		if f.path == dir {
			return f
		}
	}
	dir = l.place(dir)
	for _, f := range l.folders {
		if l.place(f.path) == dir {
			return f
		}
	}
	return nil
}

// place is where a folder really lies.
func (l *Links) place(dir string) string {
	if p, ok := l.places[dir]; ok {
		return p
	}
	p, err := filepath.EvalSymlinks(l.root + dir)
	if err != nil {
		p = l.root + dir
	}
	if l.places == nil {
		l.places = make(map[string]string)
	}
	l.places[dir] = p
	return p
}

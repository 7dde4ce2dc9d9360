package files

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Links tells how units are enabled, in the words of `systemctl is-enabled`,
// from nothing but the folders in which unit files and their links lie. A
// script in /etc/init.d without a unit of its own is "generated", as it is for
// systemd itself; systemctl asks the distribution about those. A name that
// systemd could not load (a broken file, a loop of links) is "bad".
//
// It keeps what it read until the folder or file changes, so that asking again
// costs a look at each; under Watch only at the unit's own files. It is safe for
// concurrent use.
type Links struct {
	root string

	mu      sync.Mutex // guards what follows
	folders []*unitFolder
	parsed  map[string]parsed
	places  map[string]string
	wire    *tripwire // nil: nothing is watched
}

// parsed is what was read of one unit file or drop-in.
type parsed struct {
	stamp stamp
	in    install
	err   error
}

// NewLinks returns the Links of the host whose file system begins at root;
// empty means this one.
func NewLinks(root string) *Links {
	root = strings.TrimSuffix(root, "/")
	return &Links{root: root, folders: unitFolders(root), parsed: make(map[string]parsed)}
}

// Watch has the kernel tell of changes, so that folders of units need not be
// looked at as long as there are none: no answer is older for it. It lasts until
// stop is called; until then it must not be called again. The error says why the
// folders are looked at each time, as without Watch.
func (l *Links) Watch() (stop func(), err error) {
	wire, err := newTripwire()
	if err != nil {
		return func() {}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wire = wire
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.wire = nil
		wire.close()
	}, nil
}

// Boot says of each name how it is enabled: enabled, enabled-runtime, disabled,
// static, masked, masked-runtime, linked, linked-runtime, alias, indirect,
// generated, transient, bad or not-found. The error says that a folder of units
// could not be read; then nothing is known of any.
func (l *Links) Boot(names []string) (map[string]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(); err != nil {
		return nil, fmt.Errorf("read the links of units: %w", err)
	}
	words := make(map[string]string, len(names))
	for _, n := range names {
		if _, ok := words[n]; !ok {
			words[n] = l.word(n)
		}
	}
	return words, nil
}

// Names lists, sorted, every unit that lies in the search path under a name of
// its own, and every one that something wants: templates, aliases and masks among
// them.
func (l *Links) Names() ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(); err != nil {
		return nil, fmt.Errorf("list the units on disk: %w", err)
	}
	found := make(map[string]bool)
	for _, f := range l.folders {
		for name, kind := range f.kinds {
			if kind != unix.S_IFDIR && validUnit(name) {
				found[name] = true
			}
		}
		for name := range f.wanted {
			if validUnit(name) {
				found[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// Folders lists, sorted, the folders in which a change can change an answer of Boot: the
// search path, whether they exist or not, and the .wants, .requires and
// .upholds folders below. A folder that appears changes its parent first.
func (l *Links) Folders() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(); err != nil && len(l.folders) == 0 {
		return nil
	}
	var out []string
	for _, f := range l.folders {
		out = append(out, l.root+f.path)
		for name := range f.wants {
			out = append(out, path.Join(l.root+f.path, name))
		}
	}
	slices.Sort(out)
	return out
}

// refresh lists again whatever has changed.
func (l *Links) refresh() error {
	if l.wire.silent() {
		return nil
	}
	l.wire.begin()
	for _, f := range l.folders {
		l.wire.cover(l.root + f.path)
		changed, err := f.refresh(l.root, l.wire)
		if err != nil {
			f.stamp = stamp{} // list it again the next time
			return err
		}
		if changed {
			l.places = nil
		}
	}
	l.wire.end()
	if len(l.parsed) > maxUnits {
		clear(l.parsed)
	}
	return nil
}

// word is the answer for one name.
func (l *Links) word(name string) string {
	u, err := l.discover(name)
	switch {
	case err == errNoUnit:
		return "not-found"
	case err != nil:
		return "bad"
	case u.masked && u.runtime():
		return "masked-runtime"
	case u.masked:
		return "masked"
	case name != path.Base(u.path) && !isInstance(u.name):
		return "alias"
	case u.folder != nil && u.folder.where == generator:
		return "generated"
	case u.folder != nil && u.folder.where == transient:
		return "transient"
	}
	if word := l.enabled(u, true); word != "" {
		return word
	}
	if l.enabled(u, false) != "" || !u.in.rules() && len(u.in.also) > 0 {
		return "indirect"
	}
	if u.in.rules() {
		return "disabled"
	}
	return "static"
}

// enabled looks for links to a unit in every folder. With own, only links under
// names that its [Install] section gives it count; without, any.
func (l *Links) enabled(u *unit, own bool) string {
	var here, runtime, somewhere, linked, linkedRuntime bool
	below := false // the folder comes after the one in which the unit lies
	for _, f := range l.folders {
		found, same := f.find(u, own, below)
		switch {
		case found && f.where == persistent:
			here = true
		case found && f.runtime:
			runtime = true
		case found:
			somewhere = true
		case same && f.where == persistent:
			linked = true
		case same && f.runtime:
			linkedRuntime = true
		}
		below = below || f == u.folder
	}
	switch {
	case here:
		return "enabled"
	case runtime:
		return "enabled-runtime"
	case somewhere && isInstance(u.name):
		return "static" // a vendor's link starts it, always
	case linked:
		return "linked"
	case linkedRuntime:
		return "linked-runtime"
	}
	return ""
}

// find looks for links to a unit in one folder and its .wants folders. same
// tells of a link in the folder itself that bears the unit's own name, which
// links a file from elsewhere and enables nothing.
func (f *unitFolder) find(u *unit, own, below bool) (found, same bool) {
	for _, name := range f.wanted[u.name] {
		if !own || u.known(name) {
			return true, false
		}
	}
	for _, name := range f.byDest[u.name] {
		if name == u.name && !below {
			same = true
		} else if !own || u.known(name) {
			found = true
		}
	}
	if dest, ok := f.links[u.name]; ok && !below && path.Base(dest) != u.name {
		found = true // an instance that is a link to another name
	}
	return found, same
}

package sim

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// node is what lies at a path.
type node struct {
	kind         state.FileKind
	content      []byte
	link         string
	mode         uint32
	owner, group string
	mtime, ctime time.Time
	children     map[string]*node // of a folder
}

// fs is a file system in memory. Paths are absolute and clean.
type fs struct {
	root *node
	now  func() time.Time
}

var (
	errLink     = errors.New("is a link")
	errNoFolder = errors.New("is no folder")
)

func newFS(now func() time.Time) *fs {
	f := &fs{now: now}
	f.root = f.folder()
	return f
}

func (f *fs) folder() *node {
	return &node{kind: state.Folder, mode: 0o755, owner: "root", group: "root", mtime: f.now(), ctime: f.now(), children: map[string]*node{}}
}

// at finds what lies at a path; nil: nothing. Links on the way are followed, one
// at its end is not.
func (f *fs) at(p string) *node { return f.walk(p, 8) }

func (f *fs) walk(p string, links int) *node {
	n, at := f.root, "/"
	names := parts(p)
	for i, name := range names {
		if n.kind != state.Folder {
			return nil
		}
		if n = n.children[name]; n == nil {
			return nil
		}
		if n.kind == state.Symlink && i < len(names)-1 {
			if links == 0 {
				return nil
			}
			return f.walk(path.Join(join(at, n.link), path.Join(names[i+1:]...)), links-1)
		}
		at = path.Join(at, name)
	}
	return n
}

// file finds the node of a regular file, links to absolute paths followed.
func (f *fs) file(p string) *node {
	for range 8 {
		n := f.at(p)
		if n == nil || n.kind != state.Symlink {
			return n
		}
		p = join(path.Dir(p), n.link)
	}
	return nil
}

func join(dir, link string) string {
	if path.IsAbs(link) {
		return path.Clean(link)
	}
	return path.Join(dir, link)
}

func parts(p string) []string {
	if p == "/" {
		return nil
	}
	return strings.Split(strings.TrimPrefix(path.Clean(p), "/"), "/")
}

// mkdir makes a folder and those above it.
func (f *fs) mkdir(p string) (*node, error) {
	n := f.root
	for _, name := range parts(p) {
		next := n.children[name]
		switch {
		case next == nil:
			next = f.folder()
			n.children[name] = next
			n.ctime, n.mtime = f.now(), f.now()
		case next.kind == state.Symlink:
			return nil, errLink
		case next.kind != state.Folder:
			return nil, errNoFolder
		}
		n = next
	}
	return n, nil
}

// put gives a node its name, over whatever had it.
func (f *fs) put(p string, n *node) error {
	dir, err := f.mkdir(path.Dir(p))
	if err != nil {
		return err
	}
	n.ctime = f.now()
	if n.mtime.IsZero() {
		n.mtime = f.now()
	}
	dir.children[path.Base(p)] = n
	dir.ctime, dir.mtime = f.now(), f.now()
	return nil
}

// remove takes a name away, and whatever lies below it. It tells whether
// something was there.
func (f *fs) remove(p string) bool {
	dir := f.at(path.Dir(p))
	if dir == nil || dir.children[path.Base(p)] == nil {
		return false
	}
	delete(dir.children, path.Base(p))
	dir.ctime, dir.mtime = f.now(), f.now()
	return true
}

// names lists a folder, sorted.
func (f *fs) names(p string) []string {
	if n := f.at(p); n != nil {
		return slices.Sorted(maps.Keys(n.children))
	}
	return nil
}

func regular(content []byte, mode uint32, owner, group string) *node {
	return &node{kind: state.Regular, content: content, mode: mode, owner: owner, group: group}
}

func symlink(to string) *node {
	return &node{kind: state.Symlink, link: to, mode: 0o777, owner: "root", group: "root"}
}

// fact is what a reading of the node says.
func (n *node) fact() state.File {
	if n == nil {
		return state.File{}
	}
	out := state.File{Kind: n.kind, Link: n.link, Mode: n.mode, Owner: n.owner, Group: n.group, Changed: n.ctime}
	switch n.kind {
	case state.Regular:
		out.Digest, out.Size = state.Digest(n.content), int64(len(n.content))
	case state.Symlink:
		out.Size = int64(len(n.link))
	case state.Folder:
		out.Digest = state.Digest([]byte(strings.Join(slices.Sorted(maps.Keys(n.children)), "\n")))
	}
	return out
}

package desired

import (
	"path"
	"strings"
)

// Link is a release as a host runs it: the symlink that says which one is
// current, beside the folder in which all of them lie.
type Link struct {
	Path   string `json:"path"`   // of the symlink
	Target string `json:"target"` // what it should say: relative to the folder in which it lies
}

// current is the name of the link.
const current = "current"

// LinkOf is the link of a release whose folder and version are known.
func LinkOf(r Release) Link {
	return Link{Path: path.Join(path.Dir(r.Dir), current), Target: path.Join(path.Base(r.Dir), r.Version)}
}

// Folder is where the declared release lies.
func (l Link) Folder() string { return path.Join(path.Dir(l.Path), l.Target) }

// Version is the release that a target of the link means, in the declaration's
// own word where it lies where releases do.
func (l Link) Version(target string) string {
	folder := target
	if !path.IsAbs(folder) {
		folder = path.Join(path.Dir(l.Path), folder)
	}
	if path.Dir(folder) == path.Dir(l.Folder()) {
		return path.Base(folder)
	}
	return target
}

// release checks what does not depend on the variables in it.
func (c *checker) release(r *Release) {
	if r == nil {
		return
	}
	c.absolute("spec.release.dir", r.Dir)
	if path.Base(r.Dir) == current {
		c.bad("spec.release.dir", "%s is the link to the release that is current; name the folder that holds the releases", shorten(r.Dir))
	}
	if !isFileName(r.Version) && !strings.Contains(r.Version, "$(") {
		c.bad("spec.release.version", "%q cannot be the name of a folder", shorten(r.Version))
	}
}

// release makes the link of a declared release.
func (b *builder) release(s *Service) {
	r := b.d.Spec.Release
	if r == nil {
		return
	}
	one := Release{Dir: b.one(r.Dir, b.unit.Instance), Version: b.one(r.Version, b.unit.Instance)}
	if !path.IsAbs(one.Dir) || path.Clean(one.Dir) != one.Dir || path.Base(one.Dir) == current || !isFileName(one.Version) {
		return // found by Check
	}
	l := LinkOf(one)
	s.Link = &l
}

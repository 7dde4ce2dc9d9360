package report

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// MaxContent is how much of a file is compared line by line, in bytes. Of a
// larger one only the digests are shown.
const MaxContent = 256 << 10

// change is one file before and after. The zero change is none.
type change struct {
	path     string
	was, is  string // digests; empty: not there
	unified  string // the diff, where it may be shown
	why      string // why it may not
	readable bool   // what is to be written is readable by everybody
}

// String is the unified diff, or else that the file changes and nothing more.
func (c change) String() string {
	switch {
	case c.unified != "":
		return c.unified
	case c.was == c.is:
		return ""
	}
	if c.secret() {
		// What is secret is often short, and then its SHA-256 tells it.
		switch {
		case c.was == "":
			return "changed (was absent), " + c.why
		case c.is == "":
			return "changed (will be absent), " + c.why
		}
		return "changed, " + c.why
	}
	s := "changed (" + digests(c.was, c.is) + ")"
	if c.why != "" {
		s += ", " + c.why
	}
	return s
}

// Why a diff is not shown of what is, or may have been, a secret.
const (
	whySensitive = "sensitive"
	whyNotShown  = "not shown"
)

func (c change) secret() bool { return c.why == whySensitive || c.why == whyNotShown }

func digests(was, is string) string {
	switch {
	case was == "":
		return "absent → sha256 " + brief(is)
	case is == "":
		return "sha256 " + brief(was) + " → absent"
	}
	return "sha256 " + brief(was) + " → " + brief(is)
}

func brief(digest string) string { return digest[:min(8, len(digest))] }

func (c change) conceal(may func(string) bool) change {
	allowed := c.readable
	if c.was != "" {
		allowed = may(c.path)
	}
	if c.unified != "" && !allowed {
		c.unified, c.why = "", "not readable by you"
	}
	return c
}

// files knows what should lie where and what does.
type files struct {
	declared declared
	have     state.World
	content  func(path string) ([]byte, error)
}

// step is the change that an action makes to a file, if it makes one.
func (f files) step(a actuators.Action) change {
	if a.Actuator != "file" {
		return change{}
	}
	switch a.Verb {
	case "write":
		return f.write(a.Target, a.Args["digest"])
	case "remove":
		return f.remove(a.Target, a.Args["was"])
	}
	return change{}
}

// held finds the files among fields that differ, and their changes: what would
// be done if it were not held.
func (f files) held(fields []state.Field) []string {
	var out []string
	for _, d := range fields {
		var c change
		file, what, _ := strings.Cut(d.Path, ":")
		switch {
		case !path.IsAbs(file):
		case what == "content" || what == "kind":
			c = f.write(file, "")
		case what == "" && d.Desired == "absent":
			c = f.remove(file, "")
		}
		if s := c.String(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (f files) write(p, digest string) change {
	c := change{path: p, was: f.have.Files[p].Value.Digest, is: digest}
	a := f.declared[p].artifact
	switch {
	case a == nil && digest == "", a != nil && (a.Host || a.Locked != ""):
		return change{} // nothing that would be written is known, or content stays
	case a != nil:
		c.is, c.readable = a.Digest, a.Mode&0o004 != 0
	}
	switch {
	case f.declared[p].sensitive:
		c.why = whySensitive
		return c
	case a == nil || c.was == c.is:
		return c
	}
	old, why := f.read(p)
	if why == "" {
		why = unfit(a.Content)
	}
	if why != "" {
		c.why = why
		return c
	}
	from := "a" + p
	if old == nil {
		from = "/dev/null"
	}
	c.unified = unified(from, "b"+p, old, a.Content)
	return c
}

// remove is the change of a removal. What lies outside systemd's folders may
// have been declared sensitive once, and is never shown.
func (f files) remove(p, digest string) change {
	c := change{path: p, was: f.have.Files[p].Value.Digest}
	if c.was == "" {
		c.was = digest
	}
	if !strings.HasPrefix(p, "/etc/systemd/system/") && !strings.HasPrefix(p, "/run/systemd/system/") || f.declared[p].sensitive {
		c.why = whyNotShown
		return c
	}
	old, why := f.read(p)
	if why != "" {
		c.why = why
		return c
	}
	c.unified = unified("a"+p, "/dev/null", old, nil)
	return c
}

// unified is the diff that patch -p1 understands. Empty context lines stand
// without their space (GNU's --suppress-blank-empty): trailing blanks are lost
// in mail and keep YAML from printing a text as a block. A value that logs in is
// not in it.
func unified(from, to string, was, is []byte) string {
	var b strings.Builder
	for line := range strings.Lines(udiff.Unified(from, to, string(was), string(is))) {
		if line == " \n" {
			line = "\n"
		}
		b.WriteString(line)
	}
	return hide(b.String())
}

// read returns what lies at a path, nil where nothing does, or why it cannot be
// shown.
func (f files) read(p string) ([]byte, string) {
	have := f.have.Files[p].Value
	switch {
	case have.Kind == state.Absent:
		return nil, ""
	case have.Kind != state.Regular:
		return nil, "a " + string(have.Kind) + " lies there"
	case have.Size > MaxContent:
		return nil, tooLarge
	case f.content == nil:
		return nil, "not read"
	}
	b, err := f.content(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ""
	case errors.Is(err, fs.ErrPermission):
		return nil, "not readable"
	case err != nil:
		return nil, "not readable: " + err.Error()
	}
	if b == nil {
		b = []byte{}
	}
	return b, unfit(b)
}

const tooLarge = "larger than 256 KiB"

// unfit says why content cannot be compared line by line.
func unfit(b []byte) string {
	switch {
	case len(b) > MaxContent:
		return tooLarge
	case bytes.IndexByte(b, 0) >= 0 || !utf8.Valid(b):
		return "binary"
	}
	return ""
}

// declared is every path that a Set says something about.
type declared map[string]claim

// claim is what is said: what should lie there, and whether it may be shown.
type claim struct {
	artifact  *desired.Artifact // nil: named in a spec only
	sensitive bool
}

func newDeclared(want *desired.Set) declared {
	d := make(declared)
	add := func(path string, a *desired.Artifact, sensitive bool) {
		c := d[path]
		if c.artifact == nil {
			c.artifact = a
		}
		c.sensitive = c.sensitive || sensitive
		d[path] = c
	}
	for i := range want.Services {
		s := &want.Services[i]
		if s.UnitFile != nil {
			add(s.UnitFile.Path, s.UnitFile, s.UnitFile.Sensitive)
		}
		for _, list := range [][]desired.Artifact{s.DropIns, s.Files} {
			for j := range list {
				add(list[j].Path, &list[j], list[j].Sensitive)
			}
		}
		for _, f := range s.Spec.Files {
			add(f.Path, nil, secret(f))
		}
	}
	return d
}

// secret tells a file whose content must not be shown: declared so, or
// decrypted on the host.
func secret(f desired.File) bool { return f.Sensitive || strings.HasSuffix(f.Source, ".age") }

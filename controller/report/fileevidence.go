package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// fileEvidence names the files that are not as declared, and drop-ins that
// nobody declared.
func (v View) fileEvidence(f *facts, s *desired.Service) {
	for _, d := range v.fileDetails(s, newDeclared(v.Want)) {
		if d.State == "asDeclared" {
			continue
		}
		f.source = "file:" + d.Path
		have := v.Have.Files[d.Path]
		switch d.State {
		case "unknown":
			f.add("unknown", orElse(have.Err, d.unknown(have)), have.At.Wall)
		case "absent":
			f.add("absent", "nothing lies there", have.At.Wall)
		default:
			f.add("differs", d.differs(have.Value), orRead(have.Value.Changed, have.At))
		}
	}
	for _, path := range v.foreign(s) {
		f.source = "file:" + path
		have := v.Have.Files[path]
		f.add("foreign drop-in", strings.TrimSuffix("nobody declared it, sha256 "+brief(have.Value.Digest), ", sha256 "), orRead(have.Value.Changed, have.At))
	}
}

// unknown says why it is not known whether a file is as declared.
func (d FileDetail) unknown(have state.Fact[state.File]) string {
	if have.Known() {
		return "encrypted, and this host cannot decrypt it"
	}
	return "not looked at yet"
}

// differs says in what a file is not as declared. Of content only digests are
// told, and none of what is sensitive.
func (d FileDetail) differs(have state.File) string {
	if d.As == asRelease && d.Observed != "" {
		return "it is " + d.Observed + ", declared " + d.Desired
	}
	if have.Kind != state.Regular {
		return "it is a " + strings.TrimSpace(string(have.Kind)+" "+have.Link)
	}
	var parts []string
	switch {
	case d.Hidden:
		parts = append(parts, "content (sensitive)")
	case d.Desired == "" || d.Desired == d.Observed:
	default:
		parts = append(parts, fmt.Sprintf("content sha256 %s, declared %s", brief(d.Observed), brief(d.Desired)))
	}
	if m := octal(have.Mode); m != d.Mode {
		parts = append(parts, "mode "+m+", declared "+d.Mode)
	}
	if have.Owner+":"+have.Group != d.Owner+":"+d.Group {
		parts = append(parts, fmt.Sprintf("owner %s:%s, declared %s:%s", have.Owner, have.Group, d.Owner, d.Group))
	}
	return strings.Join(parts, "; ")
}

// foreign lists the drop-ins of a service's units in the folders that were
// looked at, less those that are declared or accepted.
func (v View) foreign(s *desired.Service) []string {
	var out []string
	for _, unit := range append(slices.Clone(s.Units), s.Template) {
		for _, root := range []string{"/etc/systemd/system/", "/run/systemd/system/"} {
			dir := root + unit + ".d"
			for _, name := range v.Have.Dirs[dir].Value.Names {
				if path := filepath.Join(dir, name); unit != "" && strings.HasSuffix(name, ".conf") && !v.welcome(s, path) {
					out = append(out, path)
				}
			}
		}
	}
	return out
}

// welcome tells whether a drop-in is declared, or accepted by name or by hand.
func (v View) welcome(s *desired.Service, path string) bool {
	name := filepath.Base(path)
	if slices.Contains(s.Spec.AcceptDropIns, name) || slices.Contains(s.Spec.AcceptDropIns, strings.TrimSuffix(name, ".conf")) {
		return true
	}
	if v.Past != nil && v.Past.Accepted[path] != "" && v.Past.Accepted[path] == v.Have.Files[path].Value.Digest {
		return true
	}
	return slices.ContainsFunc(s.DropIns, func(a desired.Artifact) bool { return a.Path == path })
}

// releaseEvidence says which release each process was started with, where that is
// known.
func (v View) releaseEvidence(f *facts, s *desired.Service) {
	if s.Link == nil {
		return
	}
	for _, u := range s.Units {
		switch r := v.Past.Ran[u].Release; {
		case r == "" || strings.HasPrefix(r, state.UnknownRelease):
		case r == state.NoRelease:
			f.add("release", u+" was started when there was none", time.Time{})
		default:
			f.add("release", u+" was started with "+s.Link.Version(r), time.Time{})
		}
	}
}

package read

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/sealed"
)

// texts reads the sources that a service names. Each knows the path
// of the field that names it.
func (l *loader) texts(tree *node, spec *desired.ServiceSpec) ([]desired.Text, map[string]string, Problems) {
	s := sources{loader: l, tree: tree}
	if spec.UnitFile != nil {
		s.one("spec.unitFile", spec.UnitFile.Source)
	}
	for i, d := range spec.DropIns {
		s.one(item("spec.dropIns", i), d.Source)
	}
	for i, f := range spec.Files {
		s.one(item("spec.files", i), f.Source)
	}
	return s.texts, s.digests, s.problems
}

type sources struct {
	loader   *loader
	tree     *node
	texts    []desired.Text
	digests  map[string]string
	problems Problems
}

// one reads one source: relative to the YAML file in which it is named, within
// that file's tree.
func (s *sources) one(field, source string) {
	if source == "" {
		s.inPlace(field)
		return
	}
	n := find(s.tree, field).get("source")
	name, err := within(n.doc.file.name, source)
	encrypted := desired.Encrypted(source)
	if encrypted && !strings.HasPrefix(field, "spec.files") {
		s.texts = append(s.texts, desired.Text{Field: field, Encrypted: true}) // refused whatever it is
		return
	}
	var b []byte
	if err == nil {
		b, err = n.doc.file.tree.read(name, &s.loader.total)
	}
	if err != nil {
		s.problems = append(s.problems, at(n, field+".source: "+quoted(source)+": "+s.why(n, err)))
		return
	}
	from := desired.Pos{File: n.doc.file.tree.show(name), Line: 1}
	if encrypted {
		from = desired.Pos{File: from.File} // its lines are not those of what is decrypted
		if err := sealed.Check(b); err != nil {
			s.problems = append(s.problems, Problem{Pos: desired.Pos{File: from.File, Line: 1, Col: 1}, Message: err.Error()})
			return
		}
	}
	s.texts = append(s.texts, desired.Text{Field: field, Bytes: b, Encrypted: encrypted, From: from})
	if s.digests == nil {
		s.digests = map[string]string{}
	}
	s.digests[n.doc.file.tree.shown+"\x00"+name] = desired.Digest(b)
}

// inPlace remembers where a text in place begins.
func (s *sources) inPlace(field string) {
	c := find(s.tree, field).given("content")
	if c == nil || c.doc == nil {
		return
	}
	from := c.pos()
	if c.block {
		from.Line, from.Col = from.Line+1, 0
	}
	s.texts = append(s.texts, desired.Text{Field: field, From: from})
}

var errOutside = errors.New("lies outside of the folder that is read; put the file inside")

// within resolves a source against the YAML file that names it.
func within(file, source string) (string, error) {
	if path.IsAbs(source) {
		return "", errors.New("write a path relative to this file, inside of the folder that is read")
	}
	name := path.Join(path.Dir(file), source)
	if !fs.ValidPath(name) {
		return "", errOutside
	}
	return name, nil
}

func (s *sources) why(n *node, err error) string {
	msg := because(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file beside " + n.doc.file.shown
	case strings.Contains(msg, "escapes"):
		return errOutside.Error()
	}
	return msg
}

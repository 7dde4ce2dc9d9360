package read

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// find goes down a path like spec.files[2].path, as far as it leads.
func find(spec *node, path string) *node {
	n := spec
	for _, name := range strings.Split(strings.ReplaceAll(path, "[", ".["), ".")[1:] {
		next := n.child(name)
		if next == nil || next.doc == nil {
			break
		}
		n = next
	}
	return n
}

func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	if number, ok := strings.CutPrefix(name, "["); ok {
		i, err := strconv.Atoi(strings.TrimSuffix(number, "]"))
		if err != nil || i >= len(n.items) {
			return nil
		}
		return n.items[i]
	}
	return n.get(name)
}

// place gives a finding the place where it can be mended.
func place(o *object, spec *node, f desired.Finding) Problem {
	p := Problem{Message: f.Message, Warning: f.Warning}
	n := find(spec, f.Field)
	if f.Line > 0 {
		p.Pos = inText(n, f)
		return p
	}
	p.Pos = n.pos()
	if n == spec || p.Pos.File == "" {
		p.Pos = o.nameAt.pos()
	}
	return p
}

// inText is a place within the text that a node holds in place or by source.
func inText(n *node, f desired.Finding) desired.Pos {
	if s := n.given("source"); s != nil && s.doc != nil {
		name, err := within(s.doc.file.name, s.text)
		if err == nil {
			return desired.Pos{File: s.doc.file.tree.show(name), Line: f.Line, Col: f.Col}
		}
	}
	c := n.given("content")
	if c == nil {
		c = n
	}
	p := c.pos()
	if !c.block {
		p.Col += c.inLine(f)
		return p
	}
	// A block begins on the line after its |, and each line is indented as the
	// first that is not empty.
	p.Line += f.Line
	p.Col = f.Col + indent(c.doc.text, int(c.line)-c.doc.first+1)
	return p
}

// inLine is how far a place within a text in one line lies behind the text's
// beginning: 0 where it is not in the file as it reads.
func (n *node) inLine(f desired.Finding) int {
	if n.kind != text || n.doc == nil || f.Line != 1 || f.Col < 1 {
		return 0
	}
	line, quote := lineOfText(n.doc.text, int(n.line)-n.doc.first+1), 0
	if n.quoted {
		quote = 1
	}
	if at := int(n.col) - 1 + quote; at <= len(line) && bytes.HasPrefix(line[at:], []byte(n.text)) {
		return f.Col - 1 + quote
	}
	return 0
}

// lineOfText is a line of a document, from 1.
func lineOfText(content []byte, number int) []byte {
	for line := range bytes.Lines(content) {
		if number--; number == 0 {
			return line
		}
	}
	return nil
}

// indent is that of the first line after a line that is not empty.
func indent(content []byte, after int) int {
	for line := range bytes.Lines(content) {
		if after > 0 {
			after--
			continue
		}
		if body := bytes.TrimLeft(line, " "); len(bytes.TrimSpace(body)) > 0 {
			return len(line) - len(body)
		}
	}
	return 0
}

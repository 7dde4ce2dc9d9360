package read

import (
	"strconv"

	"github.com/pakashop/evenkeel/desired"
)

// kind is what a node holds, after YAML's core rules.
type kind uint8

const (
	null  kind = iota // null or ~
	blank             // nothing was written
	text
	boolean
	integer
	float
	list
	table
)

func (k kind) String() string {
	return [...]string{"null", "nothing", "text", "a truth value", "a number", "a number", "a list", "a table of fields"}[k]
}

// node is one value, and where it was written. Nodes are never changed once
// they are read: merging makes new tables.
type node struct {
	kind   kind
	quoted bool // a scalar in quotes, or a block of text
	block  bool // a literal block: its lines are lines of the file
	line   int32
	col    int32
	doc    *document
	text   string
	fields []field // of a table, as written
	items  []*node // of a list
}

type field struct {
	name      string
	line, col int32 // of the name
	value     *node
}

// document is one document of a file: an object, or part of one.
type document struct {
	file  *file
	layer string // the origin that stands for all its values: Defaults/app; empty: each value's own place
	root  *node
	first int // its first line
	text  []byte
}

// get finds a field of a table.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].name == name {
			return n.fields[i].value
		}
	}
	return nil
}

// given is get, where null counts as absent.
func (n *node) given(name string) *node {
	if v := n.get(name); v != nil && v.kind != null {
		return v
	}
	return nil
}

// pos is where the node was written; empty for a built-in default.
func (n *node) pos() desired.Pos {
	if n == nil || n.doc == nil {
		return desired.Pos{}
	}
	return desired.Pos{File: n.doc.file.shown, Line: int(n.line), Col: int(n.col)}
}

func (f field) pos() desired.Pos {
	p := f.value.pos()
	if p.File != "" && f.line > 0 {
		p.Line, p.Col = int(f.line), int(f.col)
	}
	return p
}

// origin says where the value came from, as Object.Origin shows it.
func (n *node) origin() string {
	switch {
	case n.doc == nil:
		return "built-in"
	case n.doc.layer != "":
		return n.doc.layer
	}
	return n.pos().String()
}

// step is a field's or an item's path below another's.
func step(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

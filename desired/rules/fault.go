package rules

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fault is something that is wrong or doubtful with a file of rules.
type Fault struct {
	Path    string // groups[0].rules[1].expr; empty: the file
	Line    int    // within the value at Path, from 1; 0: the value itself
	Col     int    // from 1, in bytes
	Message string // without the path
	Unknown bool   // Path is a field that there is not
	Warning bool
	// Bound says that Prometheus would take it, and evenkeel does not.
	Bound bool
	// FileLine and FileCol are the place in the text that was read.
	FileLine, FileCol int
}

// Text is the message behind the path, which lies below another: "spec." of an object.
func (f Fault) Text(below string) string {
	switch {
	case f.Unknown:
		return "unknown field " + below + shorten(f.Path) + f.Message
	case f.Path == "":
		return f.Message
	}
	return below + f.Path + ": " + f.Message
}

// faults collects what is found in one file.
type faults struct {
	list []Fault
	root *yaml.Node
	text []string // its lines
	huge bool     // it is too large to be parsed
	seen int      // values
}

func (f *faults) add(one Fault) {
	one.FileLine, one.FileCol = f.place(one)
	f.list = append(f.list, one)
}

func (f *faults) bad(path, format string, args ...any) {
	f.add(Fault{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (f *faults) warn(path, format string, args ...any) {
	f.add(Fault{Path: path, Message: fmt.Sprintf(format, args...), Warning: true})
}

func (f *faults) bound(path, format string, args ...any) {
	f.add(Fault{Path: path, Message: fmt.Sprintf(format, args...), Bound: true})
}

// place finds a fault in the text.
func (f *faults) place(one Fault) (line, col int) {
	n := find(f.root, one.Path)
	if n == nil {
		return 1, 1
	}
	line, col = n.Line, n.Column
	switch {
	case one.Line == 0 || n.Kind != yaml.ScalarNode:
	case n.Style&yaml.LiteralStyle != 0:
		if line += one.Line; line <= len(f.text) {
			col = one.Col + indent(f.text[n.Line:])
		}
	case one.Line == 1 && line <= len(f.text):
		if quoted := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0; quoted {
			col++
		}
		if col-1 <= len(f.text[line-1]) && strings.HasPrefix(f.text[line-1][col-1:], n.Value) {
			col += one.Col - 1
		} else {
			col = n.Column
		}
	}
	return line, col
}

// indent is that of the first line that is not empty.
func indent(lines []string) int {
	for _, l := range lines {
		if body := strings.TrimLeft(l, " "); strings.TrimSpace(body) != "" {
			return len(l) - len(body)
		}
	}
	return 0
}

// find goes down a path, as far as it leads.
func find(n *yaml.Node, path string) *yaml.Node {
	if path == "" || n == nil {
		return n
	}
	for _, name := range strings.Split(strings.ReplaceAll(path, "[", ".["), ".") {
		next := child(n, name)
		if next == nil {
			break
		}
		n = next
	}
	return n
}

func child(n *yaml.Node, name string) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if number, ok := strings.CutPrefix(name, "["); ok {
		i, err := strconv.Atoi(strings.TrimSuffix(number, "]"))
		if err != nil || n.Kind != yaml.SequenceNode || i >= len(n.Content) {
			return nil
		}
		return n.Content[i]
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func shorten(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:77], "") + "…"
	}
	return s
}

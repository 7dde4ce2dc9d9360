package read

import (
	"bytes"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/pakashop/evenkeel/desired"
)

// Limits on what is read. They are far above what anybody writes by hand, and
// keep what a stranger's file can cost in bounds.
const (
	MaxFile  = 1 << 20  // bytes of one file, or one source
	MaxTotal = 64 << 20 // bytes of everything

	maxFile    = MaxFile
	maxTotal   = MaxTotal
	maxDepth   = 32 // levels of one document
	maxObjects = 10_000
	maxNodes   = 100_000 // values of one document
	maxValues  = 1 << 20 // values of everything
	maxList    = 1000    // items of one list
	maxShown   = 1000    // problems
	maxHints   = 100     // suggestions for one object
	maxWeights = 256     // Defaults
)

// split cuts a file at its document markers. A marker at the beginning of a
// line is one wherever it stands, in the midst of a text too: that is YAML's
// own rule.
func split(content []byte) (docs [][]byte, lines []int) {
	start, first, line := 0, 1, 1
	for at := 0; at < len(content); line++ {
		end := bytes.IndexByte(content[at:], '\n')
		next := len(content)
		if end >= 0 {
			next = at + end + 1
		}
		if isMarker(content[at:next]) && at > start {
			docs, lines = append(docs, content[start:at]), append(lines, first)
			start, first = at, line
		}
		if content[at] == '.' && isMarker(content[at:next]) {
			start, first = next, line+1
		}
		at = next
	}
	if start < len(content) {
		docs, lines = append(docs, content[start:]), append(lines, first)
	}
	return docs, lines
}

func isMarker(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return false
	}
	return len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0
}

// parser reads one document.
type parser struct {
	doc      *document
	first    int // the line of the file at which the YAML parser began
	problems Problems
	nodes    int
	theirs   bool // a file of Prometheus' own, in which anchors may be
}

// parse reads the text of a document into its root. An empty one has none.
// values counts what all documents hold.
func parse(doc *document, values *atomic.Int64) Problems {
	p := parser{doc: doc, first: doc.first}
	p.count(values) // what came before may be too much already
	if len(p.problems) > 0 || !p.readable(doc.text) {
		return p.problems
	}
	var n yaml.Node
	if err := yaml.Unmarshal(doc.text, &n); err != nil {
		p.syntax(err, doc.text)
		return p.problems
	}
	p.root(&n)
	p.count(values)
	return p.problems
}

// root makes the document's root of what the YAML parser read.
func (p *parser) root(n *yaml.Node) {
	if n.Kind == 0 || len(n.Content) == 0 {
		return
	}
	if root := n.Content[0]; root.Tag != "!!null" {
		p.theirs = plainRules(root)
		p.doc.root = p.node(root, 1)
	}
}

// count bounds what all documents hold.
func (p *parser) count(values *atomic.Int64) {
	if values.Add(int64(p.nodes)) > maxValues {
		p.doc.root = nil
		p.problem(1, 1, "all files together hold too many values; at most "+strconv.Itoa(maxValues)+" are read")
	}
}

// readable bounds what the YAML parser is given.
func (p *parser) readable(content []byte) bool {
	if !utf8.Valid(content) {
		p.problem(1, 1, "is not valid UTF-8")
		return false
	}
	if guess := bytes.Count(content, []byte(",")) + bytes.Count(content, []byte("\n")) + bytes.Count(content, []byte("[")) +
		bytes.Count(content, []byte("{")) + bytes.Count(content, []byte(": ")) + bytes.Count(content, []byte("- ")); guess > 2*maxNodes {
		p.problem(1, 1, "one document holds too many values; at most "+strconv.Itoa(maxNodes)+" are read")
		return false
	}
	if i := bytes.IndexByte(content, '%'); i == 0 {
		p.problem(1, 1, "YAML directives are not read; remove the line")
		return false
	}
	return true
}

var lineOf = lazily(`^(?:yaml: )?(?:line (\d+): )?(.*)`)

// syntax reports an error of the YAML parser, which counts lines from the
// beginning of the document and names none for its first.
func (p *parser) syntax(err error, content []byte) {
	m := lineOf().FindStringSubmatch(err.Error())
	line, msg, col := 1, m[2], 1
	if n, err := strconv.Atoi(m[1]); err == nil {
		line = n
		if strings.HasPrefix(msg, "did not find expected") {
			line++ // for these it counts from zero
		}
	}
	all := bytes.Split(bytes.TrimRight(content, "\n"), []byte("\n"))
	line = min(line, len(all))
	body := bytes.TrimLeft(all[line-1], " ")
	col = len(all[line-1]) - len(body) + 1
	if bytes.HasPrefix(body, []byte("\t")) {
		msg = "a line must not begin with a tab; indent with blanks"
	}
	if strings.Contains(msg, "exceeded max depth") {
		msg = "is nested too deeply; at most " + strconv.Itoa(maxDepth) + " levels are read"
	}
	p.problem(line, col, "not valid YAML: "+msg)
}

// problem reports something at a line of the document.
func (p *parser) problem(line, col int, msg string) {
	at := desired.Pos{File: p.doc.file.shown, Line: p.first + line - 1, Col: col}
	p.problems = append(p.problems, Problem{Pos: at, Message: msg})
}

// node takes over what the YAML parser read, and refuses what means something
// else than it seems to.
func (p *parser) node(y *yaml.Node, depth int) *node {
	n := &node{line: int32(p.first + y.Line - 1), col: int32(y.Column), doc: p.doc}
	if p.nodes++; p.nodes > maxNodes || depth > maxDepth {
		if p.nodes == maxNodes+1 {
			p.problem(y.Line, y.Column, "one document holds too many values; at most "+strconv.Itoa(maxNodes)+" are read")
		} else if depth == maxDepth+1 {
			p.problem(y.Line, y.Column, "is nested too deeply; at most "+strconv.Itoa(maxDepth)+" levels are read")
		}
		return n
	}
	if p.theirs && y.Kind == yaml.AliasNode {
		return p.node(y.Alias, depth+1)
	}
	if y.Anchor != "" && y.Kind != yaml.AliasNode && !p.theirs {
		p.problem(y.Line, y.Column, "anchors (&"+y.Anchor+") are not read; write the value where it is needed, or use Defaults")
	}
	if y.Style&yaml.TaggedStyle != 0 {
		p.problem(y.Line, y.Column, "tags ("+y.Tag+") are not read; write the value alone")
	}
	switch y.Kind {
	case yaml.AliasNode:
		p.problem(y.Line, y.Column, "aliases (*"+y.Value+") are not read; write the value where it is needed, or use Defaults")
	case yaml.SequenceNode:
		n.kind, n.items = list, make([]*node, len(y.Content))
		for i, c := range y.Content {
			n.items[i] = p.node(c, depth+1)
		}
	case yaml.MappingNode:
		n.kind = table
		p.table(n, y, depth)
	default:
		p.scalar(n, y)
	}
	return n
}

func (p *parser) table(n *node, y *yaml.Node, depth int) {
	n.fields = make([]field, 0, len(y.Content)/2)
	var seen map[string]bool
	var merged []*yaml.Node
	if len(y.Content) > 16 {
		seen = make(map[string]bool, len(y.Content)/2)
	}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		switch {
		case key.Tag == "!!merge" && p.theirs:
			merged = append(merged, value)
			continue
		case key.Tag == "!!merge":
			p.problem(key.Line, key.Column, "merge keys (<<) are not read; use Defaults")
			continue
		case key.Kind != yaml.ScalarNode:
			p.problem(key.Line, key.Column, "the name of a field must be plain text")
			continue
		case key.Anchor != "" && !p.theirs:
			p.problem(key.Line, key.Column, "anchors (&"+key.Anchor+") are not read; write the value where it is needed, or use Defaults")
		}
		twice := seen[key.Value]
		if seen != nil {
			seen[key.Value] = true
		} else {
			twice = n.get(key.Value) != nil
		}
		if twice {
			p.problem(key.Line, key.Column, "the field "+quoted(key.Value)+" stands twice")
			continue
		}
		n.fields = append(n.fields, field{
			name: key.Value, line: int32(p.first + key.Line - 1), col: int32(key.Column), value: p.node(value, depth+1),
		})
	}
	for _, m := range merged {
		n.merge(p.node(m, depth+1))
	}
}

// merge takes over the fields of another table, or of several, that a table has not.
func (n *node) merge(from *node) {
	for _, one := range from.items {
		n.merge(one)
	}
	for _, f := range from.fields {
		if n.get(f.name) == nil {
			n.fields = append(n.fields, f)
		}
	}
}

// plainRules tells a file of Prometheus' own rules, which is taken as it is: what YAML
// can do besides means the same to whoever reads it.
func plainRules(root *yaml.Node) bool {
	groups := false
	for i := 0; root.Kind == yaml.MappingNode && i < len(root.Content); i += 2 {
		switch root.Content[i].Value {
		case "groups":
			groups = true
		case "kind", "apiVersion":
			return false
		}
	}
	return groups
}

func (p *parser) scalar(n *node, y *yaml.Node) {
	n.text = y.Value
	n.block = y.Style&yaml.LiteralStyle != 0
	n.quoted = n.block || y.Style&(yaml.FoldedStyle|yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	switch y.Tag {
	case "!!null":
		n.kind = null
		if y.Value == "" {
			n.kind = blank
		}
	case "!!bool":
		n.kind = boolean
	case "!!int":
		n.kind = integer
	case "!!float":
		n.kind = float
	default:
		n.kind = text
	}
}

func quoted(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:77], "") + "…"
	}
	return strconv.Quote(s)
}

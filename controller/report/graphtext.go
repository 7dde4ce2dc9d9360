package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// Text is the graph as a tree for a terminal: what others rest on is at the top,
// and below it what rests on it, so that a cause stands above all that it drags
// along. An object that rests on several stands below each; what rests on it is
// drawn once.
func (g Graph) Text(st Style) string {
	t := newTree(g, st)
	var alone []Node
	for _, n := range t.roots() {
		if len(t.children[n.Object]) == 0 {
			alone = append(alone, n)
			continue
		}
		t.branch(n, "", "", "")
	}
	for _, n := range g.Nodes { // those that only a circle of readiness reaches
		if len(t.above[n.Object]) > 0 && !t.drawn[n.Object] {
			t.branch(n, "", "", "")
		}
	}
	if len(alone) > 0 {
		if len(t.rows.rows) > 0 {
			t.rows.add("")
		}
		t.rows.head("Alone")
	}
	for _, n := range alone {
		t.branch(n, "", "", "")
	}
	return g.header(st) + "\n" + t.rows.String() + "\n" + g.footer(st)
}

func (g Graph) header(st Style) string {
	line := st.paint(bold, place(g.Host, g.Environment))
	if g.Revision != "" {
		line += " at " + Escape(desired.ShortRevision(g.Revision))
	}
	if !g.Probed {
		line += "\n" + st.paint(magenta, bySystemd)
	}
	return line + "\n"
}

// bySystemd says what the words of a graph rest on where nobody probes.
const bySystemd = "no controller runs, so nobody probes: how things are is by systemd's word only"

func (g Graph) footer(st Style) string {
	var rows []Row
	var first []string
	for _, n := range g.Nodes {
		r := Row{Object: n.Object, Unit: n.Object, State: n.State}
		if n.Kind == "Endpoint" {
			r.Unit = ""
		}
		rows = append(rows, r)
		if n.Culprit {
			first = append(first, fmt.Sprintf("%s (%s)", Escape(n.Name), waits(n.Waiting)))
		}
	}
	out := Status{Services: rows}.totals(st) + "\n"
	if len(first) > 0 {
		out += "comes first: " + strings.Join(first, ", ") + "\n"
	}
	return out
}

func waits(n int) string {
	if n == 1 {
		return "1 waits for it"
	}
	return fmt.Sprintf("%d wait for it", n)
}

// tree draws a graph from what others rest on.
type tree struct {
	style    Style
	nodes    map[string]Node
	above    map[string][]Edge // by object: what it rests on
	children map[string][]Edge // by object: what rests on it
	drawn    map[string]bool
	rows     *table
}

func newTree(g Graph, st Style) *tree {
	t := &tree{
		style: st, nodes: make(map[string]Node), above: make(map[string][]Edge), children: make(map[string][]Edge),
		drawn: make(map[string]bool), rows: &table{style: st},
	}
	for _, n := range g.Nodes {
		t.nodes[n.Object] = n
	}
	for _, e := range g.Edges {
		t.above[e.From] = append(t.above[e.From], e)
		t.children[e.To] = append(t.children[e.To], e)
	}
	for _, list := range t.children {
		slices.SortFunc(list, func(a, b Edge) int { return byState(t.nodes[a.From], t.nodes[b.From]) })
	}
	return t
}

// roots are the objects that rest on nothing, in the order in which they are read.
func (t *tree) roots() []Node {
	var out []Node
	for _, n := range t.nodes {
		if len(t.above[n.Object]) == 0 {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, byState)
	return out
}

// branch draws an object and what rests on it, behind a prefix.
func (t *tree) branch(n Node, mark, below, kind string) {
	again := t.drawn[n.Object]
	t.drawn[n.Object] = true
	name := mark + n.Name
	if n.Kind == "Endpoint" {
		name = mark + n.Object
	}
	if kind != "" && kind != requires {
		name += " (" + kind + ")"
	}
	says := strings.TrimSuffix(string(n.Reason)+": "+n.Detail, ": ")
	switch {
	case again && len(t.children[n.Object]) > 0:
		says = "(see above)"
	case n.Culprit:
		says = strings.TrimSuffix("← comes first, "+waits(n.Waiting)+": "+says, ": ")
	}
	t.rows.add(name, string(n.State), cut(Escape(says), reasonWidth))
	t.rows.paint(1, stateColours[n.State])
	if n.Culprit && !again {
		t.rows.paint(0, bold)
	}
	if again {
		return
	}
	list := t.children[n.Object]
	for i, e := range list {
		mark, deeper := "├─ ", "│  "
		if i == len(list)-1 {
			mark, deeper = "└─ ", "   "
		}
		t.branch(t.nodes[e.From], below+mark, below+deeper, e.Kind)
	}
}

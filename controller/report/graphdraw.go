package report

import (
	"fmt"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// stateFills colour the words of the board in drawings; the words stand beside.
var stateFills = map[State]string{OK: "#d9ead3", WARN: "#fff2cc", FAIL: "#f4cccc", HELD: "#d0e0e3", UNKNOWN: "#ead1dc"}

// DOT is the graph for Graphviz, what others rest on at the top.
func (g Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph evenkeel {\n  rankdir=BT;\n  label=" + dotLabel(g.caption()...) + ";\n  labelloc=t;\n")
	b.WriteString("  node [shape=box, style=filled, fontname=\"sans-serif\"];\n")
	for _, n := range g.Nodes {
		more := ""
		if n.Kind == "Endpoint" {
			more += ", shape=ellipse"
		}
		if n.Culprit {
			more += ", penwidth=4"
		}
		if n.Detail != "" {
			more += ", tooltip=" + dotLabel(n.Detail)
		}
		fmt.Fprintf(&b, "  %s [label=%s, fillcolor=\"%s\"%s];\n", dotLabel(n.Object), dotLabel(n.words()...), stateFills[n.State], more)
	}
	for _, e := range g.Edges {
		var how []string
		if e.Kind != requires {
			how = append(how, "style=dashed", "label="+dotLabel(e.Kind))
		}
		if e.Sick {
			how = append(how, "color=red", "penwidth=2")
		}
		attributes := ""
		if len(how) > 0 {
			attributes = " [" + strings.Join(how, ", ") + "]"
		}
		fmt.Fprintf(&b, "  %s -> %s%s;\n", dotLabel(e.From), dotLabel(e.To), attributes)
	}
	b.WriteString("}\n")
	return b.String()
}

// caption is what a drawing is of, a line each.
func (g Graph) caption() []string {
	line := place(g.Host, g.Environment)
	if g.Revision != "" {
		line += " at " + desired.ShortRevision(g.Revision)
	}
	lines := []string{line}
	if !g.Probed {
		lines = append(lines, bySystemd)
	}
	return lines
}

// words are what a drawing says of a node, a line each.
func (n Node) words() []string {
	lines := []string{n.Name, strings.TrimSpace(string(n.State) + " " + string(n.Reason))}
	if n.Culprit {
		lines = append(lines, "comes first, "+waits(n.Waiting))
	}
	return lines
}

// dotLabel is a quoted string of DOT, of one line or several. Nothing in a line
// is read as an escape of Graphviz' own.
func dotLabel(lines ...string) string {
	quoted := make([]string, len(lines))
	for i, l := range lines {
		quoted[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(Escape(l))
	}
	return `"` + strings.Join(quoted, `\n`) + `"`
}

// Mermaid is the graph for Mermaid, as GitHub and GitLab draw it.
func (g Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart BT\n")
	if !g.Probed {
		b.WriteString("  %% " + bySystemd + "\n")
	}
	ids := make(map[string]string, len(g.Nodes))
	for i, n := range g.Nodes {
		ids[n.Object] = fmt.Sprintf("n%d", i+1)
		left, right := "[", "]"
		if n.Kind == "Endpoint" {
			left, right = "([", "])"
		}
		fmt.Fprintf(&b, "  %s%s\"%s\"%s:::%s\n", ids[n.Object], left, mermaidText(n.words()...), right, n.State)
	}
	for _, e := range g.Edges {
		arrow := "-->"
		switch {
		case e.Kind != requires:
			arrow = "-.->|" + e.Kind + "|"
		case e.Sick:
			arrow = "==>"
		}
		fmt.Fprintf(&b, "  %s %s %s\n", ids[e.From], arrow, ids[e.To])
	}
	for _, s := range States {
		fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:#666,color:#000\n", s, stateFills[s])
	}
	b.WriteString("  classDef culprit stroke:#c00,stroke-width:4px\n")
	for _, n := range g.Nodes {
		if n.Culprit {
			fmt.Fprintf(&b, "  class %s culprit\n", ids[n.Object])
		}
	}
	return b.String()
}

// mermaidText is text between quotes of Mermaid. What Mermaid, Markdown or HTML
// could read as markup is written as the number of its character.
func mermaidText(lines ...string) string {
	const plain = " .,:_/()@-"
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteString("<br/>")
		}
		for _, r := range Escape(l) {
			letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r > 0x7f
			if letter || strings.ContainsRune(plain, r) {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, "#%d;", r)
			}
		}
	}
	return b.String()
}

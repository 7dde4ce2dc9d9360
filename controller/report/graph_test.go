package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

func (h *host) graph(t *testing.T, name string) Graph {
	t.Helper()
	g, ok := h.Graph(name)
	if !ok {
		t.Fatalf("no graph of %q", name)
	}
	return g
}

// estate is a host with roots of several kinds, and something that stands alone.
func estate() *host {
	h := notWell()
	gateway, _ := h.Want.Service("pakashop-gateway")
	gateway.Follows = []string{"pakashop-search"}
	pay, _ := h.Want.Service("pakashop-pay")
	pay.Requires = []string{"postgresql", "pakashop-backend"}
	h.settle()
	return h
}

func TestGraph(t *testing.T) {
	g := estate().graph(t, "")
	st := Style{Now: noon}
	golden(t, "graph.txt", []byte(g.Text(st)))
	golden(t, "graph.dot", []byte(g.DOT()))
	golden(t, "graph.mermaid", []byte(g.Mermaid()))
	golden(t, "graph.json", must(JSON(g))(t))
	if got := colours.ReplaceAllString(g.Text(Style{Now: noon, Color: true}), ""); got != g.Text(st) {
		t.Error("colour changes the text")
	}
}

// Without a controller nobody probes, and the graph says so in every form.
func TestGraphWithoutProbes(t *testing.T) {
	h := estate()
	h.Have.Probes = nil
	h.falls("postgresql@15-main.service", "failed", "failed", "exit-code", state.StopUnread, time.Minute)
	h.falls("pakashop-backend.service", "failed", "failed", "exit-code", state.StopUnread, time.Minute)
	h.settle()
	g := h.graph(t, "")
	golden(t, "graph-not-probed.txt", []byte(g.Text(Style{Now: noon})))
	for _, text := range []string{g.Text(Style{}), g.DOT(), g.Mermaid()} {
		if !strings.Contains(text, "systemd's word only") && !strings.Contains(text, "systemd#39;s word only") {
			t.Errorf("it does not say so:\n%s", text)
		}
	}
	if g.Probed {
		t.Error("nobody probes")
	}
}

// A cone is what something rests on and what rests on it, and nothing beside.
func TestCone(t *testing.T) {
	h := estate()
	for name, want := range map[string][]string{
		"pakashop-backend":          {"pakashop-backend", "pakashop-gateway", "pakashop-pay", "postgresql"},
		"Service/pakashop-backend":  {"pakashop-backend", "pakashop-gateway", "pakashop-pay", "postgresql"},
		"pakashop-gateway.service":  {"pakashop-backend", "pakashop-gateway", "pakashop-search", "postgresql"},
		"Endpoint/pawapay":          {"pakashop-pay", "pawapay"},
		"pawapay":                   {"pakashop-pay", "pawapay"},
		"pakashop-mail":             {"pakashop-mail"},
		"Endpoint/whatsapp":         {"whatsapp"},
		"endpoint/whatsapp":         {"whatsapp"},
		"services/pakashop-search":  {"pakashop-gateway", "pakashop-search"},
		"services/pakashop-gateway": {"pakashop-backend", "pakashop-gateway", "pakashop-search", "postgresql"},
	} {
		g := h.graph(t, name)
		var got []string
		for _, n := range g.Nodes {
			got = append(got, n.Name)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		for _, e := range g.Edges {
			if !slices.Contains(want, strings.TrimPrefix(strings.TrimPrefix(e.From, "Service/"), "Endpoint/")) {
				t.Errorf("%s: an edge from %s", name, e.From)
			}
		}
	}
	golden(t, "graph-cone.txt", []byte(h.graph(t, "pakashop-gateway").Text(Style{Now: noon})))
	for _, name := range []string{"nobody", "Service/pawapay", "Endpoint/pakashop-mail", "Host/app-1", "/"} {
		if g, ok := h.Graph(name); ok {
			t.Errorf("there is a graph of %q: %+v", name, g)
		}
	}
}

// A body that says that it misses what misses it makes a circle, and the tree
// ends all the same, with everything in it once at least.
func TestGraphOfACircle(t *testing.T) {
	h := night(app("a"), app("b", "a"), app("c"))
	h.probed("a", readyKind).probed("b", readyKind)
	h.probe("a", readyKind, state.Probe{Verdict: state.ProbeFailure, Since: uptime - time.Minute, Says: map[string]string{"b": "down"}})
	h.fails("b", readyKind, time.Minute)
	h.settle()
	golden(t, "graph-circle.txt", []byte(h.graph(t, "").Text(Style{Now: noon})))
}

// What a name or a detail holds is never markup: not of Graphviz, not of
// Mermaid, not of a terminal.
func TestGraphEscapes(t *testing.T) {
	const evil = "a\"]; b [label=\"x\\\" \\N\n<b>&#x41;</b> `c` {d} %% \x1b[31m\u202e|e|"
	g := Graph{
		Host: evil, Environment: evil, Revision: evil,
		Nodes: []Node{
			{Object: "Service/" + evil, Name: evil, Kind: "Service", State: FAIL, Reason: evil, Detail: evil, Culprit: true, Waiting: 1},
			{Object: "Service/b", Name: "b", Kind: "Service", State: OK},
		},
		Edges: []Edge{{From: "Service/b", To: "Service/" + evil, Kind: requires, Sick: true}},
	}
	golden(t, "graph-escapes.dot", []byte(g.DOT()))
	golden(t, "graph-escapes.mermaid", []byte(g.Mermaid()))
	for form, text := range map[string]string{"text": g.Text(Style{}), "dot": g.DOT(), "mermaid": g.Mermaid()} {
		if strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("%s obeys: %q", form, text)
		}
	}
	for line := range strings.Lines(g.Mermaid()) {
		label, _, ok := strings.Cut(strings.TrimPrefix(line, "  n1[\""), "\"]:::")
		if strings.HasPrefix(line, "  n1[") && (!ok || strings.ContainsAny(strings.ReplaceAll(label, "<br/>", ""), "<>`{}|\\&%\"[]")) {
			t.Errorf("the label ends early: %s", line)
		}
	}
}

func TestGraphOfNothing(t *testing.T) {
	if got := newHost().graph(t, "").Text(Style{}); !strings.HasSuffix(got, "no services\n") {
		t.Errorf("%q", got)
	}
}

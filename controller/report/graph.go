package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// Graph is what rests on what on a host, and how each of it is. Its JSON form is
// append-only.
type Graph struct {
	Host        string `json:"host"`
	Environment string `json:"environment"`
	Revision    string `json:"revision"`
	Object      string `json:"object"` // whose part of the graph it is: what it needs, and what needs it; empty: all
	Probed      bool   `json:"probed"` // false: no controller runs, so how things are is by systemd's word only
	Nodes       []Node `json:"nodes"`
	Edges       []Edge `json:"edges"`
}

// Node is one Service or Endpoint.
type Node struct {
	Object  string       `json:"object"`
	Name    string       `json:"name"`
	Kind    string       `json:"kind"`
	State   State        `json:"state"` // of the worst of its units
	Reason  state.Reason `json:"reason"`
	Detail  string       `json:"detail"`
	Ready   *bool        `json:"ready"`
	Since   Stamp        `json:"since"`
	Culprit bool         `json:"culprit"` // what is wrong with others has its root here
	Waiting int          `json:"waiting"` // so many others are not well because of it
}

// The kinds of edges.
const (
	requires  = "requires"
	order     = "order"
	readiness = "readiness" // its readiness body says that it misses it, and nobody declared it
)

// Edge says that one object rests on another.
type Edge struct {
	From string `json:"from"` // rests on…
	To   string `json:"to"`
	Kind string `json:"kind"` // requires, order, readiness
	Sick bool   `json:"sick"` // From is not well, and To is not fit to rest on
}

// Graph draws everything, or with a name only what that rests on and what rests
// on it; false: there is no such object on this host.
func (v View) Graph(name string) (Graph, bool) {
	v = v.looked()
	g := Graph{
		Host: hostName(v.Want, v.Have), Environment: environment(v.Want), Revision: v.Want.Revision,
		Probed: v.Have.Probes != nil, Nodes: v.nodes(), Edges: []Edge{},
	}
	states := make(map[string]State, len(g.Nodes))
	for _, n := range g.Nodes {
		states[n.Object] = n.State
	}
	for i := range v.Want.Services {
		g.Edges = append(g.Edges, v.edges(v.Want.Services[i].Name, states)...)
	}
	g.blame(v)
	if name == "" {
		return g, true
	}
	o, ok := v.find(name)
	if !ok && !strings.Contains(name, "/") {
		o, ok = v.find("Endpoint/" + name)
	}
	if _, here := states[o.Ref()]; !ok || !here {
		return Graph{}, false
	}
	return g.cone(o.Ref()), true
}

// nodes are the objects of the graph by name, Services before Endpoints.
func (v View) nodes() []Node {
	out := []Node{}
	add := func(r Row) {
		kind, name, _ := strings.Cut(r.Object, "/")
		out = append(out, Node{
			Object: r.Object, Name: name, Kind: kind, State: r.State, Reason: r.Reason, Detail: r.Detail, Ready: r.Ready, Since: r.Since,
		})
	}
	of := v.split()
	for i := range v.Want.Services {
		s := &v.Want.Services[i]
		if len(s.Units) > 0 {
			add(of(s.Object()).worstOf(s))
		}
	}
	slices.SortFunc(out, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range v.Want.Endpoints {
		add(v.endpointRow(e))
	}
	return out
}

// edges are what a service rests on.
func (v View) edges(name string, states map[string]State) []Edge {
	s, _ := v.Want.Service(name)
	var out []Edge
	add := func(dep, kind string) {
		e := Edge{From: s.Object(), To: v.ref(dep), Kind: kind}
		if _, here := states[e.To]; !here || slices.ContainsFunc(out, func(o Edge) bool { return o.To == e.To }) {
			return
		}
		e.Sick = kind != order && states[e.From] != OK && v.picture.Unfit(dep) != ""
		out = append(out, e)
	}
	for _, dep := range slices.Concat(s.Requires, s.Outside) {
		add(dep, requires)
	}
	for _, dep := range v.picture.Needs(name) {
		add(dep, readiness)
	}
	for _, dep := range s.Follows {
		add(dep, order)
	}
	slices.SortFunc(out, func(a, b Edge) int { return strings.Compare(a.To, b.To) })
	return out
}

// blame marks the roots of what is not well.
func (g *Graph) blame(v View) {
	waiting := make(map[string]int)
	for _, n := range g.Nodes {
		if n.State == OK || n.Kind != "Service" {
			continue
		}
		for _, root := range v.picture.Roots(n.Name) {
			waiting[v.ref(root)]++
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		n.Waiting = waiting[n.Object]
		n.Culprit = n.Waiting > 0
	}
}

// cone keeps an object, all that it rests on, and all that rests on it.
func (g Graph) cone(object string) Graph {
	keep := map[string]bool{object: true}
	grow := func(step func(Edge) (from, to string)) {
		reached := map[string]bool{object: true}
		for again := true; again; {
			again = false
			for _, e := range g.Edges {
				if from, to := step(e); reached[from] && !reached[to] {
					reached[to], keep[to], again = true, true, true
				}
			}
		}
	}
	grow(func(e Edge) (string, string) { return e.From, e.To })
	grow(func(e Edge) (string, string) { return e.To, e.From })
	g.Object = object
	g.Nodes = slices.DeleteFunc(slices.Clone(g.Nodes), func(n Node) bool { return !keep[n.Object] })
	g.Edges = slices.DeleteFunc(slices.Clone(g.Edges), func(e Edge) bool { return !keep[e.From] || !keep[e.To] })
	return g
}

// byState orders nodes as they are read at night: what comes first, then the
// worst, then by name.
func byState(a, b Node) int {
	first := func(n Node) int {
		if n.Culprit {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(slices.Index(weight, a.State), slices.Index(weight, b.State)), strings.Compare(a.Name, b.Name))
}

package desired

import (
	"container/heap"
	"slices"
	"strings"
)

// order checks what services depend on and sorts those of this host: what
// others depend on comes first, ties by name.
func (c *compiler) order(services []*Service) []Service {
	deps := make(map[string][]string, len(c.in.Services))
	for _, d := range c.in.Services {
		deps[d.Name] = c.dependencies(d)
	}
	sorted := topological(deps)
	c.cycles(deps, sorted)

	here := make(map[string]*Service, len(services))
	for _, s := range services {
		here[s.Name] = s
	}
	ordered := make([]Service, 0, len(services))
	for _, name := range sorted {
		if here[name] == nil {
			continue
		}
		s := *here[name]
		for _, dep := range s.Spec.DependsOn {
			if here[dep.Name] == nil {
				if c.services[dep.Name] == nil && dep.Kind != "order" && c.endpoint(dep.Name) {
					s.Outside = append(s.Outside, dep.Name)
				}
				continue // on another host, or an Endpoint
			}
			if dep.Kind == "order" {
				s.Follows = append(s.Follows, dep.Name)
			} else {
				s.Requires = append(s.Requires, dep.Name)
			}
		}
		ordered = append(ordered, s)
	}
	return ordered
}

// dependencies are the names of the Services that one depends on.
func (c *compiler) dependencies(d *Service) []string {
	var names []string
	for i, dep := range d.Spec.DependsOn {
		field := index("spec.dependsOn", i)
		switch {
		case dep.Name == "": // could not be read
		case dep.Name == d.Name:
			c.add(Finding{Object: "Service/" + d.Name, Field: field, Message: "a service cannot depend on itself"})
		case c.services[dep.Name] != nil:
			names = append(names, dep.Name)
		case c.known[dep.Name] || c.in.Partial:
		default:
			c.add(Finding{Object: "Service/" + d.Name, Field: field, Message: "no Service and no Endpoint is named " +
				shorten(dep.Name) + c.hint(dep.Name)})
		}
	}
	return names
}

// endpoint tells whether an Endpoint has a name.
func (c *compiler) endpoint(name string) bool {
	return slices.ContainsFunc(c.in.Endpoints, func(e Endpoint) bool { return e.Name == name })
}

// maxHints bounds the search for what somebody meant, which compares with all
// names.
const maxHints = 100

func (c *compiler) hint(name string) string {
	if c.hints++; c.hints > maxHints {
		return ""
	}
	if c.names == nil {
		c.names = sorted(c.known)
	}
	return DidYouMean(name, c.names)
}

// topological sorts names so that each follows what it depends on, the
// smallest name first where there is a choice. Members of cycles, and what
// depends on them, are left out.
func topological(deps map[string][]string) []string {
	waits, needed := make(map[string]int, len(deps)), make(map[string][]string, len(deps))
	ready := &smallest{}
	for name, list := range deps {
		waits[name] = len(list)
		for _, d := range list {
			needed[d] = append(needed[d], name)
		}
		if len(list) == 0 {
			*ready = append(*ready, name)
		}
	}
	heap.Init(ready)
	sorted := make([]string, 0, len(deps))
	for ready.Len() > 0 {
		name := heap.Pop(ready).(string)
		sorted = append(sorted, name)
		for _, n := range needed[name] {
			if waits[n]--; waits[n] == 0 {
				heap.Push(ready, n)
			}
		}
	}
	return sorted
}

// cycles reports each cycle among what could not be sorted, whole.
func (c *compiler) cycles(deps map[string][]string, sorted []string) {
	left := make(map[string]bool, len(deps))
	for name := range deps {
		left[name] = true
	}
	for _, name := range sorted {
		delete(left, name)
	}
	var start []string
	for name := range left {
		start = append(start, name)
	}
	slices.Sort(start)
	for _, name := range start {
		if !left[name] {
			continue
		}
		walk, loop := follow(name, deps, left)
		for _, n := range walk {
			delete(left, n)
		}
		if loop == nil {
			continue
		}
		loop = fromSmallest(loop)
		field := "spec.dependsOn"
		for i, d := range c.services[loop[0]].Spec.DependsOn {
			if d.Name == loop[1%len(loop)] {
				field = index(field, i)
			}
		}
		c.add(Finding{
			Object: "Service/" + loop[0], Field: field,
			Message: "services depend on each other in a circle: " + strings.Join(append(loop, loop[0]), " → ") + "; remove one of these dependencies",
		})
	}
}

// follow walks along dependencies that are left until it comes to where it was
// (the loop) or to where nothing is left.
func follow(name string, deps map[string][]string, left map[string]bool) (walk, loop []string) {
	for {
		if i := slices.Index(walk, name); i >= 0 {
			return walk, walk[i:]
		}
		walk = append(walk, name)
		next := ""
		for _, d := range deps[name] {
			if left[d] && (next == "" || d < next) {
				next = d
			}
		}
		if next == "" {
			return walk, nil
		}
		name = next
	}
}

func fromSmallest(loop []string) []string {
	i := slices.Index(loop, slices.Min(loop))
	return append(slices.Clone(loop[i:]), loop[:i]...)
}

// smallest is a heap of names, the smallest first.
type smallest []string

func (n smallest) Len() int           { return len(n) }
func (n smallest) Less(i, j int) bool { return n[i] < n[j] }
func (n smallest) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }
func (n *smallest) Push(x any)        { *n = append(*n, x.(string)) }
func (n *smallest) Pop() any {
	old := *n
	x := old[len(old)-1]
	*n = old[:len(old)-1]
	return x
}

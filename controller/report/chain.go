package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Link is one step from what is not well to the root of it: an object needs
// another one, and that is not well either. Its keys are append-only.
type Link struct {
	Object  string `json:"object"`
	Needs   string `json:"needs"`
	By      string `json:"by"`    // declared: it requires it; readiness: its readiness body says that it misses it
	How     string `json:"how"`   // how the other one is: is not ready, is down, is well again, …
	Since   Stamp  `json:"since"` // null: not known
	Because string `json:"because"`
	Root    bool   `json:"root"` // nothing that it needs explains it: it comes first
	Well    bool   `json:"well"` // it is well again, and what needs it has time to recover by itself
}

// chain walks from a service down to the roots of what is wrong with it. Each
// Link is told once.
func (v View) chain(s *desired.Service) []Link {
	out := []Link{}
	seen := map[string]bool{s.Name: true}
	var walk func(name string)
	walk = func(name string) {
		var below []string
		for _, dep := range v.picture.Needs(name) {
			how := v.picture.Unfit(dep)
			if how == "" || slices.Contains(below, dep) {
				continue
			}
			out = append(out, v.link(name, dep, how))
			if !seen[dep] {
				seen[dep] = true
				below = append(below, dep)
			}
		}
		for _, dep := range below {
			walk(dep)
		}
	}
	walk(s.Name)
	if len(out) == 0 {
		return v.recovering(s)
	}
	return out
}

func (v View) link(name, dep, how string) Link {
	l := Link{Object: v.ref(name), Needs: v.ref(dep), By: "declared", How: how, Because: v.because(dep), Since: At(v.unfitSince(dep))}
	if s, ok := v.Want.Service(name); ok && !slices.Contains(slices.Concat(s.Requires, s.Outside), dep) {
		l.By = "readiness"
	}
	l.Root = true
	for _, below := range v.picture.Needs(dep) {
		l.Root = l.Root && (below == name || v.picture.Unfit(below) == "")
	}
	return l
}

// recovering names what became well again only just now, where that is what the
// service waits for.
func (v View) recovering(s *desired.Service) []Link {
	dep, at := v.picture.Recovered(s.Name)
	if dep == "" || v.told(s.Object(), state.DependencySick) == "" {
		return []Link{}
	}
	return []Link{{Object: s.Object(), Needs: v.ref(dep), By: "declared", How: "is well again", Since: At(v.clock(at)), Well: true}}
}

// because says why something is not fit, by systemd's word and its probes'.
func (v View) because(name string) string {
	var parts []string
	add := func(text string) {
		if text != "" && !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	for _, h := range v.picture.Of(name) {
		if h.Unfit == "" {
			continue
		}
		f := v.Have.Units[h.Unit]
		switch {
		case h.Unit != "" && !f.Known():
			add(h.Unit + ": " + cmp.Or(f.Err, "not looked at yet"))
		case h.Down:
			add(downBecause(h.Unit, f.Value))
		case h.Detail != "":
			add(v.saysOf(name, h))
		}
	}
	return strings.Join(parts, "; ")
}

// downBecause says how a unit ended.
func downBecause(unit string, u state.Unit) string {
	text := fmt.Sprintf("%s is %s (%s)", unit, u.Active, u.Sub)
	switch {
	case u.Active == "failed" && u.Result != "":
		text += ", " + explained(u.Result, results)
	case stopCause(u) != "":
		text += ", " + stopCause(u)
	}
	return text
}

// saysOf is a probe's detail, and what a readiness body says.
func (v View) saysOf(name string, h plan.Health) string {
	text := h.Detail
	s, ok := v.Want.Service(name)
	if !ok {
		return text
	}
	q, ok := s.Probing(desired.ReadinessProbe, h.Unit)
	if !ok {
		return text
	}
	p, _ := v.probe(q)
	for _, w := range slices.Sorted(maps.Keys(p.Says)) {
		if !plan.Fine(p.Says[w]) {
			text += fmt.Sprintf("; it says that %s is %s", w, p.Says[w])
		}
	}
	return text
}

// unfitSince is since when the first unit of a service, or an Endpoint, is not
// fit; zero where that is not known.
func (v View) unfitSince(name string) time.Time {
	v = v.looked()
	var out time.Time
	for _, h := range v.picture.Of(name) {
		if h.Unfit != "" {
			out = earliest(out, v.failedSince(name, h))
		}
	}
	return out
}

func (v View) failedSince(name string, h plan.Health) time.Time {
	u := v.Have.Units[h.Unit].Value
	switch {
	case h.Down:
		return orTime(wall(u, max(u.Exited, u.Rested)), u.ChangedAt)
	case h.Onset > 0:
		return v.clock(h.Onset)
	}
	s, ok := v.Want.Service(name)
	if !ok {
		return time.Time{}
	}
	started := wall(u, u.Entered)
	for _, kind := range []string{desired.StartupProbe, desired.ReadinessProbe} {
		q, ok := s.Probing(kind, h.Unit)
		if !ok {
			continue
		}
		switch p, why := v.probe(q); {
		case why != "":
			return time.Time{}
		case p.Verdict == state.ProbeFailure:
			return v.clock(p.Since)
		case p.Verdict == state.ProbePending:
			return started
		}
	}
	return time.Time{}
}

// waiting lists the objects that wait for one: what is wrong with them has its
// root there.
func (v View) waiting(name string) []string {
	out := []string{}
	for i := range v.Want.Services {
		s := &v.Want.Services[i]
		if s.Name != name && slices.Contains(v.picture.Roots(s.Name), name) && v.told(s.Object(), state.DependencySick) != "" {
			out = append(out, s.Object())
		}
	}
	slices.Sort(out)
	return out
}

// chainText is the chain for a terminal, what comes first marked.
func chainText(links []Link, st Style) string {
	var b strings.Builder
	for _, l := range links {
		verb := " requires "
		if l.By == "readiness" {
			verb = " says that it misses "
		}
		line := l.Object + verb + l.Needs + ", which " + l.How
		if !l.Since.IsZero() {
			line += " since " + l.Since.clock(st.Now)
		}
		if l.Root {
			line += "  ← comes first"
		}
		b.WriteString(wrap(Escape(line), "", "  "))
		b.WriteString(wrap(Escape(l.Because), "  ", "  "))
	}
	return b.String()
}

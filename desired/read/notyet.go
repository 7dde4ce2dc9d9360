package read

import "slices"

// What this version reads and checks, but does not act on yet. Each line goes
// with the work that makes it act.
var (
	kindsNotYet = []string{
		"Task", "Receiver", "Route",
	}
	rungsNotYet       = []string{"verify", "gather", "ask"} // of its remedies
	environmentNotYet = []string{"severityFloor"}
)

// notYet warns of what is declared and has no effect in this version.
func notYet(o *object, spec *node) Problems {
	switch {
	case slices.Contains(kindsNotYet, o.kind):
		return Problems{warning(o.nameAt, o.kind+" is checked, but this version does not act on it yet")}
	case o.kind == "Environment":
		return fieldsWithout(spec, environmentNotYet)
	case o.kind != "Service":
		return nil
	}
	return rungs(spec)
}

// rungs warns of what a remedy cannot do or ask for yet.
func rungs(spec *node) Problems {
	var problems Problems
	list := spec.given("remedies")
	if list == nil {
		return nil
	}
	for i, rung := range list.items {
		for _, name := range rungsNotYet {
			if n := rung.given(name); n != nil && n.doc != nil {
				problems = append(problems, warning(n, item("spec.remedies", i)+"."+name+" is checked, but this version does not act on it yet"))
			}
		}
	}
	return problems
}

func fieldsWithout(spec *node, names []string) Problems {
	var problems Problems
	for _, name := range names {
		if n := spec.given(name); n != nil && n.doc != nil {
			problems = append(problems, warning(n, "spec."+name+" is checked, but this version does not act on it yet"))
		}
	}
	return problems
}

func warning(n *node, msg string) Problem {
	p := at(n, msg)
	p.Warning = true
	return p
}

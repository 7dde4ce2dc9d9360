package read

import (
	"slices"
	"strings"
)

// What this version reads and checks, but does not act on yet. Each line goes
// with the work that makes it act.
var (
	kindsNotYet = []string{
		"Endpoint", "AlertRules", "Runbook", "Task", "Receiver", "Route", "Cache", "Database", "Actuator",
	}
	fieldsNotYet = []string{ // of a Service
		"livenessProbe", "readinessProbe", "startupProbe", "metrics", "remedies", "release",
	}
	endpointsNotYet   = true // in dependsOn
	environmentNotYet = []string{"branch", "severityFloor", "confirmAfter", "verify"}
	policyNotYet      = []string{"exec", "signatures", "allowedSigners", "credentials", "identity", "budgets.unhealthyShare"}
)

// notYet warns of what is declared and has no effect in this version.
func (l *loader) notYet(o *object, spec *node) Problems {
	switch {
	case slices.Contains(kindsNotYet, o.kind):
		return Problems{warning(o.nameAt, o.kind+" is checked, but this version does not act on it yet")}
	case o.kind == "Environment":
		return fieldsWithout(spec, environmentNotYet)
	case o.kind != "Service":
		return nil
	}
	problems := fieldsWithout(spec, fieldsNotYet)
	problems = append(problems, l.endpoints(spec)...)
	return append(problems, encrypted(spec)...)
}

// endpoints warns of dependencies on what is outside.
func (l *loader) endpoints(spec *node) Problems {
	var problems Problems
	deps := spec.given("dependsOn")
	if deps == nil || !endpointsNotYet {
		return nil
	}
	for i, d := range deps.items {
		if l.outside[called(d, "name")] {
			problems = append(problems, warning(d, item("spec.dependsOn", i)+": a dependency on an Endpoint is checked, but this version does not act on it yet"))
		}
	}
	return problems
}

// policyWithout warns of what a policy says that has no effect in this version.
func policyWithout(root *node) Problems {
	var problems Problems
	for _, path := range policyNotYet {
		n := root
		for _, name := range strings.Split(path, ".") {
			n = n.given(name)
		}
		if n != nil && n.kind != blank {
			problems = append(problems, warning(n, path+" is checked, but this version does not act on it yet"))
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

// encrypted warns of files that only a later version can decrypt.
func encrypted(spec *node) Problems {
	var problems Problems
	files := spec.given("files")
	if files == nil {
		return nil
	}
	for i, f := range files.items {
		if s := f.given("source"); s != nil && strings.HasSuffix(s.text, ".age") {
			problems = append(problems, warning(s, item("spec.files", i)+".source: encrypted files are checked, but this version does not write them yet"))
		}
	}
	return problems
}

func warning(n *node, msg string) Problem {
	p := at(n, msg)
	p.Warning = true
	return p
}

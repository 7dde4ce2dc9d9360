package read

// builtin are the defaults of every Service, for fields that nobody gave. They
// have no place; boot and onRemove are missing, because their defaults depend
// on the unit.
func builtin(name string, spec *node) *node {
	t := func(s string) *node { return &node{kind: text, text: s} }
	i := func(s string) *node { return &node{kind: integer, text: s} }
	tab := func(f ...field) *node { return &node{kind: table, fields: f} }
	is := func(name string, v *node) field { return field{name: name, value: v} }

	unit, then := name+".service", "restore"
	if manyReplicas(spec.given("replicas")) {
		unit = name + "@.service"
	}
	stateful := spec.given("stateful")
	if stateful != nil && stateful.text == "true" {
		then = "escalate"
	}
	defaults := tab(
		is("unit", t(unit)),
		is("management", t("enforce")),
		is("state", t("running")),
		is("replicas", i("1")),
		is("foreignDropIns", t("warn")),
		is("restartOn", tab(is("unit", t("now")), is("files", t("now")), is("watch", t("now")), is("executable", t("manual")))),
		is("drift", tab(is("mode", t("enforce")))),
		is("manualStop", tab(is("hold", t("1h")), is("then", t(then)))),
		is("severity", t("P3")),
		is("limits", tab(is("restarts", i("3")), is("per", t("30m")),
			is("backoff", &node{kind: list, items: []*node{t("10s"), t("20s"), t("40s"), t("80s"), t("5m")}}))),
	)
	probe := []field{is("periodSeconds", i("10")), is("timeoutSeconds", i("1")), is("successThreshold", i("1")), is("failureThreshold", i("3"))}
	for _, f := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		if p := spec.given(f); p != nil && p.kind == table {
			defaults.fields = append(defaults.fields, is(f, tab(probe...)))
		}
	}
	return fill(spec, defaults)
}

// manyReplicas tells whether the unit must be a template.
func manyReplicas(n *node) bool {
	return n != nil && (n.kind == table || n.kind == integer && n.text != "0" && n.text != "1")
}

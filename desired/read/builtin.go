package read

// builtin fills in the defaults of fields that nobody gave. They have no place.
func builtin(o *object, spec *node) *node {
	switch {
	case spec.kind != table:
		return spec
	case o.kind == "Service":
		return fill(spec, serviceDefaults(o.meta.Name, spec))
	case o.kind == "Endpoint":
		defaults := []field{{name: "severity", value: word("P3")}}
		if p := spec.given("probe"); p != nil && p.kind == table {
			defaults = append(defaults, field{name: "probe", value: probeDefaults})
		}
		return fill(spec, fields(defaults...))
	}
	return spec
}

func word(s string) *node   { return &node{kind: text, text: s} }
func number(s string) *node { return &node{kind: integer, text: s} }

func fields(f ...field) *node { return &node{kind: table, fields: f} }

// The defaults of a Service. boot and onRemove are missing, because theirs
// depend on the unit.
var (
	enforce, running, one, warn, p3 = word("enforce"), word("running"), number("1"), word("warn"), word("P3")

	restartDefaults = fields(field{name: "unit", value: word("now")}, field{name: "files", value: word("now")},
		field{name: "watch", value: word("now")}, field{name: "executable", value: word("manual")})
	driftDefaults = fields(field{name: "mode", value: enforce})
	limitDefaults = fields(field{name: "restarts", value: number("3")}, field{name: "per", value: word("30m")},
		field{name: "backoff", value: &node{kind: list, items: []*node{word("10s"), word("20s"), word("40s"), word("80s"), word("5m")}}})
	probeDefaults = fields(field{name: "periodSeconds", value: number("10")}, field{name: "timeoutSeconds", value: one},
		field{name: "successThreshold", value: one}, field{name: "failureThreshold", value: number("3")})
	metricsDefaults  = fields(field{name: "interval", value: word("15s")})
	stopDefaults     = fields(field{name: "hold", value: word("1h")}, field{name: "then", value: word("restore")})
	statefulDefaults = fields(field{name: "hold", value: word("1h")}, field{name: "then", value: word("escalate")})
)

func serviceDefaults(name string, spec *node) *node {
	unit := name + ".service"
	if manyReplicas(spec.given("replicas")) {
		unit = name + "@.service"
	}
	stop := stopDefaults
	if s := spec.given("stateful"); s != nil && s.text == "true" {
		stop = statefulDefaults
	}
	defaults := append(make([]field, 0, 14),
		field{name: "unit", value: word(unit)}, field{name: "management", value: enforce}, field{name: "state", value: running},
		field{name: "replicas", value: one}, field{name: "foreignDropIns", value: warn}, field{name: "restartOn", value: restartDefaults},
		field{name: "drift", value: driftDefaults}, field{name: "manualStop", value: stop}, field{name: "severity", value: p3},
		field{name: "limits", value: limitDefaults})
	if m := spec.given("metrics"); m != nil && m.kind == table {
		defaults = append(defaults, field{name: "metrics", value: metricsDefaults})
	}
	for _, f := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		if p := spec.given(f); p != nil && p.kind == table {
			defaults = append(defaults, field{name: f, value: probeDefaults})
		}
	}
	return fields(defaults...)
}

// manyReplicas tells whether the unit must be a template.
func manyReplicas(n *node) bool {
	return n != nil && (n.kind == table || n.kind == integer && n.text != "0" && n.text != "1")
}

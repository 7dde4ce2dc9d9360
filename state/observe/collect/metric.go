package collect

import "slices"

// Metric is one that a collector reports.
type Metric struct {
	Name   string
	Type   string // as Prometheus' text has it: gauge, counter, untyped
	Help   string
	Labels []string
	From   string // what it is read from
}

// Group is what one source says.
type Group struct {
	Title    string
	Exporter string // whose names these are
	Metrics  []Metric
}

// Groups are all metrics by their source.
func Groups() []Group {
	return []Group{
		{"Redis", "redis_exporter", redisMetrics()},
		{"PostgreSQL", "postgres_exporter", postgresMetrics()},
		{"nginx", "nginx-prometheus-exporter", nginxMetrics()},
		{"Meilisearch", "its own experimental /metrics, where that has the same", meilisearchMetrics()},
		{"Certificates", "ssl_exporter, blackbox_exporter", certificateMetrics()},
		{"Host", "node_exporter", nodeMetrics()},
		{"systemd", "node_exporter (--collector.systemd)", systemdMetrics()},
	}
}

// All are all metrics, in the order in which they are written.
func All() []Metric {
	var all []Metric
	for _, g := range Groups() {
		all = append(all, g.Metrics...)
	}
	return all
}

// gauge is a Metric that goes up and down.
func gauge(name, from, help string, labels ...string) Metric {
	return Metric{Name: name, Type: "gauge", Help: help, Labels: labels, From: from}
}

// counter is a Metric that goes up alone.
func counter(name, from, help string, labels ...string) Metric {
	return Metric{Name: name, Type: "counter", Help: help, Labels: labels, From: from}
}

// values are the Metrics of a table of fields.
func values(table []field) []Metric {
	all := make([]Metric, len(table))
	for i, f := range table {
		all[i] = f.Metric
	}
	return all
}

// field is a Metric whose value stands under a name in what is read.
type field struct {
	name string
	Metric
}

// named finds a field by its name.
func named(table []field, name string) (field, bool) {
	i := slices.IndexFunc(table, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return table[i], true
}

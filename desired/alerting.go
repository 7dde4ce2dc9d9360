package desired

// RuleFile is a file of Prometheus rule groups, as text that Prometheus' own parser
// reads.
type RuleFile struct {
	Name       string      `json:"name"` // of the AlertRules, or the path of a plain file of Prometheus'
	Text       []byte      `json:"text,omitempty"`
	Prometheus *Prometheus `json:"prometheus,omitempty"`
}

// Target is one place that metrics are read from, and the labels that its series
// get: job, instance, and those of Labels.
type Target struct {
	Job      string            `json:"job"`
	Instance string            `json:"instance"`
	Object   string            `json:"object"`         // "Service/x", or "Host/name" for what the host itself says
	Unit     string            `json:"unit,omitempty"` // of which replica
	Labels   map[string]string `json:"labels,omitempty"`
	Interval Duration          `json:"interval"`
	Metrics  Metrics           `json:"metrics"` // one source alone is set; none: Collector
	// Collector names what the host itself says: node, systemd.
	Collector string `json:"collector,omitempty"`
}

// Runbook is a ladder for alerts. All matchers of Spec.Match must match the labels of
// an alert; of several Runbooks the first by name is the one.
type Runbook struct {
	Name string      `json:"name"`
	Spec RunbookSpec `json:"spec"`
}

// Object is the name by which the record speaks of it.
func (r Runbook) Object() string { return "Runbook/" + r.Name }

// Command is the cause as it is run: variables stand for what they are since the Drill
// was read, so that $$(…) is a shell's own $(…) now.
func (d Drill) Command() []string {
	out := make([]string, 0, len(d.Cause.Command))
	for _, arg := range d.Cause.Command {
		arg, _ = Expand(arg, func(string) (string, bool) { return "", false })
		out = append(out, arg)
	}
	return out
}

package report

import (
	"encoding/json"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// hidden stands where sensitive content would.
const hidden = "(sensitive)"

// redact returns the spec of an object without what is sensitive: the content
// of files, and headers that log somebody in. A spec that cannot be read cannot
// be made safe, and is not shown.
func (d declared) redact(o desired.Object) json.RawMessage {
	switch o.Kind {
	case "Service":
		return rewrite(o.Spec, d.redactService)
	case "Defaults":
		return rewrite(o.Spec, func(s *desired.DefaultsSpec) bool { return d.redactService(&s.Service) })
	case "Endpoint":
		return rewrite(o.Spec, func(e *desired.EndpointSpec) bool { return redactProbes(&e.Probe) })
	}
	if len(o.Spec) == 0 || !json.Valid(o.Spec) {
		return json.RawMessage("{}")
	}
	return o.Spec
}

// rewrite changes a spec in its Go form; untouched ones stay byte for byte.
func rewrite[T any](raw json.RawMessage, change func(*T) bool) json.RawMessage {
	var spec T
	if json.Unmarshal(raw, &spec) != nil {
		return json.RawMessage("{}")
	}
	if !change(&spec) {
		return raw
	}
	out, err := json.Marshal(spec)
	if err != nil {
		return json.RawMessage("{}")
	}
	return out
}

func (d declared) redactService(s *desired.ServiceSpec) bool {
	changed := false
	for i := range s.Files {
		if f := &s.Files[i]; f.Content != "" && (secret(*f) || d[f.Path].sensitive) {
			f.Content, changed = hidden, true
		}
	}
	probes := redactProbes(s.LivenessProbe, s.ReadinessProbe, s.StartupProbe)
	metrics := s.Metrics != nil && redactHeaders(s.Metrics.HTTPGet)
	return changed || probes || metrics
}

func redactProbes(probes ...*desired.Probe) bool {
	changed := false
	for _, p := range probes {
		if p != nil && redactHeaders(p.HTTPGet) {
			changed = true
		}
	}
	return changed
}

func redactHeaders(g *desired.HTTPGet) bool {
	if g == nil {
		return false
	}
	changed := false
	for i := range g.HTTPHeaders {
		if h := &g.HTTPHeaders[i]; credential(h.Name) && h.Value != "" {
			h.Value, changed = hidden, true
		}
	}
	return changed
}

// credential tells headers whose value logs somebody in.
func credential(header string) bool {
	h := strings.ToLower(header)
	for _, word := range []string{"authorization", "cookie", "token", "secret", "password", "api-key", "apikey"} {
		if strings.Contains(h, word) {
			return true
		}
	}
	return false
}

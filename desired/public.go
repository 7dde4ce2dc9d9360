package desired

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// PublicURL is the annotation of a Service that says where outsiders find it.
const PublicURL = "evenkeel.dev/url"

// CheckPublicURL says what is wrong with a URL to which the paths of probes are
// added; nothing for nothing.
func CheckPublicURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil && strings.Contains(s, "@") || err == nil && u.User != nil:
		return "a public URL is known to everybody, and this one holds a user or a password; remove that"
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !isPort(u.Port()):
		return strconv.Quote(shorten(s)) + " is not a URL like https://api.example.org"
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return strconv.Quote(shorten(s)) + ": the paths of probes are added to it, so it cannot have a query or a fragment"
	}
	return ""
}

// isPort tells what may follow the colon; nothing, where there is none.
func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return s == "" || err == nil && n >= 1 && n <= 65535
}

// Public is what an outsider may ask of a Service or an Endpoint.
type Public struct {
	Kind   string
	Name   string
	Labels map[string]string
	Probes []Probing // liveness before readiness
	Why    string    // why there are none
}

// Object is KIND/NAME.
func (p Public) Object() string { return p.Kind + "/" + p.Name }

// The paths that are asked where a probe does not say another one.
const (
	livePath  = "/health"
	readyPath = "/health/ready"
)

// Public lists what an outsider may ask of every Service of the environment,
// whatever host it runs on, and of every Endpoint, each by name. It is an error
// where a URL depends on an environment, and none is chosen.
func (s *Set) Public() ([]Public, error) {
	var all []Public
	for _, o := range s.Objects {
		if o.Kind != "Service" {
			continue
		}
		p, err := o.public()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Ref(), err)
		}
		all = append(all, p)
	}
	for _, e := range s.Endpoints {
		p := Public{Kind: "Endpoint", Name: e.Name, Labels: e.Labels}
		if e.Probe.Probe.outside() {
			p.Probes = []Probing{e.Probe}
		} else {
			p.Why = "its probe names no other host, so only the host itself can ask"
		}
		all = append(all, p)
	}
	return all, nil
}

// outside tells whether a probe goes to a host that it names.
func (p *Probe) outside() bool {
	return p.HTTPGet != nil && (p.HTTPGet.URL != "" || p.HTTPGet.Host != "") || p.TCPSocket != nil && p.TCPSocket.Host != ""
}

// public is what can be asked of a Service at its URL.
func (o Object) public() (Public, error) {
	p := Public{Kind: o.Kind, Name: o.Metadata.Name, Labels: o.Metadata.Labels}
	base := o.Metadata.Annotations[PublicURL]
	if base == "" {
		p.Why = "it has no public URL; the annotation " + PublicURL + " would say one"
		return p, nil
	}
	base, unknown := Expand(base, func(string) (string, bool) { return "", false })
	if len(unknown) > 0 {
		return p, fmt.Errorf("its public URL has no value: $(%s) is another in each environment, and none is chosen", unknown[0].Name)
	}
	var spec struct {
		State                         string
		LivenessProbe, ReadinessProbe *Probe
	}
	if err := json.Unmarshal(o.Spec, &spec); err != nil {
		return p, fmt.Errorf("read its probes: %w", err)
	}
	if spec.State == Stopped {
		p.Why = "it is declared as stopped"
		return p, nil
	}
	base = strings.TrimRight(base, "/")
	p.Probes = []Probing{
		o.probing(LivenessProbe, base+spec.LivenessProbe.pathOr(livePath), spec.LivenessProbe),
		o.probing(ReadinessProbe, base+spec.ReadinessProbe.pathOr(readyPath), spec.ReadinessProbe),
	}
	return p, nil
}

// probing asks at a URL what a probe of the service asks on its host. What every
// instance says for itself cannot be expected of what stands before all of them;
// headers are those of the host's own, and stay there.
func (o Object) probing(kind, at string, declared *Probe) Probing {
	p := Probing{Name: ProbeName(kind, o.Ref()), Kind: kind, Object: o.Ref(), Probe: Probe{HTTPGet: &HTTPGet{URL: at}}}
	if declared == nil {
		return p
	}
	p.Probe.TimeoutSeconds, p.Probe.FailureThreshold = declared.TimeoutSeconds, declared.FailureThreshold
	if declared.HTTPGet != nil && !perInstance(declared.ExpectJSON) {
		p.Probe.ExpectJSON = literal(declared.ExpectJSON)
	}
	return p
}

// pathOr is the path that a probe asks for, or another where it asks in another
// way, or another way for each instance.
func (p *Probe) pathOr(otherwise string) string {
	if p == nil || p.HTTPGet == nil || !strings.HasPrefix(p.HTTPGet.Path, "/") || holds(p.HTTPGet.Path, "$(instance)") {
		return otherwise
	}
	return literal(p.HTTPGet.Path)
}

// perInstance tells whether any text in a value is another for each instance.
func perInstance(v any) bool {
	found := false
	mapped(reflect.ValueOf(&v).Elem(), func(s string) string { found = found || holds(s, "$(instance)"); return s })
	return found
}

// literal is a value of which all variables are expanded, and the $$(…) that
// stood for a text is that text.
func literal[T any](v T) T {
	return mapped(reflect.ValueOf(v), func(s string) string {
		s, _ = Expand(s, func(string) (string, bool) { return "", false })
		return s
	}).Interface().(T)
}

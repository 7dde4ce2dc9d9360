package desired

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// The kinds of probes.
const (
	StartupProbe   = "startup"
	LivenessProbe  = "liveness"
	ReadinessProbe = "readiness"
	EndpointProbe  = "endpoint"
)

// Probing is one probe as a host runs it: of one unit, or of an Endpoint. Ports
// are numbers, variables are expanded, defaults are filled in.
type Probing struct {
	Name   string `json:"name"`           // of the fact that it becomes: see ProbeName
	Kind   string `json:"kind"`           // startup, liveness, readiness, endpoint
	Object string `json:"object"`         // Service/x, Endpoint/x
	Unit   string `json:"unit,omitempty"` // empty: an Endpoint's
	Probe  Probe  `json:"probe"`
	User   string `json:"user,omitempty"` // who runs its command; empty: nobody
}

// ProbeName is the name of the fact that a probe of a unit, or of an Endpoint,
// becomes.
func ProbeName(kind, what string) string { return kind + "/" + what }

// Endpoint is something outside as this host looks at it.
type Endpoint struct {
	Name     string            `json:"name"`
	Labels   map[string]string `json:"labels,omitempty"`
	Severity string            `json:"severity,omitempty"`
	Probe    Probing           `json:"probe"`
}

// Object is the name by which holds speak of the Endpoint.
func (e Endpoint) Object() string { return "Endpoint/" + e.Name }

// NewEndpoint makes of a declared Endpoint what is asked of it.
func NewEndpoint(name string, labels map[string]string, spec EndpointSpec) Endpoint {
	e := Endpoint{Name: name, Labels: labels, Severity: spec.Severity}
	e.Probe = Probing{Name: ProbeName(EndpointProbe, name), Kind: EndpointProbe, Object: e.Object(), Probe: spec.Probe}
	return e
}

// Probing finds the probe of a kind that a unit of the service has.
func (s *Service) Probing(kind, unit string) (*Probing, bool) {
	for i := range s.Probes {
		if s.Probes[i].Kind == kind && s.Probes[i].Unit == unit {
			return &s.Probes[i], true
		}
	}
	return nil, false
}

// Probings lists every probe that this host runs, with the user who runs its
// command: the one whom the host's policy names for the program.
func (s *Set) Probings() []Probing {
	var all []Probing
	for i := range s.Services {
		all = append(all, s.Services[i].Probes...)
	}
	for _, e := range s.Endpoints {
		all = append(all, e.Probe)
	}
	for i := range all {
		if e := all[i].Probe.Exec; e != nil {
			all[i].User = s.Policy.execUser(e.Command)
		}
	}
	return all
}

// execUser is whom policy lets run a command.
func (p Policy) execUser(argv []string) string {
	for _, e := range p.Exec {
		if len(argv) > 0 && e.Argv0 == argv[0] {
			return e.User
		}
	}
	return ""
}

// probes makes the probes of each unit of a service.
func (b *builder) probes(s *Service) {
	for _, p := range []struct {
		kind  string
		probe *Probe
	}{
		{StartupProbe, b.d.Spec.StartupProbe}, {LivenessProbe, b.d.Spec.LivenessProbe}, {ReadinessProbe, b.d.Spec.ReadinessProbe},
	} {
		if p.probe == nil {
			continue
		}
		units := append(slices.Clone(s.Units), s.Spare...)
		for i, instance := range b.instances() {
			probe := mapped(reflect.ValueOf(*p.probe), func(v string) string { return b.one(v, instance) }).Interface().(Probe)
			numberPorts(&probe, b.d.Spec.Ports)
			s.Probes = append(s.Probes, Probing{
				Name: ProbeName(p.kind, units[i]), Kind: p.kind, Object: s.Object(), Unit: units[i], Probe: probe,
			})
		}
	}
}

// numberPorts puts numbers in place of the names of ports.
func numberPorts(p *Probe, ports map[string]int) {
	for _, port := range p.ports() {
		numberPort(port, ports)
	}
}

func numberPort(port *Port, ports map[string]int) {
	if port == nil || port.Name == "" {
		return
	}
	n, ok := ports[port.Name]
	if !ok {
		n, _ = strconv.Atoi(port.Name) // one that a variable made: 30$(instance)
	}
	*port = Port{Number: n}
}

// ports are the ports that a probe names; nil where it names none.
func (p *Probe) ports() []*Port {
	switch {
	case p.HTTPGet != nil:
		return []*Port{p.HTTPGet.Port}
	case p.TCPSocket != nil:
		return []*Port{p.TCPSocket.Port}
	case p.GRPC != nil:
		return []*Port{p.GRPC.Port}
	case p.Redis != nil:
		return []*Port{p.Redis.Port}
	case p.Postgres != nil:
		return []*Port{p.Postgres.Port}
	}
	return nil
}

// endpoints sorts the Endpoints of the Set, whatever host depends on them.
func (c *compiler) endpoints() []Endpoint {
	all := slices.Clone(c.in.Endpoints)
	slices.SortFunc(all, func(a, b Endpoint) int { return strings.Compare(a.Name, b.Name) })
	return all
}

package desired

import (
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

var portName = lazily(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

func (c *checker) ports(ports map[string]int) {
	for _, name := range sorted(ports) {
		if !portName().MatchString(name) || !strings.ContainsFunc(name, func(r rune) bool { return r >= 'a' && r <= 'z' }) {
			c.bad("spec.ports."+name, "%q is not the name of a port; write small letters, digits and -, and at least one letter", shorten(name))
		}
		if ports[name] < 1 || ports[name] > 65535 {
			c.bad("spec.ports."+name, "%d is not a port; they go from 1 to 65535", ports[name])
		}
	}
}

func (c *checker) probes(s *ServiceSpec) {
	for _, p := range []struct {
		field string
		probe *Probe
		once  bool // a single success counts, as in Kubernetes
	}{{"spec.livenessProbe", s.LivenessProbe, true}, {"spec.readinessProbe", s.ReadinessProbe, false}, {"spec.startupProbe", s.StartupProbe, true}} {
		if p.probe == nil {
			continue
		}
		c.probe(p.field, p.probe, s.Ports)
		if p.once && p.probe.SuccessThreshold > 1 {
			c.bad(p.field+".successThreshold", "must be 1 for this kind of probe")
		}
	}
	c.metrics("spec.metrics", s.Metrics, s.Ports)
}

// probe checks one way of asking, and how often it is asked.
func (c *checker) probe(field string, p *Probe, ports map[string]int) {
	for _, n := range []struct {
		name  string
		value int
		least int
	}{
		{"initialDelaySeconds", p.InitialDelaySeconds, 0},
		{"periodSeconds", p.PeriodSeconds, 1},
		{"timeoutSeconds", p.TimeoutSeconds, 1},
		{"successThreshold", p.SuccessThreshold, 1},
		{"failureThreshold", p.FailureThreshold, 1},
	} {
		if n.value < n.least {
			c.bad(field+"."+n.name, "want %d or more", n.least)
		}
	}
	if len(p.ExpectJSON) > 0 && p.HTTPGet == nil {
		c.bad(field+".expectJSON", "only httpGet has an answer to compare")
	}
	c.asking(field, p, ports)
}

func (c *checker) asking(field string, p *Probe, ports map[string]int) {
	switch {
	case p.HTTPGet != nil:
		c.http(field+".httpGet", p.HTTPGet, ports)
	case p.TCPSocket != nil:
		c.port(field+".tcpSocket.port", p.TCPSocket.Port, ports)
	case p.GRPC != nil:
		c.port(field+".grpc.port", p.GRPC.Port, ports)
	case p.Redis != nil:
		c.redis(field+".redis", p.Redis, ports)
	case p.Postgres != nil:
		c.postgres(field+".postgres", p.Postgres, ports)
	case p.Unix != nil:
		c.absolute(field+".unix.path", p.Unix.Path)
	case p.Exec != nil:
		c.argv(field+".exec.command", p.Exec.Command)
	}
}

func (c *checker) redis(field string, r *Redis, ports map[string]int) {
	c.port(field+".port", r.Port, ports)
	if r.Address != "" {
		c.hostPort(field+".address", r.Address)
	}
}

func (c *checker) postgres(field string, p *Postgres, ports map[string]int) {
	c.port(field+".port", p.Port, ports)
	if p.DSN != nil && p.Host != "" {
		c.bad(field+".host", "the dsn names the host already")
	}
}

func (c *checker) http(field string, h *HTTPGet, ports map[string]int) {
	if h == nil {
		return // missing, which has been said
	}
	c.port(field+".port", h.Port, ports)
	if h.URL != "" {
		u, err := url.Parse(h.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			c.bad(field+".url", "%q is not a URL like https://example.org/health", shorten(h.URL))
		}
		if h.Scheme != "" || h.Host != "" || h.Path != "" {
			c.bad(field+".url", "names scheme, host and path already; remove those")
		}
		return
	}
	if h.Path != "" && h.Path[0] != '/' {
		c.bad(field+".path", "%q must begin with /", shorten(h.Path))
	}
	for i, one := range h.HTTPHeaders {
		if strings.ContainsAny(one.Name, "\r\n\x00: ") || strings.ContainsAny(one.Value, "\r\n\x00") {
			c.bad(index(field+".httpHeaders", i), "a header cannot hold line breaks, nor its name blanks or colons")
		}
	}
}

// port checks a number, or that a name is one of the service's ports.
func (c *checker) port(field string, p *Port, ports map[string]int) {
	switch {
	case p == nil:
	case p.Name == "":
		if p.Number < 1 || p.Number > 65535 {
			c.bad(field, "%d is not a port; they go from 1 to 65535", p.Number)
		}
	case strings.Contains(p.Name, "$("): // another number for each instance
	default:
		if _, ok := ports[p.Name]; !ok {
			c.bad(field, "no port is named %s%s", shorten(p.Name), portHint(p.Name, ports))
		}
	}
}

func portHint(name string, ports map[string]int) string {
	if len(ports) == 0 {
		return "; declare it in spec.ports, or write the number"
	}
	if hint := DidYouMean(name, sorted(ports)); hint != "" {
		return hint
	}
	return "; spec.ports has " + strings.Join(sorted(ports), ", ")
}

func (c *checker) hostPort(field, s string) {
	host, port, err := net.SplitHostPort(s)
	n, numErr := strconv.Atoi(port)
	if err != nil || numErr != nil || host == "" || n < 1 || n > 65535 {
		c.bad(field, "%q is not host:port", shorten(s))
	}
}

// argv checks a command that is run without a shell.
func (c *checker) argv(field string, argv []string) {
	if len(argv) == 0 {
		return
	}
	if !path.IsAbs(argv[0]) {
		c.bad(index(field, 0), "%q is not an absolute path to a program", shorten(argv[0]))
	}
	if slices.ContainsFunc(argv, func(s string) bool { return strings.ContainsRune(s, 0) }) {
		c.bad(field, "an argument holds a NUL")
	}
}

func sorted[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

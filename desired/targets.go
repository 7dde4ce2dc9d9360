package desired

import (
	"cmp"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// What a target is read by where nothing else is said.
const (
	MetricsInterval = Duration(15 * time.Second)
	localhost       = "127.0.0.1"
)

// The collectors of what the host itself says, which are also their jobs.
const (
	NodeCollector    = "node"
	SystemdCollector = "systemd"
)

// targets makes what is read of each unit of a service: one target for its metrics,
// and one for its certificates. Those of units that run only where it is scaled, or
// stands in for another, are kept apart.
func (b *builder) targets(s *Service) {
	m := b.d.Spec.Metrics
	if m == nil {
		return
	}
	var all []Target
	units := append(slices.Clone(s.Units), s.Spare...)
	for i, instance := range b.instances() {
		one := mapped(reflect.ValueOf(*m), func(v string) string { return b.one(v, instance) }).Interface().(Metrics)
		for _, p := range one.ports() {
			numberPort(*p, b.d.Spec.Ports)
		}
		all = b.target(all, s, units[i], one)
	}
	for _, t := range all {
		if b.d.Spec.State == Stopped || slices.Contains(s.Spare, t.Unit) {
			s.SpareTargets = append(s.SpareTargets, t)
		} else {
			s.Targets = append(s.Targets, t)
		}
	}
}

// target adds those of one unit to those of others.
func (b *builder) target(all []Target, s *Service, unit string, m Metrics) []Target {
	t := Target{Job: s.Name, Object: s.Object(), Unit: unit, Interval: cmp.Or(m.Interval, MetricsInterval)}
	t.Labels = map[string]string{"service": s.Name, "unit": unit, "host": b.vars.Host}
	if b.vars.Environment != "" {
		t.Labels["environment"] = b.vars.Environment
	}
	certificates := m.Certificates
	m.Certificates, m.Interval = nil, 0
	if m != (Metrics{}) {
		t.Instance, t.Metrics = m.address(unit), m
		all = beside(all, t)
	}
	if certificates != nil {
		t.Instance, t.Metrics = b.vars.Host, Metrics{Certificates: certificates}
		all = beside(all, t)
	}
	return all
}

// beside adds a target, unless another unit's is the same place: what all units share
// is read once. By job and instance no two are the same.
func beside(all []Target, t Target) []Target {
	if slices.ContainsFunc(all, func(other Target) bool { return reflect.DeepEqual(other.Metrics, t.Metrics) }) {
		return all
	}
	if slices.ContainsFunc(all, func(other Target) bool { return other.Instance == t.Instance }) {
		t.Instance += "/" + t.Unit
	}
	return append(all, t)
}

// address is what the label instance says: where the metrics are had. A DSN is a
// secret, so that there the unit stands for it.
func (m Metrics) address(unit string) string {
	at := func(host string, p *Port, usual int) string {
		if p != nil {
			usual = p.Number
		}
		return net.JoinHostPort(cmp.Or(host, localhost), strconv.Itoa(usual))
	}
	switch {
	case m.HTTPGet != nil:
		return m.HTTPGet.address(at)
	case m.Nginx != nil:
		return m.Nginx.address(at)
	case m.Redis != nil && m.Redis.Address != "":
		return m.Redis.Address
	case m.Redis != nil:
		return at("", m.Redis.Port, 6379)
	case m.Postgres != nil && m.Postgres.DSN != nil:
		return unit
	case m.Postgres != nil:
		return at(m.Postgres.Host, m.Postgres.Port, 5432)
	case m.Meilisearch != nil:
		return at(m.Meilisearch.Host, m.Meilisearch.Port, 7700)
	}
	return unit
}

func (h *HTTPGet) address(at func(string, *Port, int) string) string {
	usual := func(scheme string) int {
		if scheme == "https" || scheme == "HTTPS" {
			return 443
		}
		return 80
	}
	if u, err := url.Parse(h.URL); h.URL != "" && err == nil {
		n, err := strconv.Atoi(u.Port())
		if err != nil {
			n = usual(u.Scheme)
		}
		return at(u.Hostname(), &Port{Number: n}, 0)
	}
	return at(h.Host, h.Port, usual(h.Scheme))
}

// ports are the places of the ports that metrics name.
func (m *Metrics) ports() []**Port {
	var all []**Port
	if m.HTTPGet != nil {
		all = append(all, &m.HTTPGet.Port)
	}
	if m.Redis != nil {
		all = append(all, &m.Redis.Port)
	}
	if m.Postgres != nil {
		all = append(all, &m.Postgres.Port)
	}
	if m.Nginx != nil {
		all = append(all, &m.Nginx.Port)
	}
	if m.Meilisearch != nil {
		all = append(all, &m.Meilisearch.Port)
	}
	return all
}

// alerting fills in what alerts rest on: nothing where this host runs nothing. The
// host itself is read only where there is a rule that could ask.
func (c *compiler) alerting(set *Set, member bool) {
	if !member {
		return
	}
	set.Rules, set.Runbooks = slices.Clone(c.in.Rules), slices.Clone(c.in.Runbooks)
	slices.SortFunc(set.Rules, func(a, b RuleFile) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(set.Runbooks, func(a, b Runbook) int { return cmp.Compare(a.Name, b.Name) })
	for _, s := range set.Services {
		set.Targets = append(set.Targets, s.Targets...)
	}
	if len(set.Rules) > 0 {
		set.Targets = append(set.Targets, hostTarget(set, NodeCollector), hostTarget(set, SystemdCollector))
	}
	slices.SortStableFunc(set.Targets, func(a, b Target) int {
		return cmp.Or(cmp.Compare(a.Job, b.Job), cmp.Compare(a.Instance, b.Instance))
	})
}

func hostTarget(set *Set, collector string) Target {
	labels := map[string]string{"host": set.Host.Name}
	if set.Environment != "" {
		labels["environment"] = set.Environment
	}
	return Target{
		Job: collector, Instance: set.Host.Name, Object: "Host/" + set.Host.Name,
		Labels: labels, Interval: MetricsInterval, Collector: collector,
	}
}

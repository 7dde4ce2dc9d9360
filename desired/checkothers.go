package desired

import (
	"net/url"
	"strings"
)

var (
	doName   = lazily(`^[a-z][-a-z0-9]*(\.[a-z][-a-z0-9]*)?$`)
	varName  = lazily(`^[A-Za-z_][-A-Za-z0-9_.]*$`)
	hexSum   = lazily(`^[0-9a-f]{64}$`)
	hostName = lazily(`^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$`)
)

func (c *checker) environment(s *EnvironmentSpec) {
	c.matchers("spec.hosts", s.Hosts)
	if s.Domain != "" && !hostName().MatchString(s.Domain) {
		c.bad("spec.domain", "%q is not a domain", shorten(s.Domain))
	}
	for _, name := range sorted(s.Vars) {
		if !varName().MatchString(name) {
			c.bad("spec.vars."+name, "%q is not the name of a variable; write letters, digits and _", shorten(name))
		}
	}
	if s.Verify != nil {
		c.argv("spec.verify.argv", s.Verify.Argv)
	}
}

func (c *checker) runs(l *RunbookRuns) {
	if l == nil {
		return
	}
	if l.Runs < 1 {
		c.bad("spec.limits.runs", "want 1 or more")
	}
	if l.Per <= 0 {
		c.bad("spec.limits.per", "want more than 0s")
	}
}

// drill checks how a runbook is tried: what it waits for the runbook must be for.
func (c *checker) drill(s *RunbookSpec) {
	d := s.Drill
	if d == nil {
		return
	}
	c.argv("spec.drill.cause.command", d.Cause.Command)
	matchers, err := ParseAllMatchers(s.Match)
	if err != nil || d.Alert == "" {
		return
	}
	for _, m := range matchers {
		if m.Name == "alertname" && !m.Matches(map[string]string{m.Name: d.Alert}) {
			c.bad("spec.drill.alert", "the runbook is not for %s: see spec.match", shorten(d.Alert))
		}
	}
}

func (c *checker) window(s *ChangeWindowSpec) {
	c.matchers("spec.match", s.Match)
	if s.Duration <= 0 {
		c.bad("spec.duration", "want more than 0s")
	}
}

func (c *checker) cache(s *CacheSpec) {
	switch {
	case s.Redis != nil:
		c.hostPort("spec.redis.address", s.Redis.Address)
		if s.Redis.DB < 0 {
			c.bad("spec.redis.db", "want 0 or more")
		}
		if len(s.Redis.Patterns) == 0 && !s.Redis.Whole {
			c.bad("spec.redis", "name the patterns that may be flushed, or write whole: true for all of the database")
		}
		for i, p := range s.Redis.Patterns {
			if !strings.Contains(p, "$(") && strings.Trim(p, "*") == "" {
				c.bad(index("spec.redis.patterns", i), "%q is every key or none; write whole: true for all of the database", p)
			}
		}
	case s.Nginx != nil:
		c.absolute("spec.nginx.path", s.Nginx.Path)
	}
}

func (c *checker) actuator(s *ActuatorSpec) {
	c.absolute("spec.path", s.Path)
	if !hexSum().MatchString(s.SHA256) {
		c.bad("spec.sha256", "want 64 hexadecimal digits, as sha256sum prints them")
	}
	if s.User != "" && !userName().MatchString(s.User) {
		c.bad("spec.user", "%q is not the name of a user", shorten(s.User))
	}
}

// rules checks that there is something to evaluate; what the rules mean is said by
// who knows their language.
func (c *checker) rules(s *AlertRulesSpec) {
	if len(s.Groups) == 0 && s.Prometheus == nil {
		c.bad("spec", "groups is missing; or prometheus, whose own alerts are taken")
	}
	if s.Prometheus == nil {
		return
	}
	u, err := url.Parse(s.Prometheus.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		c.bad("spec.prometheus.url", "%q is not a URL like http://prometheus:9090", shorten(s.Prometheus.URL))
	}
	c.matchers("spec.prometheus.match", s.Prometheus.Match)
}

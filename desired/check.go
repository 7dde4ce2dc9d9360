package desired

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Check holds one object's spec, given as a pointer to its Go type, to the
// rules that its types do not express. It looks at nothing but the spec.
func Check(object string, spec any) []Finding {
	c := &checker{findings{object: object}}
	switch s := spec.(type) {
	case *ServiceSpec:
		c.service(s)
	case *EnvironmentSpec:
		c.environment(s)
	case *EndpointSpec:
		c.probe("spec.probe", &s.Probe, nil)
	case *RunbookSpec:
		c.matchers("spec.match", s.Match)
		c.ladder("Runbook", "spec.steps", s.Steps)
		c.runs(s.Limits)
		c.drill(s)
	case *TaskSpec:
		c.ladder("Task", "spec.steps", s.Steps)
	case *ChangeWindowSpec:
		c.window(s)
	case *RouteSpec:
		c.matchers("spec.match", s.Match)
	case *CacheSpec:
		c.cache(s)
	case *ActuatorSpec:
		c.plugin(strings.TrimPrefix(object, "Actuator/"))
		c.actuator(s)
	case *AlertRulesSpec:
		c.rules(s)
	}
	return c.list
}

type checker struct{ findings }

// bad reports a field by its name.
func (c *checker) bad(field, format string, args ...any) {
	c.errorf(field, "%s: %s", field, fmt.Sprintf(format, args...))
}

func (c *checker) service(s *ServiceSpec) {
	c.matchers("spec.hosts", s.Hosts)
	c.unit(s)
	c.dropIns(s)
	for i, f := range s.Files {
		c.file(index("spec.files", i), f)
	}
	for i, w := range s.Watch {
		c.absolute(index("spec.watch", i), w)
	}
	c.dependencies(s.DependsOn)
	c.ports(s.Ports)
	c.probes(s)
	c.ladder("Service", "spec.remedies", s.Remedies)
	c.limits(s.Limits)
	c.release(s.Release)
}

func (c *checker) matchers(field string, list []string) {
	for i, m := range list {
		if _, err := ParseMatchers(m); err != nil {
			c.bad(index(field, i), "%v", err)
		}
	}
}

// refused are the units that nobody may declare: what evenkeel and systemd
// need to work, and the way by which a human gets in. Policy protects more.
var refused = []string{"evenkeel*", "systemd-*", "dbus*", "ssh", "ssh.socket", "ssh@*", "sshd*"}

func (c *checker) unit(s *ServiceSpec) {
	u, err := ParseUnitName(s.Unit)
	if err != nil {
		c.bad("spec.unit", "%v", err)
		return
	}
	if matchUnit(refused, s.Unit) {
		c.bad("spec.unit", "%s is protected: evenkeel never touches itself, systemd, dbus or sshd", s.Unit)
	}
	r := s.Replicas
	switch {
	case r == nil:
		return
	case r.Min < 1:
		c.bad("spec.replicas", "want at least 1; write state: stopped if none should run")
	case r.Max < r.Min:
		c.bad("spec.replicas", "max %d is less than min %d", r.Max, r.Min)
	case r.Max > maxReplicas:
		c.bad("spec.replicas", "want at most %d", maxReplicas)
	case r.Max > 1 && !u.Template():
		c.bad("spec.replicas", "%s can run only once; more need a template: write unit: %s@.%s", s.Unit, u.Prefix, u.Suffix)
	}
}

// maxReplicas is more than one host runs of anything.
const maxReplicas = 256

// isFileName tells what the name of a drop-in or a release may be.
func isFileName(s string) bool { return len(s) <= 200 && fileName().MatchString(s) }

// fileName does not count: a pattern that does is slow to compile.
var fileName = lazily(`^[A-Za-z0-9_][-A-Za-z0-9_.:@+~]*$`)

func (c *checker) dropIns(s *ServiceSpec) {
	seen := map[string]bool{}
	for i, d := range s.DropIns {
		field := index("spec.dropIns", i)
		name := strings.TrimSuffix(d.Name, ".conf")
		switch {
		case !isFileName(name):
			c.bad(field+".name", "%q cannot be the name of a drop-in; write it like 10-limits", shorten(d.Name))
		case seen[name]:
			c.bad(field+".name", "there is a drop-in named %s already", name)
		case d.Source == "" && strings.TrimSpace(d.Content) == "":
			c.bad(field+".content", "is empty")
		}
		seen[name] = true
	}
	for i, a := range s.AcceptDropIns {
		if !isFileName(strings.TrimSuffix(a, ".conf")) {
			c.bad(index("spec.acceptDropIns", i), "%q cannot be the name of a drop-in", shorten(a))
		}
	}
	if u := s.UnitFile; u != nil && u.Source == "" && strings.TrimSpace(u.Content) == "" {
		c.bad("spec.unitFile.content", "is empty")
	}
}

var (
	octal    = lazily(`^0?[0-7]{3,4}$`)
	userName = lazily(`^([a-z_][-a-z0-9_]{0,31}\$?|0|[1-9][0-9]{0,9})$`)
)

func (c *checker) file(field string, f File) {
	c.absolute(field+".path", f.Path)
	for _, dir := range []string{"/etc/systemd/system", "/run/systemd", "/usr/lib/systemd", "/lib/systemd"} {
		if strings.HasPrefix(f.Path, dir+"/") {
			c.bad(field+".path", "what lies in %s is declared by unitFile and dropIns", dir)
		}
	}
	if f.Mode != "" && (!octal().MatchString(f.Mode) || parseMode(f.Mode) == 0) {
		c.bad(field+".mode", `%q is not a mode; write it in octal, like "0640"`, shorten(f.Mode))
	}
	for _, id := range []struct{ field, name string }{{"owner", f.Owner}, {"group", f.Group}} {
		if id.name != "" && !strings.Contains(id.name, "$(") && !userName().MatchString(id.name) {
			c.bad(field+"."+id.field, "%q is not the name of a %s", shorten(id.name), map[string]string{"owner": "user", "group": "group"}[id.field])
		}
	}
	if f.Expand && f.Host {
		c.bad(field+".expand", "the content belongs to the host, so nothing in it can be expanded")
	}
}

// absolute checks a path: where a file lies must not depend on anything.
func (c *checker) absolute(field, p string) {
	switch {
	case strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }):
		c.bad(field, "%q holds a control character", shorten(p))
	case !path.IsAbs(p):
		c.bad(field, "%q is not an absolute path", shorten(p))
	case path.Clean(p) != p || p == "/":
		c.bad(field, "%q is not a plain path; write %s", shorten(p), shorten(path.Clean(p)))
	case len(p) > 4000:
		c.bad(field, "the path is too long")
	}
}

func (c *checker) dependencies(list []Dependency) {
	var seen []string
	for i, d := range list {
		if slices.Contains(seen, d.Name) {
			c.bad(index("spec.dependsOn", i), "%s is named twice", d.Name)
		}
		seen = append(seen, d.Name)
	}
}

func (c *checker) limits(l *Limits) {
	if l == nil {
		return
	}
	if l.Restarts < 0 {
		c.bad("spec.limits.restarts", "want 0 or more")
	}
	if l.Per <= 0 {
		c.bad("spec.limits.per", "want more than 0s")
	}
}

// lazily is a pattern that is compiled when it is first needed: most starts of the
// program need none.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

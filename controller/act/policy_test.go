package act

import (
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
)

func action(verb, target string, args ...string) actuators.Action {
	actuator, verb, _ := strings.Cut(verb, ".")
	a := actuators.Action{Actuator: actuator, Verb: verb, Target: target}
	for i := 0; i+1 < len(args); i += 2 {
		if a.Args == nil {
			a.Args = map[string]string{}
		}
		a.Args[args[i]] = args[i+1]
	}
	return a
}

// What the host's policy lets actuators do that act on more than units and
// files, from the Action alone.
func TestWhatPolicyAllows(t *testing.T) {
	p := desired.Policy{
		Mode: desired.Enforce, Units: []string{"shop.service"}, Paths: []string{"/var/cache/nginx/pages/**", "/srv/one/*", "/opt/shop/**"},
		Exec:    []desired.PolicyExec{{Argv0: "/usr/local/bin/backup", User: "backup"}, {Argv0: "relative"}},
		Actions: map[string]string{"cache.flush": desired.Auto, "exec": desired.Auto},
	}
	tests := map[string]struct {
		action actuators.Action
		let    bool
		says   string // nothing: it is allowed
	}{
		"keys of a redis":                   {action: action("cache.flush", "pages")},
		"a folder below an allowed one":     {action: action("cache.flush", "pages", "path", "/var/cache/nginx/pages")},
		"a folder that nobody allowed":      {action("cache.flush", "pages", "path", "/var/cache/nginx"), false, "does not allow what lies in /var/cache/nginx"},
		"a folder with one level":           {action("cache.flush", "pages", "path", "/srv/one"), false, "does not allow"},
		"a folder with a way out":           {action("cache.flush", "pages", "path", "/var/cache/nginx/pages/../../../lib"), false, "does not allow"},
		"no folder at all":                  {action("cache.flush", "pages", "path", ""), false, "does not allow"},
		"what makes evenkeel what it is":    {action("cache.flush", "pages", "path", "/var/lib/evenkeel"), false, "does not allow"},
		"a link to a release":               {action: action("file.write", "/opt/shop/current", "link", "releases/1")},
		"a link to where nobody allowed":    {action("file.write", "/opt/shop/current", "link", "../../etc"), false, "does not allow /etc, to which /opt/shop/current would lead"},
		"an absolute link there":            {action("file.write", "/opt/shop/current", "link", "/etc/ssh"), false, "does not allow /etc/ssh"},
		"a link where nobody allowed":       {action("file.write", "/etc/current", "link", "/opt/shop/releases/1"), false, "does not allow /etc/current"},
		"a link in a unit's place":          {action("file.write", "/etc/systemd/system/shop.service", "link", "/opt/shop/x"), false, "is a unit's"},
		"a mask, to be replaced":            {action("file.write", "/etc/systemd/system/shop.service", "wasLink", "/dev/null"), false, "is a unit's"},
		"a unit file":                       {action: action("file.write", "/etc/systemd/system/shop.service", "was", "x")},
		"a program that is listed":          {action: action("exec.run", "/usr/local/bin/backup", "argv", `["--full"]`)},
		"a program that is not listed":      {action("exec.run", "/bin/sh", "argv", `["-c","id"]`), false, "does not list /bin/sh under exec"},
		"a listed one by another way":       {action("exec.run", "/usr/local/bin/../bin/backup"), false, "does not list"},
		"a listed one that is not absolute": {action("exec.run", "relative"), false, "does not list"},
		"no program":                        {action("exec.run", ""), false, "does not list"},
		"approval by default":               {action("postgres.terminate", "main"), false, "policy asks for approval"},
		"approved":                          {action: action("postgres.terminate", "main"), let: true},
		"approved, and not listed":          {action("exec.run", "/bin/sh"), true, "does not list"},
		"a unit without a name":             {action("systemd.stop", ""), false, "does not allow managing"},
		"a daemon-reload":                   {action: action("systemd.daemon-reload", "")},
		"a stranger's verb":                 {action("motd.set", "noon"), false, "policy asks for approval"},
		"a stranger's verb, approved":       {action: action("motd.set", "noon"), let: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := Allowed(p, tt.action, tt.let)
			switch {
			case tt.says == "" && err != nil:
				t.Error(err)
			case tt.says != "" && (actuators.KindOf(err) != actuators.Refused || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("%v, want that it says %q", err, tt.says)
			}
		})
	}
	p.Mode = desired.Observe
	if err := Allowed(p, action("cache.flush", "pages"), true); actuators.KindOf(err) != actuators.Refused {
		t.Errorf("in mode observe: %v", err)
	}
}

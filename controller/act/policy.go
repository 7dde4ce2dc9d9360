package act

import (
	"path"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Allowed checks an Action against the host's policy and the protected set. It
// looks at nothing but the Action, and whether a human let it go, so that it
// holds whoever made it.
func Allowed(p desired.Policy, a actuators.Action, let bool) error {
	if p.Mode != desired.Enforce {
		return actuators.Errorf(actuators.Refused, "the host's policy is in mode %s", p.Mode)
	}
	if !let && p.Approval(a.Actuator+"."+a.Verb) != desired.Auto {
		return actuators.Errorf(actuators.Refused, "policy asks for approval")
	}
	switch a.Actuator {
	case "systemd":
		if a.Target == "" && a.Verb == "daemon-reload" {
			return nil // it concerns no unit
		}
		return allowedUnit(p, a.Target)
	case "file":
		return allowedFile(p, a)
	case "cache":
		// A folder is flushed as a whole, so all that may lie in it must be allowed.
		if dir, ok := a.Args["path"]; ok && !p.AllowsPath(path.Join(dir, response)) {
			return actuators.Errorf(actuators.Refused, "policy does not allow what lies in %s", dir)
		}
	case "exec":
		if _, ok := p.RunsAs(a.Target); !ok {
			return actuators.Errorf(actuators.Refused, "policy does not list %s under exec", a.Target)
		}
	}
	return nil
}

// allowedFile asks for the file itself, and where it is to be a link, for what
// that leads to. Links of units are systemd's to make.
func allowedFile(p desired.Policy, a actuators.Action) error {
	link := a.Args["link"]
	unit, ok := unitOf(a.Target)
	switch {
	case ok && link+a.Args["wasLink"] != "":
		return actuators.Errorf(actuators.Refused, "%s is a unit's, and no link of a release", a.Target)
	case ok:
		return allowedUnit(p, unit)
	case !p.AllowsPath(a.Target):
		return actuators.Errorf(actuators.Refused, "policy does not allow %s", a.Target)
	case link == "":
		return nil
	}
	if !path.IsAbs(link) {
		link = path.Join(path.Dir(a.Target), link)
	}
	if !p.AllowsPath(link) {
		return actuators.Errorf(actuators.Refused, "policy does not allow %s, to which %s would lead", link, a.Target)
	}
	return nil
}

// response is how deep in its folder a response lies that nginx has cached.
const response = "0/00/00/00000000000000000000000000000000"

func allowedUnit(p desired.Policy, unit string) error {
	if p.Protected(unit) {
		return actuators.Errorf(actuators.Refused, "%s belongs to the protected set", unit)
	}
	if !p.AllowsUnit(unit) {
		return actuators.Errorf(actuators.Refused, "policy does not allow managing %s", unit)
	}
	return nil
}

// allowedAlias checks the other names of a unit, as the guard has just read them:
// an alias is what it is another name of.
func allowedAlias(p desired.Policy, target string, u state.Unit) error {
	for _, name := range u.AllNames(target) {
		if p.Protected(name) {
			return actuators.Errorf(actuators.Refused, "%s belongs to the protected set", name)
		}
	}
	if u.ID != "" && !p.AllowsUnit(u.ID) {
		return actuators.Errorf(actuators.Refused, "policy does not allow managing %s", u.ID)
	}
	return nil
}

// unitOf finds the unit to which a file belongs that systemd loads: the unit
// file itself, or a drop-in in the unit's .d folder.
func unitOf(path string) (string, bool) {
	for _, dir := range []string{"/etc/systemd/system/", "/run/systemd/system/"} {
		if rest, ok := strings.CutPrefix(path, dir); ok {
			first, _, nested := strings.Cut(rest, "/")
			if nested {
				return strings.CutSuffix(first, ".d")
			}
			return first, true
		}
	}
	return "", false
}

package plan

import (
	"fmt"
	"slices"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// forbidden says why a unit must not be touched, by whatever name. An alias is
// what it is another name of: a name that policy allows must not lead to a unit
// that it does not, and never to one of the protected set. What a template is made
// of concerns the service's instances of it.
func (d *draft) forbidden(sv *service, unit string) []hold {
	policy, about := &d.want.Policy, []string{unit}
	if !slices.Contains(sv.Units, unit) {
		about = append(about, sv.Units...)
	}
	for _, asked := range about {
		for _, name := range d.have.Units[asked].Value.AllNames(asked) {
			if policy.Protected(name) {
				return []hold{{state.Protected, another(asked, name) + " belongs to the protected set", nil}}
			}
		}
	}
	if !policy.AllowsUnit(unit) {
		return []hold{{state.NotAllowed, "policy does not allow managing " + unit, nil}}
	}
	for _, asked := range about {
		if name := d.realName(asked); name != asked && !policy.AllowsUnit(name) {
			return []hold{{state.NotAllowed, "policy does not allow managing " + another(asked, name), nil}}
		}
	}
	if detail := d.declaredTwice(sv, unit); detail != "" {
		return []hold{{state.UnitInvalid, detail, nil}}
	}
	return nil
}

// another says which unit it is about, where that has another name.
func another(asked, name string) string {
	if asked == name {
		return name
	}
	return fmt.Sprintf("%s (%s is another name of it)", name, asked)
}

// realName is systemd's own name of a unit that may be named by an alias.
func (d *draft) realName(unit string) string {
	if id := d.have.Units[unit].Value.ID; id != "" {
		return id
	}
	return unit
}

// declaredTwice says that a unit is declared under another name as well, and which
// of the two counts: its own name, or else the first alias. Two declarations of one
// unit may contradict each other, and would be carried out in turn for ever.
func (d *draft) declaredTwice(sv *service, unit string) string {
	id := d.realName(unit)
	if id == unit {
		return ""
	}
	for i := range d.want.Services {
		s := &d.want.Services[i]
		if slices.Contains(s.Units, id) {
			return fmt.Sprintf("%s is another name of %s, which is declared by %s; declare it once", unit, id, s.Object())
		}
	}
	for i := range d.want.Services {
		s := &d.want.Services[i]
		for _, u := range s.Units {
			switch {
			case u == unit && s.Name == sv.Name:
				return ""
			case d.realName(u) == id:
				return fmt.Sprintf("%s is another name of %s, which %s declares as %s; declare it once", unit, id, s.Object(), u)
			}
		}
	}
	return ""
}

// declaredUnit tells a unit that some service has now, under whatever name.
func (d *draft) declaredUnit(unit string) bool {
	id := d.realName(unit)
	for i := range d.want.Services {
		for _, u := range d.want.Services[i].Units {
			if u == unit || d.realName(u) == id {
				return true
			}
		}
	}
	return false
}

// unread tells that some declared unit was not looked at yet: it may be another
// name of any other.
func (d *draft) unread() bool {
	for i := range d.want.Services {
		for _, u := range d.want.Services[i].Units {
			if f := d.have.Units[u]; !f.Known() {
				return true
			}
		}
	}
	return false
}

// allowed tells whether policy lets evenkeel manage a service at all.
func (d *draft) allowed(s *desired.Service) bool {
	for _, u := range s.Units {
		if len(d.forbidden(&service{Service: s}, u)) > 0 {
			return false
		}
	}
	return true
}

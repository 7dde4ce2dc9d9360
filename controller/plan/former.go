package plan

import (
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// former lets go of units that a service had and has no longer: instances
// beyond its replicas, which are stopped and disabled, and the unit that it was
// before it was given another, as onRemove asks for. It returns those that are
// not let go yet.
func (d *draft) former(sv *service) (left []string) {
	var instances, others []string
	if d.unread() {
		for _, u := range d.past.Managed[sv.Object()].Units {
			if !slices.Contains(sv.Units, u) {
				left = append(left, u)
			}
		}
		return left
	}
	for _, u := range d.past.Managed[sv.Object()].Units {
		switch {
		case d.declaredUnit(u):
		case instanceOf(u, sv.Template):
			instances = append(instances, u)
		default:
			others = append(others, u)
		}
	}
	for _, u := range instances {
		if d.letGo(sv, []string{u}, nil, desired.OnRemoveDelete, nil) {
			left = append(left, u)
		}
	}
	for _, u := range others {
		var created []string
		for _, p := range d.created(sv.Object()) {
			if p == unitDir+u || strings.HasPrefix(p, unitDir+u+".d/") {
				created = append(created, p)
			}
		}
		if d.letGo(sv, []string{u}, created, whenRemoved(sv.Spec.OnRemove, created), nil) {
			left = append(left, u)
		}
	}
	return left
}

// instanceOf tells whether x@1.service is an instance of x@.service.
func instanceOf(unit, template string) bool {
	prefix, suffix, ok := strings.Cut(template, "@")
	return ok && strings.HasPrefix(unit, prefix+"@") && strings.HasSuffix(unit, suffix)
}

package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// risks finds what whoever approves the change should have thought of.
func (r *reviewer) risks(plans []state.Plan) {
	r.environment()
	for i := range r.old.Services {
		r.leaves(&r.old.Services[i])
	}
	for i := range r.new.Services {
		s := &r.new.Services[i]
		if old, ok := r.old.Service(s.Name); ok {
			r.moves(old, s)
			r.unguarded(old, s)
		} else {
			r.arrives(s)
		}
	}
	r.disturbed()
	for _, p := range plans {
		r.plans(p)
	}
	r.oneWay()
	r.reaches()
	r.changedOthers()
	for _, w := range r.change.Warnings {
		r.risk(report.RiskWarning, r.whole(), "%s", w)
	}
	r.sortRisks()
}

// whole is the environment, or where there is none its hosts.
func (r *reviewer) whole() string {
	if r.change.Environment == "" {
		return r.host()
	}
	return "Environment/" + r.change.Environment
}

// environment looks at how hosts come to the environment, and to a revision.
func (r *reviewer) environment() {
	object := "Environment/" + r.change.Environment
	was, had := environmentOf(r.change.Base, r.change.Environment)
	is, has := environmentOf(r.change.Head, r.change.Environment)
	switch {
	case r.change.Base == nil && r.change.Environment != "" && r.Base != "":
		r.risk(report.RiskEnvironment, object, "it is new: nothing of it is in force anywhere")
		return
	case !had || !has:
		return
	case was.Branch != is.Branch:
		r.risk(report.RiskEnvironment, object, "it follows branch %s instead of %s", orNone(is.Branch), orNone(was.Branch))
	}
	if !slices.Equal(was.Hosts, is.Hosts) {
		r.risk(report.RiskMoved, object, "its hosts are those with %s, and were those with %s; a host that no longer belongs to it lets go of everything", matchers(is.Hosts), matchers(was.Hosts))
	}
	switch {
	case was.Verify != nil && is.Verify == nil:
		r.risk(report.RiskGate, object, "no command verifies a revision any more")
	case was.Verify != nil && !slices.Equal(was.Verify.Argv, is.Verify.Argv):
		r.risk(report.RiskGate, object, "another command verifies a revision")
	}
	if is.ConfirmAfter < was.ConfirmAfter {
		r.risk(report.RiskGate, object, "a revision is provisional for %s, and was for %s", is.ConfirmAfter, was.ConfirmAfter)
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func matchers(list []string) string {
	if len(list) == 0 {
		return "any labels"
	}
	return strings.Join(list, " and ")
}

// leaves looks at a service that is no longer declared, or no longer here.
func (r *reviewer) leaves(old *desired.Service) {
	if _, stays := r.new.Service(old.Name); stays {
		return
	}
	if name := r.declaredAs(old); name != "" {
		r.risk(report.RiskRemoved, old.Object(), "it is declared as %s now: its units stay", name)
		return
	}
	if o, declared := r.object(old.Object()); declared {
		r.risk(report.RiskMoved, old.Object(), "it runs on hosts with %s now, and no longer here: %s", matchers(hosts(o)), letGo)
		return
	}
	r.risk(report.RiskRemoved, old.Object(), "%s", onRemove(old))
	if needed := r.dependents(old.Name); len(needed) > 0 {
		r.risk(report.RiskDependents, old.Object(), "%s rested on it", listed(needed))
	}
}

// letGo is what becomes of a service on a host that it leaves for another one.
const letGo = "what runs there goes on, and nobody looks after it; stop it by hand if it must not run twice"

// declaredAs is the service that has the units of one that is gone.
func (r *reviewer) declaredAs(old *desired.Service) string {
	for _, s := range r.new.Services {
		if len(old.Units) > 0 && !slices.ContainsFunc(old.Units, func(u string) bool { return !slices.Contains(s.Units, u) }) {
			return s.Object()
		}
	}
	return ""
}

func (r *reviewer) object(ref string) (desired.Object, bool) {
	for _, o := range r.new.Objects {
		if o.Ref() == ref {
			return o, true
		}
	}
	return desired.Object{}, false
}

// onRemove says what is done about a service that leaves.
func onRemove(s *desired.Service) string {
	how, why := s.Spec.OnRemove, ""
	if how == "" {
		how, why = desired.OnRemoveRelease, ", the default where evenkeel did not create the unit"
		if s.UnitFile != nil && s.Spec.Management == desired.Enforce {
			how, why = desired.OnRemoveDelete, ", the default where evenkeel created the unit"
		}
	}
	does := map[string]string{
		desired.OnRemoveRelease: "it stays on the host as it is, and nobody keeps it",
		desired.OnRemoveStop:    "it is stopped",
		desired.OnRemoveDelete:  "it is stopped and disabled, and what evenkeel created of it is removed",
	}
	return fmt.Sprintf("%s (onRemove: %s%s)", does[how], how, why)
}

// moves looks at a service that changes hosts.
func (r *reviewer) moves(was, is *desired.Service) {
	if slices.Equal(was.Spec.Hosts, is.Spec.Hosts) {
		return
	}
	r.risk(report.RiskMoved, is.Object(), "it runs on hosts with %s, and ran on those with %s; of a host that it leaves: %s", matchers(is.Spec.Hosts), matchers(was.Spec.Hosts), letGo)
}

// arrives looks at a service that was not here before, and is one that moved.
func (r *reviewer) arrives(s *desired.Service) {
	for _, o := range r.old.Objects {
		if o.Ref() == s.Object() && r.change.Host != "" {
			r.risk(report.RiskMoved, s.Object(), "it ran on hosts with %s only, and comes here", matchers(hosts(o)))
		}
	}
}

// dependents are the services that rest on one, at whatever remove.
func (r *reviewer) dependents(name string) []string {
	found := []string{}
	for grown := true; grown; {
		grown = false
		for _, set := range []*desired.Set{r.old, r.new} {
			for _, s := range set.Services {
				rests := slices.ContainsFunc(s.Requires, func(dep string) bool { return dep == name || slices.Contains(found, dep) })
				if rests && s.Name != name && !slices.Contains(found, s.Name) {
					found, grown = append(found, s.Name), true
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

// disturbed looks at whom it hits what is restarted, reloaded or stopped.
func (r *reviewer) disturbed() {
	for _, d := range r.Restarts {
		name := strings.TrimPrefix(d.Object, "Service/")
		s, ok := r.new.Service(name)
		old, had := r.old.Service(name)
		if !ok {
			s = old
		}
		if !ok && !had {
			continue
		}
		what := d.Verb + " of " + strings.Join(r.unitsOf(d), ", ")
		if s.Spec.Stateful || had && old.Spec.Stateful {
			r.risk(report.RiskStateful, d.Object, "%s", what)
		}
		if s.Spec.Severity == "P1" || had && old.Spec.Severity == "P1" {
			r.risk(report.RiskP1, d.Object, "%s", what)
		}
		if needed := r.dependents(name); len(needed) > 0 && ok {
			r.risk(report.RiskDependents, d.Object, "%s; %s on it: %s", what, rest(len(needed)), listed(needed))
		}
	}
}

// maxListed is how many names anybody reads.
const maxListed = 20

func listed(names []string) string {
	if more := len(names) - maxListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), more)
	}
	return strings.Join(names, ", ")
}

func rest(n int) string {
	if n == 1 {
		return "1 service rests"
	}
	return fmt.Sprintf("%d services rest", n)
}

// unitsOf are the units of a service that are disturbed in the same way.
func (r *reviewer) unitsOf(d report.Restart) []string {
	var out []string
	for _, o := range r.Restarts {
		if o.Object == d.Object && o.Verb == d.Verb {
			out = append(out, o.Unit)
		}
	}
	return out
}

// plans looks at what the planner itself says of the whole.
func (r *reviewer) plans(p state.Plan) {
	for _, h := range p.Held {
		switch h.Reason {
		case state.Shrunk:
			r.risk(report.RiskShrunk, h.Object, "%s", h.Detail)
		case state.UnitInvalid, state.Internal, state.Protected, state.NotAllowed:
			r.risk(report.RiskRefused, h.Object, "%s: %s", h.Reason, h.Detail)
		}
	}
	for _, n := range p.Notes {
		if n.Kind == state.NoteRoll && len(n.Roll.Units) > 0 {
			r.risk(report.RiskRolls, r.host(), "%d units are restarted one by one; if one does not come up, the others stay as they are: %s", len(n.Roll.Units), listed(n.Roll.Units))
		}
	}
}

// oneWay looks at what no rollback goes back over.
func (r *reviewer) oneWay() {
	for _, c := range r.Objects {
		for _, set := range []*desired.Set{r.old, r.new} {
			for _, o := range set.Objects {
				if o.Ref() == c.Object && o.Metadata.Annotations[desired.Irreversible] == "true" {
					r.risk(report.RiskIrreversible, c.Object, "it is %s, and marked irreversible: no rollback goes back over it", c.Change)
				}
			}
		}
	}
}

package review

import (
	"path"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
)

// unguarded looks at what watched over a service or bounded what is done about it,
// and does so no longer.
func (r *reviewer) unguarded(was, is *desired.Service) {
	say := func(format string, args ...any) { r.risk(report.RiskUnguarded, is.Object(), format, args...) }
	for _, p := range []struct {
		name    string
		was, is *desired.Probe
	}{
		{"livenessProbe", was.Spec.LivenessProbe, is.Spec.LivenessProbe},
		{"readinessProbe", was.Spec.ReadinessProbe, is.Spec.ReadinessProbe},
		{"startupProbe", was.Spec.StartupProbe, is.Spec.StartupProbe},
	} {
		if p.was != nil && p.is == nil {
			say("its %s goes", p.name)
		}
	}
	switch {
	case was.Spec.Limits != nil && is.Spec.Limits == nil:
		say("nothing limits its repairs any more")
	case was.Spec.Limits != nil && often(is.Spec.Limits) > often(was.Spec.Limits):
		say("it is repaired up to %d times in %s, before %d times in %s", is.Spec.Limits.Restarts, is.Spec.Limits.Per, was.Spec.Limits.Restarts, was.Spec.Limits.Per)
	}
	if len(was.Spec.Remedies) > 0 && len(is.Spec.Remedies) == 0 {
		say("its remedies go: what comes of a failed probe is the default")
	}
	if was.Spec.Stateful && !is.Spec.Stateful {
		say("it is not stateful any more: it is restarted where a human was asked")
	}
	if weight(managements, is.Spec.Management) < weight(managements, was.Spec.Management) {
		say("management: %s, before %s", is.Spec.Management, was.Spec.Management)
	}
	if was.Spec.Severity != "" && is.Spec.Severity > was.Spec.Severity {
		say("severity: %s, before %s", is.Spec.Severity, was.Spec.Severity)
	}
}

var managements = []string{desired.Observe, desired.Repair, desired.Enforce}

func weight(order []string, word string) int { return slices.Index(order, word) }

// often is how many repairs a limit allows in an hour.
func often(l *desired.Limits) float64 {
	if l.Per <= 0 || l.Restarts == 0 {
		return 1e9 // unlimited
	}
	return float64(l.Restarts) / l.Per.Std().Hours()
}

// reaches looks at what hosts' policies must allow that nobody asked of them
// before. Where the very policy is known, the Plan holds what it forbids.
func (r *reviewer) reaches() {
	if r.change.Known || r.change.Base == nil {
		return
	}
	before := reachOf(r.old)
	for i := range r.new.Services {
		s := &r.new.Services[i]
		after := reachOf(&desired.Set{Services: r.new.Services[i : i+1]})
		for _, w := range []struct {
			field        string
			before, want []string
			known        func(before []string, one string) bool
		}{
			{"units", before.units, after.units, slices.Contains[[]string]},
			{"paths", before.folders, after.folders, below},
			{"exec", before.programs, after.programs, slices.Contains[[]string]},
			{"actions", before.actions, after.actions, slices.Contains[[]string]},
		} {
			var fresh []string
			for _, one := range w.want {
				if !w.known(w.before, one) && !slices.Contains(fresh, one) {
					fresh = append(fresh, one)
				}
			}
			if len(fresh) > 0 {
				r.risk(report.RiskPolicy, s.Object(), "the policy of each of its hosts must allow it (%s): %s", w.field, strings.Join(fresh, ", "))
			}
		}
	}
}

// reach is what services ask of a host's policy.
type reach struct{ units, folders, programs, actions []string }

func reachOf(set *desired.Set) reach {
	var out reach
	for _, s := range set.Services {
		out.units = append(append(out.units, s.Units...), s.Spare...)
		for _, a := range s.Files {
			out.folders = append(out.folders, path.Dir(a.Path))
		}
		if l := s.Link; l != nil {
			out.folders = append(out.folders, path.Dir(l.Path), path.Dir(l.Folder()))
		}
		for _, p := range s.Probes {
			if e := p.Probe.Exec; e != nil && len(e.Command) > 0 {
				out.programs = append(out.programs, e.Command[0])
			}
		}
		for _, d := range s.Spec.Remedies {
			if d.Do == "" {
				continue
			}
			out.actions = append(out.actions, d.Do)
			if argv, ok := d.With["argv"].([]any); ok && len(argv) > 0 {
				if program, ok := argv[0].(string); ok {
					out.programs = append(out.programs, program)
				}
			}
		}
	}
	return out
}

// below tells whether a folder is one of some folders, or lies in one.
func below(folders []string, one string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return one == f || strings.HasPrefix(one, strings.TrimSuffix(f, "/")+"/") })
}

// changedOthers looks at what stands beside services.
func (r *reviewer) changedOthers() {
	for _, c := range r.Objects {
		kind, _, _ := strings.Cut(c.Object, "/")
		switch {
		case kind == "ChangeWindow" && c.Change == report.Removed:
			r.risk(report.RiskWindow, c.Object, "it goes: what waited for it may be done at any time, or waits for a human")
		case kind == "ChangeWindow" && c.Change == report.Modified:
			r.risk(report.RiskWindow, c.Object, "it is open at other times, or for others")
		case kind == "Endpoint" && c.Change == report.Removed:
			r.risk(report.RiskUnguarded, c.Object, "it is no longer asked how it is")
		}
	}
}

// hosts are the matchers of a declared service.
func hosts(o desired.Object) []string {
	s, _ := specOf[desired.ServiceSpec](o)
	return s.Hosts
}

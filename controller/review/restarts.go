package review

import (
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
)

// disturbs tells the verbs that take a service away from those who use it, if only
// for a moment.
func disturbs(actuator, verb string) bool {
	return actuator == "systemd" && slices.Contains([]string{"restart", "reload", "stop"}, verb)
}

// restarts lists what is disturbed: what is done at once in the order of the
// Plan, then what waits.
func (r *reviewer) restarts(plans []state.Plan) {
	for _, p := range plans {
		disturbed := map[string]string{} // by Step: its unit
		for _, s := range p.Steps {
			if !disturbs(s.Action.Actuator, s.Action.Verb) {
				continue
			}
			disturbed[s.ID] = s.Action.Target
			one := report.Restart{Object: s.Object, Unit: s.Action.Target, Verb: s.Action.Verb, Why: s.Detail, After: []string{}, Windows: r.windows(s.Object)}
			for _, id := range s.Needs {
				if u, ok := disturbed[id]; ok {
					one.After = append(one.After, u)
				}
			}
			r.Restarts = append(r.Restarts, one)
		}
	}
	for _, p := range plans {
		for _, h := range p.Held {
			r.waits(h)
		}
	}
}

// waits adds what a hold keeps from being disturbed, once: the first hold is the
// one that is to be lifted first.
func (r *reviewer) waits(h state.Held) {
	for _, w := range h.Wishes {
		known := slices.ContainsFunc(r.Restarts, func(o report.Restart) bool {
			return o.Object == w.Object && o.Unit == w.Action.Target && o.Verb == w.Action.Verb
		})
		if known || !disturbs(w.Action.Actuator, w.Action.Verb) {
			continue
		}
		one := report.Restart{
			Object: w.Object, Unit: w.Action.Target, Verb: w.Action.Verb, Why: w.Detail, After: []string{}, Windows: r.windows(w.Object),
			Waits: h.Reason, Detail: strings.TrimSuffix(h.Detail, ": "+w.Detail),
		}
		if h.Until != nil {
			one.Until = report.At(h.Until.Wall)
		}
		r.Restarts = append(r.Restarts, one)
	}
}

// windows are the names of the change windows that a service's disturbances wait
// for.
func (r *reviewer) windows(object string) []string {
	names := []string{}
	for _, w := range r.new.Windows {
		if w.Spec.Allow && w.Covers(strings.TrimPrefix(object, "Service/")) {
			names = append(names, w.Name)
		}
	}
	return names
}

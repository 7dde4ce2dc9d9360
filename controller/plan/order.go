package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// sequence gives every Step what it must wait for: files and links, then one
// daemon-reload, then stops, then starts and restarts along the dependencies.
// Only what changed waits for the reload. Of disruptive Steps at most policy's
// number are ready at a time, in the order of the Plan, and of those of a change
// that is rolled one; the rest wait, so that the dry run can still list them all.
func (d *draft) sequence() {
	if len(d.steps) == 0 {
		return
	}
	slices.SortStableFunc(d.steps, func(a, b state.Step) int { return cmp.Compare(d.rank(a), d.rank(b)) })
	var stops []string
	for _, s := range d.steps {
		if s.Action.Actuator == "systemd" && s.Action.Verb == "stop" {
			stops = append(stops, s.ID)
		}
	}
	lanes := max(1, d.want.Policy.Budgets.InFlight)
	var disruptive []string
	var rolled state.Step // the one before of a change that is rolled
	for i := range d.steps {
		s := &d.steps[i]
		_, flying := d.past.Flight[s.ID]
		rolls := d.ofRoll(*s)
		if flying {
			if rolls {
				rolled = *s
			}
			if s.Effect == actuators.Disruptive {
				disruptive = append(disruptive, s.ID)
			}
			continue
		}
		needs := slices.Clone(s.Needs)
		// What is no longer declared is stopped as it was loaded: the reload
		// comes after its removal, and that after the stop.
		if d.reloads != "" && d.changes(s.Object) && needsLoaded(s.Action) && s.Reason != state.NotDeclared {
			needs = append(needs, d.reloads)
		}
		if isStart(s.Action) {
			needs = append(needs, stops...)
		}
		if s.Effect == actuators.Disruptive {
			if n := len(disruptive); n >= lanes {
				needs = append(needs, disruptive[n-lanes])
			}
			disruptive = append(disruptive, s.ID)
		}
		if rolls {
			if rolled.ID != "" {
				needs = append(needs, rolled.ID)
			}
			rolled = *s
			if d.rolled != "" {
				s.Rests = append(slices.Clip(s.Rests), unitRef(d.rolled)) // it may die while the next one waits
			}
		}
		s.Needs = uniq(needs, s.ID)
	}
	d.sort()
}

// changes tells whether this Plan changes what the units of a service are made of.
func (d *draft) changes(object string) bool {
	sv := d.services[strings.TrimPrefix(object, "Service/")]
	return sv != nil && sv.reload
}

// rank is the rough order of Steps. What is no longer declared stops first of
// all, because removing it comes before the reload that others wait for.
func (d *draft) rank(s state.Step) int {
	_, flying := d.past.Flight[s.ID]
	stop := s.Action.Actuator == "systemd" && s.Action.Verb == "stop"
	switch {
	case flying:
		return 0
	case stop && s.Reason == state.NotDeclared:
		return 1
	case s.Reason == state.ReleaseDrift:
		return 3 // after what the new release reads
	case loads(s.Action) || s.Action.Actuator == "file":
		return 2
	case s.ID == d.reloads:
		return 4
	case stop:
		return 5
	}
	return 6
}

// needsLoaded tells an action that uses what systemd has loaded.
func needsLoaded(a actuators.Action) bool {
	return a.Actuator == "systemd" && slices.Contains([]string{"start", "stop", "restart", "reload", "reset-failed"}, a.Verb)
}

func isStart(a actuators.Action) bool {
	return a.Actuator == "systemd" && (a.Verb == "start" || a.Verb == "restart")
}

func uniq(ids []string, self string) []string {
	seen := make(map[string]bool, len(ids)+1)
	seen[self] = true
	var out []string
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// sort puts each Step behind what it needs, and else leaves the order in which
// they were planned. Needs of Steps that are not in the Plan have ended.
func (d *draft) sort() {
	done := make(map[string]bool, len(d.steps))
	present := make(map[string]bool, len(d.steps))
	for _, s := range d.steps {
		present[s.ID] = true
	}
	out := make([]state.Step, 0, len(d.steps))
	ready := func(s state.Step) bool {
		return !slices.ContainsFunc(s.Needs, func(id string) bool { return present[id] && !done[id] })
	}
	rest := d.steps
	for len(rest) > 0 {
		var later []state.Step
		for _, s := range rest {
			if ready(s) {
				out, done[s.ID] = append(out, s), true
			} else {
				later = append(later, s)
			}
		}
		if len(later) == len(rest) {
			// A ring cannot come from Compile's order; if it does, nothing of it
			// is ready, and the rest of the Plan still is.
			out = append(out, later...)
			break
		}
		rest = later
	}
	d.steps = out
}

// Ready lists the Steps of a Plan that may be done now: nothing that they need
// is in the Plan, and they are not under way.
func Ready(p state.Plan, past *state.Past) []state.Step {
	present := make(map[string]bool, len(p.Steps))
	for _, s := range p.Steps {
		present[s.ID] = true
	}
	var out []state.Step
	for _, s := range p.Steps {
		if _, flying := past.Flight[s.ID]; flying {
			continue
		}
		if !slices.ContainsFunc(s.Needs, func(id string) bool { return present[id] }) {
			out = append(out, s)
		}
	}
	return out
}

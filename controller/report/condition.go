package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Condition is one thing that can be true of an object, in Kubernetes' form.
// Conditions are computed from what is known, never stored.
type Condition struct {
	Type               string `json:"type"`
	Status             string `json:"status"` // True, False or Unknown
	Reason             string `json:"reason"` // CamelCase, never empty
	Message            string `json:"message"`
	LastTransitionTime Stamp  `json:"lastTransitionTime"` // since when it has this status; null: not known
	ObservedGeneration string `json:"observedGeneration"` // the revision that it was compared with
}

// The types of a Service's conditions.
const (
	InSync             = "InSync"         // nothing differs from what is declared
	Running            = "Running"        // every unit is active
	Enabled            = "Enabled"        // every unit starts at boot
	HeldType           = "Held"           // something differs and is held
	PendingRestartType = "PendingRestart" // the process runs something older than declared
	SuspendedType      = "Suspended"      // a human keeps evenkeel's hands off it, whether or not something differs
)

// The statuses of a condition.
const (
	True    = "True"
	False   = "False"
	Unknown = "Unknown"
)

func (v View) conditions(s *desired.Service) []Condition {
	out := []Condition{
		v.inSync(s), v.units(s, Running, running), v.units(s, Enabled, enabled), v.isHeld(s), v.pending(s), v.suspended(s),
	}
	for i := range out {
		out[i].LastTransitionTime = v.transition(s, out[i])
	}
	out = append(out, v.wellness(s)...)
	for i := range out {
		out[i].ObservedGeneration = v.Want.Revision
	}
	return out
}

func (v View) inSync(s *desired.Service) Condition {
	for _, st := range v.Plan.Steps {
		if st.Object == s.Object() && st.Effect != actuators.None {
			return Condition{Type: InSync, Status: False, Reason: string(st.Reason), Message: st.Detail}
		}
	}
	if h, ok := v.firstHold(s); ok {
		return Condition{Type: InSync, Status: False, Reason: string(h.Reason), Message: h.Detail}
	}
	for _, g := range v.Plan.Gaps {
		if g.Object == s.Object() {
			return Condition{Type: InSync, Status: Unknown, Reason: string(state.Unobserved), Message: g.Source.String() + ": " + cmp.Or(g.Detail, "not observed")}
		}
	}
	for _, u := range s.Units {
		if f := v.Have.Units[u]; !f.Known() {
			return Condition{Type: InSync, Status: Unknown, Reason: string(state.Unobserved), Message: u + ": " + cmp.Or(f.Err, "not looked at yet")}
		}
	}
	return Condition{Type: InSync, Status: True, Reason: "AsDeclared"}
}

// firstHold is the hold on a service that has to be lifted first.
func (v View) firstHold(s *desired.Service) (state.Held, bool) {
	var holds []state.Held
	for _, h := range v.Plan.Held {
		if h.Object == s.Object() && !h.Info {
			holds = append(holds, h)
		}
	}
	if len(holds) == 0 {
		return state.Held{}, false
	}
	return slices.MinFunc(holds, func(a, b state.Held) int { return compareReasons(a.Reason, b.Reason) }), true
}

// units asks one question of every unit: True if all say yes, False naming the
// first that says no, Unknown if one cannot be asked.
func (v View) units(s *desired.Service, kind string, ask func(state.Unit) (bool, string)) Condition {
	c := Condition{Type: kind, Status: True}
	for _, name := range s.Units {
		f := v.Have.Units[name]
		if !f.Known() {
			if c.Status == True {
				c = Condition{Type: kind, Status: Unknown, Reason: string(state.Unobserved), Message: name + ": " + cmp.Or(f.Err, "not looked at yet")}
			}
			continue
		}
		yes, word := ask(f.Value)
		switch {
		case !yes && c.Status != False:
			c = Condition{Type: kind, Status: False, Reason: camel(word), Message: name + " is " + word}
		case yes && c.Status == True && c.Reason == "":
			c.Reason = camel(word)
		}
	}
	c.Reason = cmp.Or(c.Reason, "NoUnits")
	return c
}

func running(u state.Unit) (bool, string) {
	switch {
	case u.Missing():
		return false, "not-found"
	case u.Up(), u.Sub == "":
		return u.Up(), u.Active
	}
	return false, u.Active + " (" + u.Sub + ")"
}

func enabled(u state.Unit) (bool, string) {
	return slices.Contains([]string{"enabled", "enabled-runtime", "alias"}, u.Boot), u.Boot
}

// camel makes a CamelCase word of systemd's: not-found is NotFound. What stands
// in brackets is left out.
func camel(word string) string {
	word, _, _ = strings.Cut(word, " (")
	var b strings.Builder
	for part := range strings.SplitSeq(word, "-") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return cmp.Or(b.String(), Unknown)
}

func (v View) isHeld(s *desired.Service) Condition {
	if h, ok := v.firstHold(s); ok {
		return Condition{Type: HeldType, Status: True, Reason: string(h.Reason), Message: v.held(h)}
	}
	return Condition{Type: HeldType, Status: False, Reason: "NothingHeld"}
}

// held is the detail of a hold with its end.
func (v View) held(h state.Held) string {
	if h.Until == nil {
		return h.Detail
	}
	return strings.TrimSpace(fmt.Sprintf("%s until %s", h.Detail, At(h.Until.Wall)))
}

// waitsToRestart tells a hold on a restart that would bring a process up to date.
func waitsToRestart(h state.Held) bool {
	return h.Reason == state.PendingRestart ||
		slices.ContainsFunc(h.Wishes, func(w state.Wish) bool { return w.Reason == state.StaleProcess })
}

// suspended looks at what is remembered: a suspension counts from its first
// moment, not from the first thing that it holds.
func (v View) suspended(s *desired.Service) Condition {
	for _, h := range v.remembered(s) {
		if h.Reason == state.Suspended {
			return Condition{Type: SuspendedType, Status: True, Reason: string(h.Reason), Message: v.held(state.Held{Detail: h.Detail, Until: h.Until(v.Now)})}
		}
	}
	if v.Past != nil && !v.Past.Released[s.Object()].IsZero() {
		return Condition{Type: SuspendedType, Status: True, Reason: "Released", Message: "released by hand until: evenkeel resume " + s.Name}
	}
	return Condition{Type: SuspendedType, Status: False, Reason: "NotSuspended"}
}

func (v View) pending(s *desired.Service) Condition {
	for _, h := range v.Plan.Held {
		if h.Object == s.Object() && waitsToRestart(h) {
			return Condition{Type: PendingRestartType, Status: True, Reason: string(h.Reason), Message: h.Detail}
		}
	}
	return Condition{Type: PendingRestartType, Status: False, Reason: "UpToDate"}
}

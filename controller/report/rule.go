package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// rule says in one sentence which comparison led to what is done or not done
// about a service: the first reason for holding it decides, then what is about
// to be done, then what is merely told.
func (v View) rule(s *desired.Service, w Why) string {
	holds := v.holdsOf(s)
	switch i := slices.IndexFunc(holds, func(h state.Held) bool { return !symptom(h.Reason) || h.Reason == state.UnitInvalid }); {
	case i >= 0:
		return v.heldRule(s, holds[i])
	case len(w.Steps) > 0:
		return stepRule(s, w.Steps)
	case len(holds) > 0:
		return sentence(holds[0].Detail, "and so it is told and not mended")
	}
	return v.quietRule(s)
}

func (v View) holdsOf(s *desired.Service) []state.Held {
	var out []state.Held
	for _, h := range v.Plan.Held {
		if h.Object == s.Object() {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b state.Held) int { return compareReasons(a.Reason, b.Reason) })
	return out
}

func (v View) heldRule(s *desired.Service, h state.Held) string {
	holds := string(h.Reason) + " holds that"
	if h.Until != nil {
		holds += " until " + At(h.Until.Wall).clock(v.Now.Wall)
	}
	switch {
	case h.Reason == state.Unobserved && len(h.Wishes) == 0:
		return sentence(h.Detail, unknownRule)
	case len(h.Wishes) == 0:
		return sentence(heldWithoutWish(h), "and "+holds)
	}
	w := slices.MinFunc(h.Wishes, func(a, b state.Wish) int { return gravity(a.Reason) - gravity(b.Reason) })
	asks := "which asks for " + bare(w.Action)
	if n := len(h.Wishes) - 1; n > 0 {
		asks += fmt.Sprintf(" and %d more", n)
	}
	return sentence(compared(s, w.Reason, w.Detail), asks+"; "+holds)
}

const unknownRule = "and nothing is decided on what is not known"

// heldWithoutWish is the comparison behind a hold that stands for no Step.
func heldWithoutWish(h state.Held) string {
	var parts []string
	for _, f := range h.Fields {
		parts = append(parts, fmt.Sprintf("%s is declared %s and is %s", f.Path, orNone(f.Desired), orNone(f.Observed)))
	}
	if len(parts) == 0 {
		return orElse(h.Detail, strings.TrimSuffix(state.Reasons[h.Reason], "."))
	}
	return strings.Join(parts, ", ")
}

func stepRule(s *desired.Service, steps []WhyStep) string {
	first := steps[0]
	asks := "which asks for " + first.Action
	if n := len(steps) - 1; n > 0 {
		asks += fmt.Sprintf(" and %d more", n)
	}
	if first.Under {
		return sentence(compared(s, first.Reason, first.Detail), asks+"; that is under way")
	}
	return sentence(compared(s, first.Reason, first.Detail), asks+"; nothing holds it, so evenkeel does it now")
}

// quietRule is for a service of which the Plan says nothing.
func (v View) quietRule(s *desired.Service) string {
	for _, g := range v.Plan.Gaps {
		if g.Object == s.Object() {
			return sentence(g.Source.String()+" is not known ("+orElse(g.Detail, "not looked at yet")+")", unknownRule)
		}
	}
	for _, u := range s.Units {
		if f := v.Have.Units[u]; !f.Known() {
			return sentence(u+" is not known ("+orElse(f.Err, "not looked at yet")+")", unknownRule)
		}
	}
	return "Everything that is declared was compared with what was seen, and it is equal, so nothing is to be done."
}

// compared is what is declared beside what was seen.
func compared(s *desired.Service, r state.Reason, detail string) string {
	declared := map[state.Reason]string{
		state.NotRunning: "it is declared running", state.Failed: "it is declared running", state.StuckActivating: "it is declared running",
		state.NotStopped:         "it is declared stopped",
		state.NotEnabled:         "it is declared enabled at boot",
		state.BootDrift:          "it is declared " + s.Spec.Boot + " at boot",
		state.UnitFileDrift:      "what its unit is made of is compared with its declaration",
		state.FileDrift:          "what it reads is compared with its declaration",
		state.ForeignDropIn:      "its drop-ins are compared with the declared ones",
		state.DaemonReloadNeeded: "what systemd has loaded is compared with what lies on disk",
		state.StaleProcess:       "what the process was started with is compared with what is declared",
		state.ByHand:             "this is by hand",
	}[r]
	switch {
	case detail == "":
		return orElse(declared, strings.TrimSuffix(state.Reasons[r], "."))
	case declared == "":
		return detail
	}
	return declared + ", and " + detail
}

// sentence joins parts and makes a sentence of them. What begins with a name
// keeps it as it is.
func sentence(parts ...string) string {
	text := strings.TrimSuffix(strings.Join(parts, ", "), ".")
	first, rest, _ := strings.Cut(text, " ")
	if slices.Contains([]string{"it", "what", "its", "this", "a", "the"}, first) {
		text = strings.ToUpper(first[:1]) + first[1:] + " " + rest
	}
	return text + "."
}

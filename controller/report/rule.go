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
	decides := func(h state.Held) bool { return !symptom(h.Reason) || h.Reason == state.UnitInvalid }
	switch i := slices.IndexFunc(holds, decides); {
	case i >= 0 && onlyHealth(holds[i].Info, holds[i].Reason):
		if len(w.Steps) > 0 {
			return stepRule(s, w.Steps)
		}
		return v.healthRule(holds, holds[i])
	case i >= 0:
		return v.heldRule(s, holds[i])
	case len(w.Steps) > 0:
		return stepRule(s, w.Steps)
	case len(holds) > 0 && holds[0].Reason == state.NotReady:
		return sentence(holds[0].Detail, "and what is merely not ready is told and not restarted")
	case len(holds) > 0 && holds[0].Reason == state.Alert:
		return v.alertRule(s, holds[0])
	case len(holds) > 0:
		return sentence(holds[0].Detail, "and so it is told and not mended")
	}
	return v.quietRule(s)
}

// healthRule is the rule where nothing is held back, and something is not well,
// or was not until just now.
func (v View) healthRule(holds []state.Held, h state.Held) string {
	if h.Reason == state.Verifying {
		text := strings.Replace(h.Detail, "for a while", "until "+orElse(atState(h.Until).clock(v.Now.Wall), "it has been well for a while"), 1)
		return sentence(text)
	}
	if i := slices.IndexFunc(holds, func(h state.Held) bool { return h.Reason == state.NotReady }); i >= 0 {
		return sentence(holds[i].Detail, "and "+h.Detail, "so it waits; what is merely not ready is not restarted")
	}
	return sentence(h.Detail)
}

// holdsOf are the holds on a service by rank, but for those on one remedy among
// others.
func (v View) holdsOf(s *desired.Service) []state.Held {
	var out []state.Held
	for _, h := range v.Plan.Held {
		if h.Object == s.Object() && !aside(h) {
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
	case h.Reason == state.Verifying && len(h.Wishes) == 0:
		return v.verifyRule(s, h)
	case climbedOut[h.Reason] != "" && len(h.Wishes) == 0:
		text, _, _ := strings.Cut(h.Detail, "; to try again now")
		if h.Until != nil {
			return sentence(text, climbedOut[h.Reason]+"; it is tried once more at "+At(h.Until.Wall).clock(v.Now.Wall))
		}
		return sentence(text, climbedOut[h.Reason])
	case len(h.Wishes) == 0:
		return sentence(heldWithoutWish(h), "and "+holds)
	}
	w := slices.MinFunc(h.Wishes, func(a, b state.Wish) int { return gravity(a.Reason) - gravity(b.Reason) })
	asks := "which asks for " + bare(w.Action)
	if n := len(h.Wishes) - 1; n > 0 {
		asks += fmt.Sprintf(" and %d more", n)
	}
	if h.Reason == state.DependencySick || h.Reason == state.TooManySick {
		return sentence(compared(s, w.Reason, w.Detail), asks+"; but "+h.Detail, "and "+holds)
	}
	return sentence(compared(s, w.Reason, w.Detail), asks+"; "+holds)
}

// climbedOut says what follows where a Case climbs no further.
var climbedOut = map[state.Reason]string{
	state.Escalated:   "so a human is needed",
	state.RemedyWorse: "so evenkeel stopped, and a human is needed",
	state.BudgetSpent: "so it is left alone",
}

// verifyRule is the rule while the effect of a remedy is awaited.
func (v View) verifyRule(s *desired.Service, h state.Held) string {
	text := h.Detail
	if h.Until != nil {
		text = strings.Replace(text, "until then", "by "+At(h.Until.Wall).clock(v.Now.Wall), 1)
	}
	for _, sick := range v.holdsOf(s) {
		if sick.Info && symptom(sick.Reason) {
			return sentence(sick.Detail, "and "+text)
		}
	}
	return sentence(text)
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
	equal := "Everything that is declared was compared with what was seen, and it is equal, so nothing is to be done"
	if len(s.Probes) > 0 && v.Have.Probes == nil {
		return equal + "; how well it is nobody asks, because no controller runs."
	}
	return equal + "."
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
		state.ReleaseDrift:       "the release that is current is compared with its declaration",
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

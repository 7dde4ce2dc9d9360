package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// CaseDetail is one sickness: since when, what was tried, and what comes next.
// Its keys are append-only.
type CaseDetail struct {
	ID     string       `json:"id"`
	Object string       `json:"object"`
	Unit   string       `json:"unit"`   // empty: the host's
	Reason state.Reason `json:"reason"` // what is wrong
	Detail string       `json:"detail"`
	Opened Stamp        `json:"opened"`
	Tried  []TriedDone  `json:"tried"` // the remedies, oldest first
	Next   string       `json:"next"`  // what is tried next, or happens next
	Again  Stamp        `json:"again"` // when that is, as far as time decides; null: it does not
	Well   Stamp        `json:"well"`  // since when it is well again, and watched; null: it is not
	Ended  state.Reason `json:"ended"` // Escalated, RemedyWorse, …: nothing more is tried; empty: it is
	At     Stamp        `json:"at"`    // when that was
	Why    string       `json:"why"`   // it ended, or waits for a human
	Sick   []string     `json:"sick"`  // the objects that were sick when it opened
	Round  int          `json:"round"` // how often its remedies were begun anew
}

// TriedDone is one remedy that was tried.
type TriedDone struct {
	Rung    int    `json:"rung"` // as declared, from 1; 0: the start that comes before all
	Round   int    `json:"round"`
	Step    string `json:"step"` // its ID
	Action  string `json:"action"`
	Began   Stamp  `json:"began"`
	Ended   Stamp  `json:"ended"`   // null: under way
	Outcome string `json:"outcome"` // done, failed, interrupted, refused; empty: under way
	Effect  string `json:"effect"`  // whether it helped, in words
}

// cases are the open Cases of an object, and of the host where that is why
// nothing is done.
func (v View) cases(s *desired.Service) []CaseDetail {
	out := []CaseDetail{}
	if v.Past == nil {
		return out
	}
	for _, u := range s.Units {
		if c, ok := v.Past.Cases[state.CaseKey(s.Object(), u)]; ok {
			out = append(out, v.caseDetail(s, c))
		}
	}
	host := "Host/" + hostName(v.Want, v.Have)
	blind := slices.ContainsFunc(v.Plan.Gaps, func(g state.Gap) bool {
		return g.Object == s.Object() && (g.Source.Kind == state.RefProbe || g.Source.Kind == state.RefUnit && !v.Have.Blind.IsZero())
	})
	if c, ok := v.Past.Cases[state.CaseKey(host, "")]; ok && (blind || v.told(s.Object(), state.TooManySick) != "") {
		out = append(out, v.caseDetail(s, c))
	}
	return out
}

func (v View) caseDetail(s *desired.Service, c state.Case) CaseDetail {
	d := CaseDetail{
		ID: c.ID, Object: c.Object, Unit: c.Unit, Reason: c.Reason, Detail: c.Detail, Opened: At(c.Opened.Wall), Tried: []TriedDone{},
		Well: At(c.Well.Wall), Ended: c.Ended, At: At(c.At.Wall), Why: c.Why, Sick: append([]string{}, c.Sick...), Round: c.Round,
	}
	for i, t := range c.Tried {
		d.Tried = append(d.Tried, TriedDone{
			Rung: t.Rung, Round: t.Round, Step: t.Step, Action: t.Action, Began: At(t.Began.Wall), Ended: At(t.Ended.Wall),
			Outcome: string(t.Status), Effect: v.effect(c, i),
		})
	}
	d.Next, d.Again = v.next(s, c)
	return d
}

// effect says whether a remedy helped, as far as what followed tells.
func (v View) effect(c state.Case, i int) string {
	t := c.Tried[i]
	last := i == len(c.Tried)-1
	switch {
	case t.Status == "":
		return "under way"
	case t.Status == state.Cut:
		return "nobody knows whether it was done"
	case !last:
		return "it did not help"
	case !c.Well.IsZero():
		return "it has been well since " + At(c.Well.Wall).clock(v.Now.Wall)
	case c.Ended == state.RemedyWorse:
		return "it made things worse"
	case c.Ended != "":
		return "it did not help"
	}
	if h, ok := v.heldFor(c, state.Verifying); ok {
		if h.Until != nil {
			return "whether it helps shows by " + At(h.Until.Wall).clock(v.Now.Wall)
		}
		return "whether it helps is not known yet"
	}
	return "it did not help"
}

// heldFor finds the hold on a Case's unit for a reason.
func (v View) heldFor(c state.Case, r state.Reason) (state.Held, bool) {
	for _, h := range v.Plan.Held {
		if h.Object == c.Object && h.Reason == r && (h.Unit == "" || h.Unit == c.Unit) {
			return h, true
		}
	}
	return state.Held{}, false
}

// next says what comes next of a Case, and when.
func (v View) next(s *desired.Service, c state.Case) (string, Stamp) {
	for _, st := range v.Plan.Steps {
		if st.Case != c.ID {
			continue
		}
		if _, under := v.Past.Flight[st.ID]; under {
			return rung(st.Rung) + ", " + st.Action.String() + ", is under way", Stamp{}
		}
		return rung(st.Rung) + ", " + st.Action.String(), Stamp{}
	}
	switch {
	case c.Unit == "":
		return "it ends when it has been over for a while; nothing is tried", Stamp{}
	case !c.Well.IsZero():
		h, _ := v.heldFor(c, state.Verifying)
		return "it counts as healed if it stays well", atState(h.Until)
	case c.Ended == state.BudgetSpent:
		h, _ := v.heldFor(c, c.Ended)
		return "it is started again as its limits allow", atState(h.Until)
	case c.Ended != "":
		h, _ := v.heldFor(c, c.Ended)
		if h.Until == nil {
			return "nothing: there is no remedy that evenkeel could try", Stamp{}
		}
		return "one remedy is tried once more", atState(h.Until)
	}
	for _, h := range v.Plan.Held {
		for _, w := range h.Wishes {
			if h.Object == c.Object && !h.Info && w.Reason == c.Reason && (h.Unit == "" || h.Unit == c.Unit) {
				return bare(w.Action) + ", once " + string(h.Reason) + " no longer holds it", atState(h.Until)
			}
		}
	}
	return v.rungAfter(s, c), Stamp{}
}

// rungAfter is the declared remedy behind the last one that was tried.
func (v View) rungAfter(s *desired.Service, c state.Case) string {
	last, _ := c.Last()
	if ladder := plan.Remedies(s); last.Rung < len(ladder) {
		return rung(last.Rung+1) + ", " + ladder[last.Rung].Do
	}
	return "no remedy is left"
}

func rung(n int) string {
	if n == 0 {
		return "the start that comes before all remedies"
	}
	return fmt.Sprintf("remedy %d", n)
}

// when is the time of what comes next.
func (c CaseDetail) when(st Style) string {
	switch {
	case c.Again.IsZero():
		return ""
	case st.Now.IsZero() || !c.Again.After(st.Now):
		return " (at " + c.Again.clock(st.Now) + ")"
	}
	return fmt.Sprintf(" (at %s, in %s)", c.Again.clock(st.Now), span(c.Again.Sub(st.Now)))
}

// casesText is the Cases for a terminal.
func casesText(list []CaseDetail, st Style) string {
	var b strings.Builder
	for _, c := range list {
		b.WriteString(st.paint(bold, c.ID) + "  " + Escape(cmp.Or(c.Unit, c.Object)) + "  opened " + c.Opened.clock(st.Now) + "\n")
		b.WriteString(wrap(Escape(strings.TrimSuffix(string(c.Reason)+": "+c.Detail, ": ")), "  ", "  "))
		for _, t := range c.Tried {
			how := cmp.Or(t.Outcome, "under way")
			if t.Effect != how {
				how += "; " + t.Effect
			}
			b.WriteString(wrap(Escape(fmt.Sprintf("%s, %s: %s", rung(t.Rung), actuators.Words(t.Action), how)), fmt.Sprintf("  %-14s", t.Began.clock(st.Now)), strings.Repeat(" ", 16)))
		}
		if c.Ended != "" {
			b.WriteString(wrap(Escape(fmt.Sprintf("%s: %s", c.Ended, c.Why)), fmt.Sprintf("  %-14s", c.At.clock(st.Now)), strings.Repeat(" ", 16)))
		} else if c.Why != "" {
			b.WriteString(wrap(Escape(c.Why), "  ", "  "))
		}
		b.WriteString(wrap(Escape("next: "+c.Next+c.when(st)), "  ", "  "))
		if len(c.Sick) > 0 {
			b.WriteString(wrap(Escape("sick when it opened: "+strings.Join(c.Sick, ", ")), "  ", "  "))
		}
	}
	return b.String()
}

package report

import (
	"fmt"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// whyBudget is the budget of the unit that has the least left.
func (v View) whyBudget(s *desired.Service) WhyBudget {
	out := WhyBudget{Host: v.hostBudget()}
	for _, u := range s.Units {
		if out.Host != "" && v.Past.MayPass(u, v.Now) {
			out.Host += "; a human lets the next repair of " + u + " pass that, once"
		}
		b := v.budget(s, u)
		if b == nil || out.Left != nil && *out.Left <= b.Left {
			continue
		}
		left := b.Left
		out.Left, out.Until, out.Of, out.Per, out.Unit = &left, b.Until, b.Restarts, b.Per, u
	}
	return out
}

// hostBudget says how much of the host's budget of disruptive repairs is left,
// where some of it is spent.
func (v View) hostBudget() string {
	b := v.Want.Policy.Budgets
	if v.Past == nil || b.Disruptive == 0 {
		return ""
	}
	used := state.Recent(v.Past.Upheaval, v.Now, b.Per.Std())
	if used == 0 {
		return ""
	}
	return fmt.Sprintf("%d of the host's %d disruptive repairs in %s left", max(0, b.Disruptive-used), b.Disruptive, b.Per)
}

package audit

import (
	"slices"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// spending are the charges, counted from intents alone.
type spending struct {
	units  map[string][]state.Time // by unit, or what else a repair was of
	inVain map[string][]state.Time // those of them that did not end well: what ran before may run on
	host   []state.Time            // those that were disruptive
}

func newSpending() spending {
	return spending{units: make(map[string][]state.Time), inVain: make(map[string][]state.Time)}
}

func (s *spending) takeOver(p *state.Past) {
	for unit, at := range p.Charges {
		s.units[unit] = slices.Clone(at)
	}
	s.host = slices.Clone(p.Upheaval)
}

// healthy is how long a unit must have been well for its pauses to begin anew.
const healthy = 10 * time.Minute

// within: repairs of one unit stay within its limits and keep their pauses, and
// those that disturb stay within the host's. Ages are lower bounds, as they are
// for evenkeel: after a reboot more may count than need be, never less.
func (a *Auditor) within(s state.Step, at state.Time) error {
	if !s.Remedial {
		return nil
	}
	unit := s.Action.Target
	before := a.spent.units[unit]
	a.spent.units[unit] = append(before, at)
	if s.Effect == actuators.Disruptive {
		a.spent.host = append(a.spent.host, at)
	}
	if a.want == nil {
		return nil
	}
	if b := a.want.Policy.Budgets; s.Effect == actuators.Disruptive && b.Disruptive > 0 && !a.past.MayPass(unit, at) {
		if n := state.Recent(a.spent.host, at, b.Per.Std()); n > b.Disruptive {
			return breach("host's budget", "%d disruptive repairs within %s", n, b.Per)
		}
	}
	sv := a.service(s.Object)
	if sv == nil || sv.Spec.Limits == nil {
		return nil
	}
	l := sv.Spec.Limits
	if n := state.Recent(a.spent.units[unit], at, l.Per.Std()); l.Restarts > 0 && n > l.Restarts {
		return breach("budget", "%d repairs of %s within %s", n, unit, l.Per)
	}
	if len(before) == 0 {
		return nil
	}
	if gap, pause := at.Since(before[len(before)-1]), a.pauseAfter(unit, before, at, l.Backoff); gap < pause {
		return breach("backoff", "repair of %s %s after the last one, want %s", unit, gap, pause)
	}
	return nil
}

// pauseAfter is the least pause after repairs, as far as intents and their ends tell:
// what lies so far apart that the unit may have been well between begins anew. A repair
// that was in vain is counted, and ended nobody's health.
func (a *Auditor) pauseAfter(unit string, at []state.Time, now state.Time, backoff []desired.Duration) time.Duration {
	if len(backoff) == 0 {
		return 0
	}
	row, ended := 1, now // until when the unit may have been well
	for i := len(at) - 1; i > 0; i-- {
		if !slices.Contains(a.spent.inVain[unit], at[i]) {
			ended = at[i]
		}
		if ended.Since(at[i-1]) >= healthy {
			break
		}
		row++
	}
	return min(backoff[min(row, len(backoff))-1].Std(), healthy)
}

// forgiven forgets charges: a human said so, or the object is evenkeel's no more.
func (a *Auditor) forgiven(n state.Note) {
	switch n.Kind {
	case state.NoteRetried:
		delete(a.spent.units, n.Name)
	case state.NoteForgot, state.NoteReleased:
		for _, unit := range a.past.Managed[n.Object].Units {
			delete(a.spent.units, unit)
		}
	}
}

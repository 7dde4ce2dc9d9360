package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What a Runbook may do at the earliest, and when the Case of an alert may close.
const (
	shows = time.Minute
	quiet = 2 * time.Minute
)

// forAlert: what is done for an alert is the next step of its Runbook, rests on the
// alert itself, begins when the one before it has had its time, and no oftener than
// the Runbook's limits say.
func (a *Auditor) forAlert(c state.Case, k *course, s state.Step, at state.Time) error {
	book := a.book(c.Runbook)
	if err := a.ground(c, s, at); err != nil {
		return err
	}
	if !slices.Contains(s.Rests, state.Ref{Kind: state.RefAlerts, Name: c.Alert}) {
		return breach("alerts", "%s does not rest on the alert %s", s.Action, c.Unit)
	}
	if book == nil {
		if a.want == nil {
			return nil // what was declared is not known
		}
		return breach("alerts", "%s is done for %s, and no runbook is for it", s.Action, c.Unit)
	}
	if s.Rung < 1 || s.Rung > len(book.Spec.Steps) || !isStep(book.Spec.Steps[s.Rung-1], s.Action) {
		return breach("alerts", "%s is not step %d of runbook %s", s.Action, s.Rung, book.Name)
	}
	if _, yes := a.past.Approved[s.ID]; !yes && mustAsk(book.Spec.Steps[s.Rung-1]) {
		return breach("approval", "%s is done, and no human said yes", s.Action)
	}
	next := try{rung: s.Rung, round: c.Round, step: s.ID, action: s.Action.String()}
	for i := range k.tried {
		switch t := &k.tried[i]; {
		case t.status == "":
			return breach("verdict", "%s begins before %s has ended", s.Action, t.action)
		case t.rung > s.Rung:
			return breach("upwards", "step %d comes after step %d", s.Rung, t.rung)
		case t.rung == s.Rung && (t.status != state.Cut || strings.HasPrefix(t.action, "exec.")):
			return breach("once a case", "%s is tried twice as step %d", s.Action, s.Rung)
		case t.rung < s.Rung && t.status == state.Done && at.Boot == t.ended.Boot && at.Since(t.ended) < patienceWith(book.Spec.Steps[t.rung-1]):
			return breach("settle", "%s begins %s after %s ended", s.Action, at.Since(t.ended), t.action)
		}
	}
	k.tried = append(k.tried, next)
	if l := book.Spec.Limits; l != nil && l.Runs > 0 && !c.Ran && s.Effect != actuators.None {
		if n := state.Recent(a.past.Runs[book.Name], at, l.Per.Std()); n >= l.Runs {
			return breach("limits", "runbook %s runs, and ran %d times within %s", book.Name, n, l.Per)
		}
	}
	return nil
}

// ground: nothing is done for an alert that was seen to be over, that rests on what
// cannot be seen, or that a human silenced.
func (a *Auditor) ground(c state.Case, s state.Step, at state.Time) error {
	switch {
	case !c.Well.IsZero():
		return breach("alerts", "%s is done for %s, which has been over since %s", s.Action, c.Unit, c.Well.Up)
	case c.Seen.Is != "" && c.Seen.Is != state.SeenFiring:
		return breach("alerts", "%s is done for %s, which is %s", s.Action, c.Unit, c.Seen.Is)
	}
	for _, silence := range a.past.Silences {
		m, err := desired.ParseAllMatchers(silence.Matchers)
		if err == nil && len(c.Labels) > 0 && !silence.Ended(at) && desired.MatchAll(m, c.Labels) {
			return breach("alerts", "%s is done for %s, which is %s", s.Action, c.Unit, silence.Says())
		}
	}
	return nil
}

// mustAsk tells a step that waits for a human whatever policy says.
func mustAsk(do desired.Do) bool { return do.Ask != "" || do.Approve != "" }

// patienceWith is how long a step has to show at least.
func patienceWith(do desired.Do) time.Duration {
	switch {
	case do.Do == "":
		return 0
	case do.Settle > 0, do.Verify != nil:
		return do.Settle.Std()
	}
	return shows
}

// isStep tells whether an action is what a step of a Runbook says.
func isStep(do desired.Do, act actuators.Action) bool {
	if do.Ask != "" {
		return act.Actuator == "ask"
	}
	c := do.Call()
	if act.Actuator == "state" {
		return c.Verb == "start" && do.Approve != "" // of what is declared stopped
	}
	own := c.Actuator == "" && slices.Contains([]string{act.Actuator, act.Verb}, c.Verb) // failover.switch, scale.set
	return own || c.Actuator == act.Actuator && c.Verb == act.Verb
}

func (a *Auditor) book(name string) *desired.Runbook {
	if a.want == nil {
		return nil
	}
	for i := range a.want.Runbooks {
		if b := &a.want.Runbooks[i]; b.Name == name {
			return b
		}
	}
	return nil
}

// over: the Case of an alert closes when it has not fired for a while, or when
// nobody declares its rule.
func (a *Auditor) over(c state.Case, at state.Time) error {
	if !c.Well.IsZero() && at.Since(c.Well) >= quiet || a.o.Want == nil {
		return nil
	}
	name, _, _ := strings.Cut(c.Unit, "/")
	if want := a.o.Want(a.past.Revision.Name); want != nil && !slices.ContainsFunc(want.Rules, func(r desired.RuleFile) bool { return names(string(r.Text), name) }) && c.Well.IsZero() {
		return nil
	}
	return breach("healed", "%s closes, and has fired within %s", c.ID, quiet)
}

// names tells whether rules name an alert, outside of what is a comment.
func names(rules, alert string) bool {
	for line := range strings.Lines(rules) {
		before, _, has := strings.Cut(line, alert)
		if has && !strings.Contains(before, "#") {
			return true
		}
	}
	return false
}

// helpedAside are the steps of a Case but for when they were seen to help, and not for
// long: that a Note brings.
func helpedAside(tried []state.Tried) []state.Tried {
	out := slices.Clone(tried)
	for i := range out {
		out[i].Helped, out[i].Lapsed = state.Time{}, false
	}
	return out
}

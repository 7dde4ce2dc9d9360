package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// course is how a Case went, by the Steps that bear its ID and by what was told.
type course struct {
	key   string
	tried []try
	told  map[string]state.Time // by round and ending, or by what it waits for
}

type try struct {
	rung, round int
	step        string
	action      string
	ended       state.Time
	status      state.Status
}

func courseOf(c state.Case) *course {
	k := &course{key: c.Key(), told: make(map[string]state.Time)}
	for _, t := range c.Tried {
		k.tried = append(k.tried, try{rung: t.Rung, round: t.Round, step: t.Step, action: t.Action, ended: t.Ended, status: t.Status})
	}
	return k
}

// climbs: a remedy belongs to a Case that is open and has not ended; it is the
// one that is declared there; it is tried once; and it begins when the one before
// it was judged.
func (a *Auditor) climbs(s state.Step, at state.Time) error {
	if err := a.fits(s); err != nil {
		return err
	}
	if s.Case == "" {
		return nil
	}
	c, open := a.open(s.Case)
	switch {
	case !open:
		return breach("cases", "%s is a remedy of %s, which is not open", s.Action, s.Case)
	case c.Object != s.Object && c.Alert == "":
		return breach("cases", "%s is a remedy of %s, which is of %s", s.Action, s.Case, c.Object)
	case c.Ended != "":
		return breach("ended", "%s, and %s has ended (%s)", s.Action, s.Case, c.Ended)
	}
	k := a.cases[c.ID]
	switch {
	case k == nil:
		return breach("cases", "%s was never noted", c.ID)
	case c.Reason == state.RevisionBad:
		return nil // its remedies have rules of their own: see returns
	case c.Alert != "":
		return a.forAlert(c, k, s, at)
	}
	next := try{rung: s.Rung, round: c.Round, step: s.ID, action: s.Action.String()}
	if err := a.once(k, next, s, at); err != nil {
		return err
	}
	k.tried = append(k.tried, next)
	return a.declaredRung(s)
}

// once: no remedy is tried twice in a round, none before the last was judged, and
// the ladder is climbed upwards. What was cut short is no try.
func (a *Auditor) once(k *course, next try, s state.Step, at state.Time) error {
	var last *try
	for i := range k.tried {
		t := &k.tried[i]
		if t.round != next.round || t.status == state.Cut {
			continue
		}
		if t.rung == next.rung && t.action == next.action && t.rung > 0 {
			return breach("once a case", "%s is tried twice as remedy %d", s.Action, next.rung)
		}
		last = t
	}
	switch {
	case last == nil:
		return nil
	case last.status == "":
		return breach("verdict", "%s begins before %s has ended", s.Action, last.action)
	case next.rung < last.rung:
		return breach("upwards", "remedy %d comes after remedy %d", next.rung, last.rung)
	}
	since, settle := at.Since(last.ended), a.settle(s.Object, last.rung)
	cut := k.tried[len(k.tried)-1].status == state.Cut // and whatever it has done, the last one no longer shows
	if at.Boot == last.ended.Boot && since < settle && next.rung != last.rung && !cut {
		return breach("settle", "%s begins %s after %s ended, want %s", s.Action, since, last.action, settle)
	}
	if next.round > 0 && last.rung > 0 && next.rung != last.rung {
		return breach("half-open", "a second remedy, %s, in the same try", s.Action)
	}
	return nil
}

// climbed takes the end of a Step into its Case.
func (a *Auditor) climbed(s state.Step, o state.Outcome, at state.Time) {
	k := a.cases[s.Case]
	if k == nil {
		return
	}
	for i := len(k.tried) - 1; i >= 0; i-- {
		if t := &k.tried[i]; t.step == s.ID && t.status == "" {
			t.status, t.ended = o.Status, at
			return
		}
	}
}

// fits: what a restart cannot mend is not restarted, and neither is what may lose
// data by it.
func (a *Auditor) fits(s state.Step) error {
	if s.Ask != "" {
		return nil
	}
	if isStart(s) && (s.Reason == state.WrongService || s.Reason == state.Flapping) {
		return breach("no restart", "%s for %s", s.Action, s.Reason)
	}
	probes := s.Reason == state.LivenessFailed || s.Reason == state.WrongService
	sv := a.service(s.Object)
	if sv != nil && probes && s.Action.Verb == "restart" && len(sv.Spec.Remedies) == 0 && (sv.Spec.Stateful || sv.UnitFile == nil) {
		return breach("no restart", "%s is restarted, which nobody declared", s.Action.Target)
	}
	return nil
}

// declaredRung: a remedy is what is declared in its place; a start takes the
// place of a restart, and comes after others where the unit is down.
func (a *Auditor) declaredRung(s state.Step) error {
	sv := a.service(s.Object)
	if sv == nil || s.Rung == 0 || s.Action.Actuator == "systemd" && s.Action.Verb == "start" {
		return nil
	}
	rungs := sv.Spec.Remedies
	if len(rungs) == 0 {
		rungs = []desired.Do{{Do: "restart"}}
	}
	if s.Rung > len(rungs) {
		return breach("cases", "%s is remedy %d of %d", s.Action, s.Rung, len(rungs))
	}
	do := rungs[s.Rung-1]
	c := do.Call()
	if restarts(do.Do) {
		c.Verb = "restart"
	}
	// failover.switch, scale.set, revision.rollback: what no actuator does
	own := c.Actuator == "" && slices.Contains([]string{s.Action.Actuator, s.Action.Verb}, c.Verb)
	if !own && (c.Actuator != s.Action.Actuator || c.Verb != s.Action.Verb) {
		return breach("cases", "%s is remedy %d, which is declared as %s", s.Action, s.Rung, do.Do)
	}
	return nil
}

// settle is how long a remedy has to show.
func (a *Auditor) settle(object string, rung int) time.Duration {
	sv := a.service(object)
	if sv == nil || rung < 1 || rung > len(sv.Spec.Remedies) {
		return 0
	}
	do := sv.Spec.Remedies[rung-1]
	switch p := sv.Spec.LivenessProbe; {
	case do.Settle > 0:
		return do.Settle.Std()
	case restarts(do.Do):
		return 0
	case p != nil:
		return max(10*time.Second, time.Duration((p.FailureThreshold+p.SuccessThreshold)*p.PeriodSeconds+p.TimeoutSeconds)*time.Second)
	}
	return 10 * time.Second
}

func restarts(do string) bool {
	return slices.Contains([]string{"restart", "systemd.restart", "start", "systemd.start"}, do)
}

// open finds the open Case with an ID.
func (a *Auditor) open(id string) (state.Case, bool) {
	for _, c := range a.past.Cases {
		if c.ID == id {
			return c, true
		}
	}
	return state.Case{}, false
}

// notes audits a Note.
func (a *Auditor) notes(n state.Note, at state.Time) error {
	switch n.Kind {
	case state.NoteCase:
		return a.noteCase(*n.Case, n.Detail, at)
	case state.NoteHealed:
		return a.healed(*n.Case, at)
	case state.NoteHold:
		delete(a.stopped, n.Hold.Unit)
	case state.NoteLifted:
		delete(a.stopped, n.Hold.Unit)
		if n.Hold.Unit == "" {
			a.givenBack(n.Hold.Object) // what he stopped meanwhile he has given back with the rest
		}
	case state.NoteForgot, state.NoteReleased:
		a.givenBack(n.Object)
		a.forgiven(n)
	case state.NoteRetried:
		a.forgiven(n)
	case state.NoteRevision:
		return a.inForce(n)
	}
	return nil
}

// noteCase: a Case is well formed, goes on from what it was, and tells a human
// what it must, once.
func (a *Auditor) noteCase(c state.Case, tell string, at state.Time) error {
	old, had := a.past.Cases[c.Key()]
	k := a.cases[c.ID]
	switch {
	case c.ID == "" || c.Object == "" || c.Reason == "" || c.Opened.IsZero():
		return breach("cases", "a case without ID, object, reason or time: %+v", c)
	case c.Ended != "" && (c.At.IsZero() || c.Why == ""):
		return breach("cases", "%s has ended, and says neither when nor why", c.ID)
	case had && old.ID != c.ID:
		return breach("cases", "%s takes the place of %s, which is open", c.ID, old.ID)
	case !had && k != nil:
		return breach("cases", "%s opens again under the same ID", c.ID)
	}
	if c.Reason == state.RevisionBad {
		if !had {
			a.cases[c.ID] = courseOf(c)
		}
		return a.revisionCase(old, c, had, tell)
	}
	if !had {
		k = courseOf(c)
		a.cases[c.ID] = k
		if c.Round > 0 || len(c.Tried) > 0 {
			return breach("cases", "%s opens in the middle", c.ID)
		}
		return a.tells(k, state.Case{}, c, tell, at)
	}
	if k == nil {
		return breach("cases", "%s was never noted", c.ID)
	}
	if c.Opened != old.Opened || !slices.Equal(c.Sick, old.Sick) || !slices.Equal(helpedAside(c.Tried), helpedAside(old.Tried)) {
		return breach("cases", "%s is not what it was: %+v, then %+v", c.ID, old, c)
	}
	if err := a.goesOn(old, c, at); err != nil {
		return err
	}
	return a.tells(k, old, c, tell, at)
}

// goesOn: a Case that has ended is climbed again only when its time has come, or
// when it was well.
func (a *Auditor) goesOn(old, c state.Case, at state.Time) error {
	switch {
	case c.Unit == "" && c.Reason != old.Reason:
		return nil // the host's is not climbed; it was over, and this is something else
	case c.Round == old.Round && (old.Ended == "" || c.Ended != "" || !c.Well.IsZero()):
		return nil
	case c.Round == old.Round:
		return breach("half-open", "%s had ended (%s), and goes on", c.ID, old.Ended)
	case c.Round != old.Round+1 || old.Ended == "" || c.Ended != "":
		return breach("half-open", "%s is in round %d after round %d", c.ID, c.Round, old.Round)
	}
	rest := 30 * time.Minute
	if sv := a.declared(c.Object); sv != nil && sv.Spec.Limits != nil && sv.Spec.Limits.Per > 0 {
		rest = sv.Spec.Limits.Per.Std()
	} else if sv == nil {
		rest = 0
	}
	if since := at.Since(old.At); since < min(rest<<min(old.Round, 10), 24*time.Hour) {
		return breach("half-open", "%s is climbed again %s after it ended", c.ID, since)
	}
	return nil
}

// seldom is how often a human may be told the same of one Case.
const seldom = 30 * time.Minute

// tells: that a Case ended, or waits for a human, is told, and told once.
func (a *Auditor) tells(k *course, old, c state.Case, tell string, at state.Time) error {
	ends := c.Ended != "" && c.Ended != old.Ended
	waits := c.Ended == "" && c.Why != "" && c.Why != old.Why
	switch {
	case ends && tell == "":
		return breach("told", "%s ended (%s), and nobody was told", c.ID, c.Ended)
	case tell != "" && !ends && !waits:
		return breach("told", "%s: %q is told, and nothing has ended", c.ID, tell)
	case tell == "":
		return nil
	}
	what := strings.Repeat("again ", c.Round) + string(c.Ended)
	if c.Ended == "" {
		what += c.Why
	}
	if last, again := k.told[what]; again && (c.Ended != "" || at.Since(last) < seldom) {
		return breach("told", "%s: %q is told again", c.ID, tell)
	}
	k.told[what] = at
	return nil
}

// healed: a Case closes when its unit was well for a while, or when it is no
// longer evenkeel's to heal.
func (a *Auditor) healed(c state.Case, at state.Time) error {
	old, open := a.past.Cases[c.Key()]
	switch {
	case !open || old.ID != c.ID:
		return breach("cases", "%s closes and is not open", c.ID)
	case c.Alert != "":
		return a.over(c, at)
	case !c.Well.IsZero() && at.Since(c.Well) >= healthy:
		return nil
	case a.inHumanHands(c), a.o.Want == nil, c.Reason == state.RevisionBad:
		return nil
	}
	return breach("healed", "%s closes, and was not well for %s", c.ID, healthy)
}

// inHumanHands tells that a human keeps a unit down, or evenkeel away from it.
func (a *Auditor) inHumanHands(c state.Case) bool {
	_, held := a.past.Holds[(state.Hold{Reason: state.ManualStop, Object: c.Object, Unit: c.Unit}).Key()]
	_, released := a.past.Released[c.Object]
	sv := a.declared(c.Object)
	return held || released || a.masked[c.Unit] || sv != nil && sv.Spec.State != desired.Running && sv.Spec.State != ""
}

// declared finds what is declared of an object by the revision that is in force.
func (a *Auditor) declared(object string) *desired.Service {
	if a.o.Want == nil {
		return nil
	}
	a.want = a.o.Want(a.past.Revision.Name)
	return a.service(object)
}

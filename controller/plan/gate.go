package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// wish is a change that would make the host as declared, before anything was
// asked whether it may be done.
type wish struct {
	unit     string // the unit that it is about
	path     string // the declared file that it writes; empty for units and what they are made of
	reason   state.Reason
	detail   string
	action   actuators.Action
	effect   actuators.Effect
	rests    []state.Ref
	heeds    []state.Ref // what is read again before it, and does not change by it
	fields   []state.Field
	needs    []string
	always   bool // a human must approve it, whatever policy says
	repairs  bool // it belongs to management repair: state, not files or links
	remedial bool // it repairs what had been well, and is charged
	human    bool // it waits for a human, who need not wait for anything else
	holds    []hold
	ask      *state.Ask // what a human asked for, where it is that
	cause    string     // the Case whose remedy it is
	rung     int        // which remedy
	key      string     // names an effect that must happen once; empty: it may be repeated
}

// hold is one reason not to do something.
type hold struct {
	reason state.Reason
	detail string
	until  *state.Time
}

// wish turns a wish into a Step, or into Held entries that say why not. It
// returns the Step's ID, and whether there is one.
func (d *draft) wish(sv *service, w wish) (string, bool) {
	object := sv.Object()
	if id, ok := d.byKey[stepKey(object, w.action)]; ok {
		return id, true // in flight, or planned by another wish
	}
	holds := append(d.reasonsToHold(sv, w), w.holds...)
	if len(holds) == 0 {
		return d.step(object, w), true
	}
	d.hold(object, w, holds...)
	return "", false
}

// hold lists why a wish is not done.
func (d *draft) hold(object string, w wish, holds ...hold) {
	var wishes []state.Wish
	if w.reason != "" {
		wishes = []state.Wish{d.heldBack(object, w)}
	}
	for _, h := range holds {
		d.holds(object, w, wishes, h)
	}
}

func (d *draft) holds(object string, w wish, wishes []state.Wish, h hold) {
	detail := h.detail
	if detail == "" {
		detail = w.detail
	}
	held := state.Held{Object: object, Unit: w.unit, Reason: h.reason, Detail: detail, Until: h.until, Fields: w.fields, Wishes: slices.Clip(wishes)}
	if w.ask != nil {
		held.Ask = w.ask.ID
	}
	if h.reason == state.AwaitingApproval || h.reason == state.NewVersion {
		held.Steps = []string{d.stepID(object, w)}
	}
	d.held = append(d.held, held)
	d.waits(h.until)
}

// reasonsToHold asks everything that may forbid a change, most of it of the
// host and of the object, not of the change.
func (d *draft) reasonsToHold(sv *service, w wish) []hold {
	holds := append([]hold(nil), d.global...)
	add := func(r state.Reason, detail string, until *state.Time) {
		holds = append(holds, hold{r, detail, until})
	}
	switch {
	case w.path != "" && !d.want.Policy.AllowsPath(w.path):
		add(state.NotAllowed, "policy does not allow writing "+w.path, nil)
	case w.unit != "":
		holds = append(holds, d.forbidden(sv, w.unit)...)
	}
	switch {
	case sv.mode == desired.Observe:
		add(state.ObserveOnly, d.observing(sv)+w.describe(), nil)
	case sv.mode == desired.Repair && !w.repairs:
		add(state.ObserveOnly, "management is repair: "+w.describe(), nil)
	}
	if h, ok := d.packages(w); ok {
		holds = append(holds, h)
	}
	if w.ask == nil {
		holds = append(holds, d.notByItself(sv, w)...)
	}
	if sv.unsure {
		add(state.Unobserved, "what its new process was started with is being read", nil)
	}
	if sv.frozen {
		add(state.InProgress, "another step on it is under way", nil)
	}
	return holds
}

// notByItself asks what forbids a change to evenkeel, but not to a human who
// asks for it.
func (d *draft) notByItself(sv *service, w wish) []hold {
	var holds []hold
	for _, h := range d.heldBy(sv.Object(), w) {
		holds = append(holds, hold{h.Reason, h.Detail, h.Until(d.now)})
	}
	if _, ok := d.past.Released[sv.object]; ok {
		holds = append(holds, hold{state.Suspended, sv.Name + " was released by hand; evenkeel takes it back with: evenkeel resume " + sv.Name, nil})
	}
	if d.needsApproval(w) && !d.approved(sv.object, w) {
		who := "policy asks for approval of " + actuators.Words(w.action.String())
		if w.always {
			who = actuators.Words(w.action.String()) + " always waits for approval"
		}
		holds = append(holds, hold{state.AwaitingApproval, fmt.Sprintf("%s: evenkeel approve %s", who, d.stepID(sv.object, w)), nil})
	}
	if h, ok := d.newVersion(sv.object, w); ok {
		holds = append(holds, h)
	}
	if h, ok := d.outsideWindow(sv, w); ok {
		holds = append(holds, h)
	}
	if w.remedial {
		holds = append(holds, d.limits(sv, w)...)
		if d.returning[sv.object] {
			holds = append(holds, hold{state.InProgress, "the revision that broke it goes back first", nil})
		}
	}
	if h, ok := d.unmet(sv, w); ok {
		holds = append(holds, h)
	} else if h, ok := d.failing(sv.object, w); ok {
		holds = append(holds, h)
	}
	return holds
}

func (w wish) describe() string {
	if w.detail != "" {
		return w.detail
	}
	return w.action.String()
}

func (d *draft) observing(sv *service) string {
	if sv.Spec.Management == desired.Observe {
		return "management is observe: "
	}
	return "the host's policy is in mode observe: "
}

// heldBy lists the remembered holds that concern a wish. A human's stop holds
// starts and restarts only: files may still be mended meanwhile.
func (d *draft) heldBy(object string, w wish) []state.Hold {
	var out []state.Hold
	for _, h := range d.past.Holds {
		if h.Ended(d.now) || h.Object != object && h.Object != d.hostObject() || h.Unit != "" && h.Unit != w.unit {
			continue
		}
		if h.Reason == state.ManualStop && w.action.Verb != "start" && w.action.Verb != "restart" {
			continue
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b state.Hold) int { return strings.Compare(a.Key(), b.Key()) })
	return out
}

// healthyAfter is how long a unit must have been well for its backoff to start
// anew (Kubernetes' figure for crash loops).
const healthyAfter = 10 * time.Minute

// limits applies the service's own limits and backoff to a repair.
func (d *draft) limits(sv *service, w wish) []hold {
	l := sv.Spec.Limits
	if l == nil {
		return nil
	}
	charges, upheaval := d.charged(w.action.Target)
	var holds []hold
	if n := state.Recent(charges, d.now, l.Per.Std()); l.Restarts > 0 && n >= l.Restarts {
		oldest := charges[len(charges)-n]
		holds = append(holds, hold{
			state.BudgetSpent,
			fmt.Sprintf("%d of %d repairs used within %s", n, l.Restarts, l.Per), d.at(l.Per.Std() - d.now.Since(oldest)),
		})
	}
	if b := d.want.Policy.Budgets; w.effect == actuators.Disruptive && !d.past.MayPass(w.action.Target, d.now) {
		if n := state.Recent(upheaval, d.now, b.Per.Std()); n >= b.Disruptive {
			oldest := upheaval[len(upheaval)-n]
			holds = append(holds, hold{
				state.BudgetSpent,
				fmt.Sprintf("%d of %d disruptive repairs of this host used within %s", n, b.Disruptive, b.Per), d.at(b.Per.Std() - d.now.Since(oldest)),
			})
		}
	}
	row := d.inARow(charges, l.Backoff, d.have.Units[w.action.Target].Value)
	if row == 0 || len(l.Backoff) == 0 {
		return holds
	}
	pause := l.Backoff[min(row, len(l.Backoff))-1].Std()
	if since := d.now.Since(charges[len(charges)-1]); since < pause {
		holds = append(holds, hold{
			state.Backoff,
			fmt.Sprintf("repair %d in a row waits %s after the last one", row+1, desired.Duration(pause)), d.at(pause - since),
		})
	}
	return holds
}

// charged lists the repairs of a target, and those that were disruptive whatever
// the target, as if what this Plan is about to begin had begun: two that may begin
// together must both be within the limits.
func (d *draft) charged(target string) (charges, upheaval []state.Time) {
	charges, upheaval = slices.Clip(d.past.Charges[target]), slices.Clip(d.past.Upheaval)
	for i := range d.steps {
		s := &d.steps[i]
		if _, flying := d.past.Flight[s.ID]; flying || !s.Remedial {
			continue
		}
		if s.Action.Target == target {
			charges = append(charges, d.now)
		}
		if s.Effect == actuators.Disruptive {
			upheaval = append(upheaval, d.now)
		}
	}
	return charges, upheaval
}

// inARow counts the repairs since the unit was last well for healthyAfter. A
// pause between two repairs that is longer than backoff alone explains was
// health.
func (d *draft) inARow(charges []state.Time, backoff []desired.Duration, u state.Unit) int {
	if u.Exited-u.Entered >= healthyAfter {
		// A repair within the last part of the run may have ended it, or was of no
		// use to what ran on: it counts.
		well := u.Exited - healthyAfter
		for len(charges) > 0 && (charges[0].Boot != d.now.Boot || charges[0].Up <= well) {
			charges = charges[1:]
		}
	}
	quiet := healthyAfter
	if n := len(backoff); n > 0 {
		quiet += backoff[n-1].Std()
	}
	if len(charges) == 0 || d.now.Since(charges[len(charges)-1]) >= quiet {
		return 0
	}
	row := 1
	for i := len(charges) - 1; i > 0 && charges[i].Since(charges[i-1]) < quiet; i-- {
		row++
	}
	return row
}

// failing holds back what failed just now: 1 s after the first failure, twice
// as long after each further one, at most five minutes.
func (d *draft) failing(object string, w wish) (hold, bool) {
	f, ok := d.past.Failures[state.TallyKey(object, w.action)]
	if !ok || f.Kind == state.Unmet {
		return hold{}, false
	}
	pause := time.Duration(math.Min(float64(5*time.Minute), float64(time.Second)*math.Pow(2, float64(f.Count-1))))
	since := d.now.Since(f.At)
	if since >= pause {
		return hold{}, false
	}
	detail := fmt.Sprintf("%s.%s ended without success %s", w.action.Actuator, w.action.Verb, times(f.Count))
	if f.Detail != "" {
		detail += ": " + strings.TrimSpace(f.Detail)
	}
	return hold{state.Backoff, detail, d.at(pause - since)}, true
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times in a row", n)
}

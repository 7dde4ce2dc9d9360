package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// View is everything that a report is made from.
type View struct {
	Want *desired.Set
	Have state.World
	Past *state.Past // nil: not known
	Plan state.Plan
	Now  state.Time

	picture *plan.Picture // how everything is, as the Plan saw it; see looked
}

// split returns a function that narrows the View's Plan to what concerns one
// object, so that a report on all of them goes through the Plan once.
func (v View) split() func(object string) View {
	plans := make(map[string]*state.Plan)
	of := func(object string) *state.Plan {
		if plans[object] == nil {
			plans[object] = &state.Plan{}
		}
		return plans[object]
	}
	var reloads []state.Step
	for _, s := range v.Plan.Steps {
		if s.Action.Verb == reload {
			reloads = append(reloads, s)
			continue
		}
		p := of(s.Object)
		p.Steps = append(p.Steps, s)
	}
	for _, h := range v.Plan.Held {
		p := of(h.Object)
		p.Held = append(p.Held, h)
	}
	for _, g := range v.Plan.Gaps {
		p := of(g.Object)
		p.Gaps = append(p.Gaps, g)
	}
	return func(object string) View {
		mine := v
		mine.Plan = *of(object)
		mine.Plan.Steps = slices.Concat(mine.Plan.Steps, reloads)
		return mine
	}
}

// reload is the one verb that is about no object but the host.
const reload = "daemon-reload"

// verdict is what the board says of one unit.
type verdict struct {
	state  State
	reason state.Reason
	detail string
}

// meaning says what a reason for holding makes of a unit that differs: a
// holder that the board's HELD knows, our own business, or drift that is only
// told. A hold that is not listed is HELD.
var meaning = map[state.Reason]State{
	// We gave up, or it is ours and only waits for its turn.
	state.TooManySick: FAIL, state.Escalated: FAIL, state.RemedyWorse: FAIL, state.BudgetSpent: FAIL,
	state.Backoff: FAIL, state.InProgress: FAIL, state.Verifying: FAIL, state.Internal: FAIL, state.Interrupted: FAIL,

	state.PendingRestart: WARN, state.NotReady: WARN, state.Alert: WARN, // it runs, and answers: what is wrong is for the alert to say
	// What is wrong, as the reason of a hold: drift in mode warn.
	state.UnitFileDrift: WARN, state.ForeignDropIn: WARN, state.DaemonReloadNeeded: WARN, state.NotEnabled: WARN,
	state.FileDrift: WARN, state.StaleProcess: WARN, state.BootDrift: WARN, state.ReleaseDrift: WARN, state.NotDeclared: WARN,

	// What is sick, as the reason of a hold: nobody may act but a human.
	state.NotRunning: FAIL, state.Failed: FAIL, state.StuckActivating: FAIL, state.StuckDeactivating: FAIL,
	state.LivenessFailed: FAIL, state.WrongService: FAIL, state.NotStopped: FAIL, state.StartLimitHit: FAIL,
	state.Flapping: FAIL, state.UnitInvalid: FAIL, state.EndpointDown: FAIL, state.RevisionBad: FAIL,

	state.Unobserved: UNKNOWN,
}

// weight orders states where several things are true of one unit.
var weight = []State{FAIL, UNKNOWN, HELD, WARN, OK}

// judge finds the state of one unit of a service. The Plan has decided
// everything; this only puts it into one word. The first hold by rank decides
// where there are several: it is the one that has to be lifted first.
func (v View) judge(s *desired.Service, unit string) verdict {
	steps := v.steps(s, unit)
	holds, wrong := v.holds(s, unit)
	gap, blind := v.gap(s, unit)

	out := verdict{state: OK}
	raise := func(st State) {
		if slices.Index(weight, st) < slices.Index(weight, out.state) {
			out.state = st
		}
	}
	held := slices.IndexFunc(holds, differs)
	if held >= 0 {
		raise(v.means(holds[held], unit))
	}
	for _, h := range wrong {
		if h.Info && out.state == HELD {
			continue // it is sick, and what holds its remedy is a human or its cause
		}
		raise(meaning[h.Reason])
	}
	if len(steps) > 0 {
		out.state = FAIL
	}
	if blind {
		raise(UNKNOWN)
	}
	out.reason, out.detail = first(holds, steps, wrong)
	switch {
	case out.reason != "":
	case blind:
		out.reason, out.detail = state.Unobserved, gap
	default:
		return v.plain(s, unit, out)
	}
	return out
}

// differs tells a hold that stands for a difference. A pending restart always
// does: the process runs something older, whether or not anything may be done.
// So does a dependency that is not well: what needs it is not well either.
func differs(h state.Held) bool {
	return !h.Info || h.Reason == state.PendingRestart || h.Reason == state.DependencySick
}

// aside tells a hold on one remedy among others: the ladder goes on without it.
func aside(h state.Held) bool { return h.Info && h.Reason == state.NotAllowed }

// plain judges a unit of which the Plan says nothing.
func (v View) plain(s *desired.Service, unit string, out verdict) verdict {
	f := v.Have.Units[unit]
	switch {
	case !f.Known():
		return verdict{UNKNOWN, state.Unobserved, cmp.Or(f.Err, "not looked at yet")}
	case s.Spec.State == desired.Ignored && f.Value.Active == "failed":
		return verdict{WARN, state.Failed, "its state is ignored"}
	}
	return out
}

// means is meaning, but for systemd's own work: a crash loop is a failure,
// another start or stop on its way is only waited for.
func (v View) means(h state.Held, unit string) State {
	if u := v.Have.Units[unit].Value; h.Reason == state.SystemdActing && (u.Active == "failed" || u.Sub == "auto-restart") {
		return FAIL
	}
	return cmp.Or(meaning[h.Reason], HELD)
}

// first is the reason that the board names: that of the first hold, else what
// is wrong.
func first(holds []state.Held, steps []state.Step, wrong []state.Held) (state.Reason, string) {
	switch {
	case len(holds) > 0:
		return holds[0].Reason, holds[0].Detail
	case len(steps) > 0:
		return steps[0].Reason, steps[0].Detail
	case len(wrong) > 0:
		return wrong[0].Reason, wrong[0].Detail
	}
	return "", ""
}

// steps are the Steps that mend a unit, what is sick before what merely drifts.
// What a human asked for is no sign of sickness.
func (v View) steps(s *desired.Service, unit string) []state.Step {
	var out []state.Step
	for _, st := range v.Plan.Steps {
		if st.Effect != actuators.None && st.Reason != state.ByHand && v.concerns(st, s, unit) {
			out = append(out, st)
		}
	}
	slices.SortStableFunc(out, func(a, b state.Step) int {
		return cmp.Compare(gravity(a.Reason), gravity(b.Reason))
	})
	return out
}

// gravity orders what is wrong, the worst first.
func gravity(r state.Reason) int { return slices.Index(weight, cmp.Or(meaning[r], HELD)) }

func (v View) concerns(st state.Step, s *desired.Service, unit string) bool {
	if st.Object != s.Object() {
		return st.Action.Verb == reload && v.Have.Units[unit].Value.NeedReload
	}
	return !slices.Contains(s.Units, st.Action.Target) || st.Action.Target == unit
}

// holds are the holds on a unit by rank, apart from those that only say what is
// wrong and that nobody is asked to mend.
func (v View) holds(s *desired.Service, unit string) (holds, wrong []state.Held) {
	for _, h := range v.Plan.Held {
		switch {
		case h.Object != s.Object() || !about(h, s, unit) || aside(h):
		case symptom(h.Reason):
			wrong = append(wrong, h)
		default:
			holds = append(holds, h)
		}
	}
	slices.SortStableFunc(holds, func(a, b state.Held) int { return compareReasons(a.Reason, b.Reason) })
	slices.SortStableFunc(wrong, func(a, b state.Held) int {
		return cmp.Or(cmp.Compare(gravity(a.Reason), gravity(b.Reason)), cmp.Compare(a.Reason, b.Reason))
	})
	return holds, wrong
}

// about tells whether a hold concerns one replica. One that was joined from
// several names no unit, but its detail names those that it is about.
func about(h state.Held, s *desired.Service, unit string) bool {
	if slices.Contains(s.Units, h.Unit) {
		return h.Unit == unit
	}
	named := slices.ContainsFunc(s.Units, func(u string) bool { return strings.Contains(h.Detail, u) })
	return !named || strings.Contains(h.Detail, unit)
}

// symptom tells reasons that say what is wrong from those that say why nothing
// is done.
func symptom(r state.Reason) bool {
	return slices.Contains(symptoms, r)
}

var symptoms = []state.Reason{
	state.NotRunning, state.Failed, state.StuckActivating, state.StuckDeactivating, state.UnitFileDrift,
	state.ForeignDropIn, state.DaemonReloadNeeded, state.NotEnabled, state.FileDrift, state.StaleProcess,
	state.NotDeclared, state.LivenessFailed, state.WrongService, state.Alert, state.RevisionBad, state.NotStopped,
	state.BootDrift, state.NotReady, state.StartLimitHit, state.Flapping, state.UnitInvalid, state.EndpointDown, state.ReleaseDrift,
}

// gap tells whether something about a unit could not be observed, and what.
func (v View) gap(s *desired.Service, unit string) (string, bool) {
	for _, g := range v.Plan.Gaps {
		of := g.Source.Name
		if g.Source.Kind == state.RefProbe {
			_, of, _ = strings.Cut(of, "/")
		}
		other := of != unit && slices.Contains(s.Units, of)
		if g.Object == s.Object() && !other {
			return cmp.Or(g.Detail, "not observed"), true
		}
	}
	return "", false
}

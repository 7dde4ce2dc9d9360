package ward_test

import (
	"fmt"
	"maps"
	"reflect"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// breach ends a history: a promise was broken.
func (w *ward) breach(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("at %s %s: "+format, append([]any{w.boot, w.up}, args...)...)
		w.tell("BREACH: %v", w.err)
		if w.say != nil {
			w.say("%s", w.show())
		}
	}
}

// judge holds a Step that begins now against the truth, and against what evenkeel
// has just been told.
func (w *ward) judge(s *state.Step) {
	w.fresh(s)
	if s.Reason == state.Alert {
		w.judgeAlarm(s)
		return
	}
	if s.Ask != "" || s.Action.Actuator == "systemd" && s.Action.Target == "" {
		return
	}
	b := w.bed(s.Rests[0].Name)
	if s.Remedial {
		w.rootFirst(s, b)
	}
	if s.Effect != actuators.Disruptive {
		return
	}
	if s.Reason == state.LivenessFailed || s.Reason == state.WrongService {
		w.isSick(s, b)
		w.recoversByItself(s, b)
		w.isAlone(s, b)
	}
	if chance(w.dice, 25) {
		w.unknownIsNoReason(s, b)
	}
}

// freshness is how old a reading may be on which a Step rests.
const freshness = 15 * time.Second

// fresh: nothing rests on what is not known, too old, or of another boot.
func (w *ward) fresh(s *state.Step) {
	rests := s.Rests
	if s.Ask != "" {
		rests = rests[:1] // whether it makes sense beside others is for the human to say
	}
	for _, r := range rests {
		at, err, known := w.reading(r)
		switch {
		case r.Kind == state.RefProbe && err != "":
			// It is judged by this one, too; that it is sick another one says: see isSick.
		case !known || err != "":
			w.breach("%s rests on %s, which is not known: %s", s.Action, r, err)
		case at.Boot != w.boot || w.up-at.Up > freshness:
			w.breach("%s rests on %s, which was read at %s", s.Action, r, at.Up)
		case at.Outdated(w.past.Ended[r.String()]):
			w.breach("%s rests on %s, which is older than the last step on it", s.Action, r)
		}
	}
}

// isSick: this very process has failed a probe, and evenkeel was told so.
func (w *ward) isSick(s *state.Step, b *bed) {
	if !b.sick {
		w.breach("%s, and its process has never failed a probe", s.Action)
	}
	for _, p := range b.probes[:2] {
		if p == nil {
			continue
		}
		f := w.have.Probes[p.name]
		if f.Value.Verdict == state.ProbeFailure && f.Err == "" && f.Value.Invocation == b.u.Invocation {
			return
		}
	}
	w.breach("%s, and no probe of its process says that it is sick", s.Action)
}

// rootFirst: what a service requires directly is well, as far as is known.
func (w *ward) rootFirst(s *state.Step, b *bed) {
	sv := &w.set.Services[b.svc]
	for _, name := range sv.Requires {
		i := w.index(name)
		dep := &w.set.Services[i]
		if dep.Spec.State == desired.Stopped {
			w.breach("%s, and %s, which it requires, is declared stopped", s.Action, name)
		}
		if dep.Spec.State == desired.Ignored && s.Reason != state.LivenessFailed {
			continue // whoever ignores it may start what needs it
		}
		for j := w.first[i]; j < w.first[i+1]; j++ {
			if why := w.known(&w.beds[j]); why != "" {
				w.breach("%s, and %s, which it requires, %s", s.Action, w.beds[j].unit, why)
			}
		}
	}
	for _, name := range sv.Outside {
		if f := w.have.Probes[desired.ProbeName(desired.EndpointProbe, name)]; f.Err == "" && f.Value.Verdict == state.ProbeFailure {
			w.breach("%s, and %s, which it requires, is down", s.Action, name)
		}
	}
}

// known is what evenkeel knows to be wrong with a unit.
func (w *ward) known(b *bed) string {
	f := w.have.Units[b.unit]
	switch {
	case !f.Known():
		return "could not be read"
	case !f.Value.Up():
		return "is " + f.Value.Active
	}
	for _, p := range b.probes {
		if p == nil {
			continue
		}
		if f := w.have.Probes[p.name]; f.Err == "" && f.Value.Verdict == state.ProbeFailure && f.Value.Invocation == b.u.Invocation {
			return "fails its " + p.kind + " probe"
		}
	}
	return ""
}

func (w *ward) index(name string) int {
	for i := range w.set.Services {
		if w.set.Services[i].Name == name {
			return i
		}
	}
	return -1
}

// recoversByItself: what is sick only because something that it requires does not
// work, which evenkeel could know, recovers by itself and is let do so.
func (w *ward) recoversByItself(s *state.Step, b *bed) {
	if b.ill.kind != none || !b.broken || w.network != whole || w.natures[b.svc].slow > 0 || b.lapse < 0 {
		return
	}
	// What it needs works again, and it is about to. Its probes have been told of
	// that it did not only where all that it needs is declared and watched.
	n := &w.natures[b.svc]
	if len(n.outside) > 0 || len(n.needs) != len(w.set.Services[b.svc].Requires) {
		return
	}
	for _, dep := range n.needs {
		if w.first[dep+1]-w.first[dep] > 1 || len(w.natures[dep].needs)+len(w.natures[dep].outside) > 0 || w.set.Services[dep].Spec.LivenessProbe == nil {
			return
		}
		for _, p := range w.beds[w.first[dep]].probes {
			if p == nil {
				continue
			}
			if f := w.have.Probes[p.name]; f.Err != "" || f.Value.Verdict != state.ProbeSuccess || f.Value.Since < b.lapse {
				return // that it had been sick was never known
			}
		}
	}
	w.breach("%s, and it was about to recover by itself: what it requires works again since %s", s.Action, b.lapse)
}

// isAlone: where services that have nothing to do with each other fall sick at
// once, nothing is disturbed.
func (w *ward) isAlone(s *state.Step, b *bed) {
	onset, probed, sick := w.onset(b), 0, 0
	for i := range w.beds {
		o := &w.beds[i]
		if o.probes[0] == nil && o.probes[1] == nil {
			continue
		}
		probed++
		sv := &w.set.Services[o.svc]
		if len(sv.Requires)+len(sv.Outside) > 0 || w.natures[o.svc].confesses {
			continue // there may be an explanation
		}
		if at := w.onset(o); at > 0 && at-onset <= time.Minute && onset-at <= time.Minute && w.have.Units[o.unit].Value.Invocation == o.u.Invocation || w.hidden(o) {
			sick++
		}
	}
	if sick >= 3 && float64(sick) >= 0.2*float64(probed) {
		w.breach("%s, and %d of %d that have nothing to do with each other fell sick at once", s.Action, sick, probed)
	}
}

// hidden tells a unit that runs and that no probe can be asked of: it may be sick,
// too.
func (w *ward) hidden(b *bed) bool {
	if f := w.have.Units[b.unit]; !f.Known() || !f.Value.Up() || b.probes[0] != nil || b.probes[1] == nil {
		return false
	}
	return w.have.Probes[b.probes[1].name].Err != ""
}

// onset is since when the probes of a unit fail, as evenkeel was told; zero: they
// do not. A startup probe that has not decided hides the other.
func (w *ward) onset(b *bed) time.Duration {
	if f := w.have.Units[b.unit]; !f.Known() || !f.Value.Up() {
		return 0
	}
	if p := b.probes[0]; p != nil {
		switch f := w.have.Probes[p.name]; {
		case f.Err != "":
			return 0
		case f.Value.Verdict == state.ProbeFailure:
			return f.Value.Since
		case f.Value.Verdict == state.ProbePending:
			return 0
		}
	}
	p := b.probes[1]
	if p == nil {
		return 0
	}
	switch f := w.have.Probes[p.name]; {
	case f.Err != "" || f.Value.Invocation != b.u.Invocation:
		return 0
	case f.Value.Verdict == state.ProbeFailure:
		return f.Value.Since
	default:
		return f.Value.Failing
	}
}

// unknownIsNoReason: had one of the facts not been known, the Step would not be.
func (w *ward) unknownIsNoReason(s *state.Step, b *bed) {
	have := w.have
	what := ""
	switch n := w.dice.IntN(3); {
	case n == 0:
		what, have.Host = "the host", state.Fact[state.Host]{At: w.now(), Err: "no answer"}
	case n == 1 || b.probes[1] == nil || s.Reason != state.LivenessFailed && s.Reason != state.WrongService:
		what, have.Units = b.unit, maps.Clone(have.Units)
		have.Units[b.unit] = state.Fact[state.Unit]{At: w.now(), Err: "no answer"}
	default:
		what, have.Probes = b.probes[1].name, maps.Clone(have.Probes)
		have.Probes[what] = state.Fact[state.Probe]{At: w.now(), Err: "no answer", Value: have.Probes[what].Value}
		if p := b.probes[0]; p != nil && have.Probes[p.name].Value.Verdict == state.ProbeFailure {
			return // that one suffices
		}
	}
	p := plan.Make(w.set, &have, w.past, w.now())
	for _, o := range p.Steps {
		if o.ID == s.ID && o.Reason == s.Reason && o.Case == s.Case {
			w.breach("%s would be done without knowing %s", s.Action, what)
		}
	}
}

// fixpoint looks now and then whether the Plan is one over its own Notes, and
// whether making it changed what it was made of.
func (w *ward) fixpoint(now state.Time) {
	if w.passes%64 != 0 {
		return
	}
	past := w.past.Clone()
	if again := plan.Make(w.set, &w.have, w.past, now); !reflect.DeepEqual(w.plan, again) {
		w.breach("two plans of the same:\n%s", cmp.Diff(w.plan, again))
	}
	if !reflect.DeepEqual(past, w.past) {
		w.breach("making a plan changed the past:\n%s", cmp.Diff(past, w.past))
	}
	for i := range w.plan.Notes {
		past.Fold(state.Entry{At: now, Note: &w.plan.Notes[i]})
	}
	again := plan.Make(w.set, &w.have, past, now)
	first := w.plan
	first.Notes = nil
	if !reflect.DeepEqual(first, again) {
		w.breach("the plan is no fixpoint over its notes:\n%s", cmp.Diff(first, again))
	}
}

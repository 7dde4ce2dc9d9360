package ward_test

import (
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// probe is one probe as kubelet would run it, without the samples that change
// nothing.
type probe struct {
	at        int // among the ward's
	name      string
	bed       *bed // nil: an Endpoint's
	endpoint  int
	kind      string
	spec      *desired.Probe
	period    time.Duration
	phase     time.Duration
	fact      state.Probe
	err       string
	asked     bool
	streak    int // of the samples lately: passed or failed; zero: none yet
	count     int // of them
	began     time.Duration
	entered   time.Duration // of the process that is asked
	gen       int
	scheduled bool
}

// What a sample shows.
const (
	passed = 1 + iota
	failed
	mute // it could not be taken
)

// reset begins anew with a new process, once it is seen.
func (w *ward) reset(p *probe, b *bed) {
	inv := ""
	if b.u.Up() {
		inv = b.u.Invocation
	}
	p.entered = b.u.Entered
	if p.fact.Invocation == inv && p.asked {
		return
	}
	p.asked = true
	p.gen++
	p.fact, p.err, p.streak, p.scheduled = state.Probe{Invocation: inv}, "", 0, false
	w.tellProbe(p)
	if inv != "" && w.unlocked(p) {
		w.schedule(p, w.grid(p))
	}
}

// unlocked tells that a probe is run: it waits for the startup probe, and that one
// has an end.
func (w *ward) unlocked(p *probe) bool {
	if p.bed == nil {
		return true
	}
	if s := p.bed.probes[0]; s != nil && (p == s) == (s.fact.Verdict == state.ProbeSuccess) {
		return false
	}
	return p.fact.Invocation != ""
}

// grid is when a probe takes its next sample: on the whole seconds of one clock, so
// that all probes of a unit are asked together.
func (w *ward) grid(p *probe) time.Duration {
	first := w.up + 1
	if p.bed != nil {
		first = max(first, p.entered+time.Duration(p.spec.InitialDelaySeconds)*time.Second)
	}
	return (first-p.phase+p.period-1)/p.period*p.period + p.phase
}

func (w *ward) schedule(p *probe, at time.Duration) {
	if p.scheduled || !w.alive {
		return
	}
	p.scheduled = true
	w.queue.push(event{at: at, kind: evSample, n: int32(p.at), gen: int32(p.gen)})
}

// shows is what a sample of a probe would show now.
func (w *ward) shows(p *probe) (what int, class string) {
	if w.network == shut {
		return mute, ""
	}
	if w.network == lost {
		return failed, state.ClassRefused
	}
	if p.bed == nil {
		if w.down[p.endpoint] {
			return failed, state.ClassTimeout
		}
		return passed, ""
	}
	b := p.bed
	brittle := w.natures[b.svc].brittle
	switch {
	case !b.u.Up():
		return failed, state.ClassRefused
	case b.ill.kind == hung:
		return failed, state.ClassTimeout
	case b.ill.kind == wrong:
		return failed, state.ClassWrong
	case w.up-b.u.Entered < w.natures[b.svc].slow:
		return failed, state.ClassRefused
	case p.kind == desired.ReadinessProbe && (b.ill.kind == tired || b.broken && brittle <= unlively):
		return failed, state.ClassStatus
	case p.kind != desired.ReadinessProbe && b.broken && brittle == unlively:
		return failed, state.ClassStatus
	}
	return passed, ""
}

// sample asks once. A failure that was found beyond the schedule counts for no
// verdict, as looking more often must never tip it.
func (w *ward) sample(p *probe, scheduled bool) {
	if !w.unlocked(p) {
		return
	}
	what, class := w.shows(p)
	was, wasErr, verdict := p.fact, p.err, p.fact.Verdict
	if what == mute {
		p.err = "network is unreachable"
	} else {
		p.err = ""
		if p.streak != what {
			p.streak, p.began, p.count = what, w.up, 0
		}
		if scheduled || what == passed && p.spec.SuccessThreshold <= 1 {
			p.count++
		}
		w.counts(p, what, class)
	}
	if p.err != wasErr || p.fact.Verdict != was.Verdict || p.fact.Failing != was.Failing || p.fact.Class != was.Class {
		w.tellProbe(p)
	}
	if p.kind == desired.StartupProbe && verdict != p.fact.Verdict && p.fact.Verdict == state.ProbeSuccess {
		for _, other := range p.bed.probes[1:] {
			if other != nil {
				w.schedule(other, w.grid(other))
			}
		}
	}
	if w.unsettled(p, what) {
		w.schedule(p, w.grid(p))
	}
}

// counts takes a sample into account, as kubelet does.
func (w *ward) counts(p *probe, what int, class string) {
	if what == failed {
		if p.bed != nil && p.kind != desired.ReadinessProbe && p.fact.Invocation == p.bed.u.Invocation {
			p.bed.sick = true
		}
		p.fact.Failing, p.fact.Class, p.fact.Detail = p.began, class, class
		if p.count >= p.spec.FailureThreshold && p.fact.Verdict != state.ProbeFailure {
			p.fact.Verdict, p.fact.Since = state.ProbeFailure, p.began
		}
		if p.kind == desired.ReadinessProbe && w.natures[p.bed.svc].confesses {
			p.fact.Says = w.confession(p.bed.svc)
		}
		return
	}
	p.fact.Failing, p.fact.Class, p.fact.Detail, p.fact.Says = 0, "", "", nil
	if p.count >= p.spec.SuccessThreshold && p.fact.Verdict != state.ProbeSuccess {
		p.fact.Verdict, p.fact.Since = state.ProbeSuccess, p.began
	}
}

// confession is what a service says of what it needs.
func (w *ward) confession(svc int) map[string]string {
	says := map[string]string{}
	for _, dep := range w.natures[svc].needs {
		says[w.set.Services[dep].Name] = map[bool]string{true: "ok", false: "down"}[w.serving[dep]]
	}
	return says
}

// unsettled tells that another sample could change something, though nothing else
// has changed.
func (w *ward) unsettled(p *probe, what int) bool {
	switch what {
	case passed:
		return p.fact.Verdict != state.ProbeSuccess
	case failed:
		// A start that is slow goes on by itself.
		return p.fact.Verdict != state.ProbeFailure || p.bed != nil && w.up-p.bed.u.Entered < w.natures[p.bed.svc].slow
	}
	return false
}

// pokeAll has every probe look whose answer would be another one.
func (w *ward) pokeAll() {
	if !w.alive {
		return
	}
	for i := range w.probes {
		p := &w.probes[i]
		if p.scheduled || !w.unlocked(p) {
			continue
		}
		what, _ := w.shows(p)
		if what != p.streak || (p.err != "") != (what == mute) {
			w.schedule(p, w.grid(p))
		}
	}
}

func (w *ward) tellProbe(p *probe) {
	if !w.alive {
		return
	}
	w.have.Probes[p.name] = state.Fact[state.Probe]{At: w.now(), Value: p.fact, Err: p.err}
	w.due = true
	if p.fact.Verdict != "" || p.err != "" {
		w.tell("probe %s: %q since %s, failing since %s %s", p.name, p.fact.Verdict, p.fact.Since, p.fact.Failing, p.err)
	}
}

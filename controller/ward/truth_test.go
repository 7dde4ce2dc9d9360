package ward_test

import (
	"fmt"
	"strconv"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// bed is one unit as it really is.
type bed struct {
	svc    int
	unit   string
	u      state.Unit // systemd's word, which is true
	ill    illness
	broken bool // something that it needs does not work, or did not until just now
	life   int  // counts processes: what was due in an earlier one is void
	sick   bool // a liveness or startup probe of this process has failed once
	starts []time.Duration
	probes [3]*probe // startup, liveness, readiness
	blind  string    // why it cannot be read

	lapse   time.Duration // since when what it needs works again, where it had not; negative: it does not
	excused bool          // what it needs did not work at some time of this process
}

// illness is what is wrong with a unit, of which systemd and evenkeel see only
// the signs.
type illness struct {
	kind  int
	cure  int           // see the constants
	left  int           // restarts that it takes
	after time.Duration // crashing: so long after a start
}

// Kinds of illness.
const (
	none     = iota
	hung     // it answers nothing
	wrong    // something else answers
	tired    // it is not ready
	crashing // it dies again and again
	stuck    // it never ends starting
)

// What cures it.
const (
	byRestart = iota
	byFix
	byTime
	never
)

// What the network on this host does to probes.
const (
	clear = iota
	lost  // everything is refused
	shut  // nothing can be asked
)

func (w *ward) bed(unit string) *bed { return &w.beds[w.places[unit]] }

func (b *bed) serves() bool {
	return b.u.Up() && !b.broken && (b.ill.kind == none || b.ill.kind == crashing)
}

// changed is systemd's signal that a unit changed. It may be lost or late.
func (w *ward) changed(b *bed) {
	w.ripple()
	if !w.alive {
		return
	}
	if w.late && chance(w.dice, 50) {
		w.after(time.Duration(w.dice.IntN(60))*time.Second, evRead, w.places[b.unit], w.life)
		return
	}
	w.readUnit(b)
}

// ripple finds out whether what each service needs works.
func (w *ward) ripple() {
	for i := range w.natures { // what a service needs comes before it
		w.serving[i] = false
		for j := w.first[i]; j < w.first[i+1]; j++ {
			b := &w.beds[j]
			w.need(i, j, b)
			w.serving[i] = w.serving[i] || b.serves()
		}
	}
	w.pokeAll()
}

// need looks at what one unit needs. It recovers some time after that does.
func (w *ward) need(i, j int, b *bed) {
	lacks := false
	for _, dep := range w.natures[i].needs {
		lacks = lacks || !w.serving[dep]
	}
	for _, e := range w.natures[i].outside {
		lacks = lacks || w.down[e]
	}
	switch nature := &w.natures[i]; {
	case nature.brittle == robust:
	case lacks && !b.broken:
		b.broken, b.excused, b.lapse = true, true, -1
		if nature.brittle == mortal && b.u.Up() {
			w.after(time.Second+time.Duration(w.dice.IntN(8))*time.Second, evDie, j, b.life)
		}
	case lacks:
		b.lapse = -1
	case b.broken && b.lapse < 0:
		b.lapse = w.up
		w.after(nature.lag, evRecover, j, b.life)
	}
}

func (w *ward) recover(b *bed) {
	if b.broken && b.lapse >= 0 && w.up-b.lapse >= w.natures[b.svc].lag {
		b.broken, b.lapse = false, -1
		w.ripple()
	}
}

// start begins a new process.
func (w *ward) start(b *bed, byHand bool) {
	u := &b.u
	if u.Masked() || u.Up() {
		return
	}
	b.life++
	b.sick, b.excused, b.broken, b.lapse = false, false, false, -1
	if byHand {
		u.Restarts, b.starts = 0, b.starts[:0]
	}
	b.starts = append(b.starts, w.up)
	if b.ill.cure == byRestart && b.ill.kind != none {
		if b.ill.left--; b.ill.left < 0 {
			b.ill = illness{}
		}
	}
	w.invocations++
	u.Result, u.Stop, u.Condition = "success", "", true
	u.Invocation, u.MainPID = "i"+strconv.Itoa(w.invocations)+"-"+b.unit, 100+uint32(w.invocations)
	u.Changed, u.Rested = w.up, 0
	if b.ill.kind == stuck {
		u.Active, u.Sub = "activating", "start"
	} else {
		u.Active, u.Sub, u.Entered = "active", "running", w.up
	}
	switch {
	case b.ill.kind == crashing:
		w.after(b.ill.after, evDie, w.places[b.unit], b.life)
	case w.natures[b.svc].toxic >= 0 && !w.peace:
		if v := &w.beds[w.first[w.natures[b.svc].toxic]]; v.u.Up() && v.ill.kind == none {
			v.ill = illness{kind: hung, cure: byTime}
			w.after(20*time.Minute, evCure, w.places[v.unit], 0)
			w.tell("the start of %s breaks %s", b.unit, v.unit)
		}
	}
	w.changed(b)
}

// die ends a process, if one runs or is starting.
func (w *ward) die(b *bed, result string) {
	u := &b.u
	if !u.Up() && u.Active != "activating" {
		return
	}
	if u.Up() {
		u.Exited = w.up
	}
	b.life++
	u.MainPID, u.Result, u.Changed, u.Rested = 0, result, w.up, w.up
	switch r := u.Restart; {
	case r == "always" || r == "on-failure" && result != "success":
		u.Active, u.Sub = "activating", "auto-restart"
		w.after(w.natures[b.svc].pause, evAutoRestart, w.places[b.unit], b.life)
	case result == "success":
		u.Active, u.Sub, u.Stop, u.Rested = "inactive", "dead", state.StopByExit, 0
	default:
		u.Active, u.Sub = "failed", "failed"
	}
	w.changed(b)
}

// autoRestart is systemd's own, within its start limit.
func (w *ward) autoRestart(b *bed) {
	recent := 0
	for _, at := range b.starts {
		if w.up-at < 10*time.Minute {
			recent++
		}
	}
	if recent >= w.natures[b.svc].burst {
		b.life++
		b.u.Active, b.u.Sub, b.u.Changed = "failed", "failed", w.up
		w.changed(b)
		return
	}
	n := b.u.Restarts + 1
	b.u.Active = "inactive"
	w.start(b, false)
	b.u.Restarts = n
}

// stop ends a process by a stop job.
func (w *ward) stop(b *bed) {
	u := &b.u
	if u.Active == "inactive" || u.Active == "failed" {
		return
	}
	if u.Up() {
		u.Exited = w.up
	}
	b.life++
	u.Active, u.Sub, u.Result, u.Stop, u.MainPID, u.Changed = "inactive", "dead", "success", state.StopByJob, 0, w.up
	w.changed(b)
}

func (w *ward) restart(b *bed) {
	if b.u.Up() {
		b.u.Exited = w.up
	}
	b.u.Active = "inactive"
	w.start(b, true)
}

func (w *ward) mask(b *bed, masked bool) {
	b.u.Load, b.u.Boot = "loaded", "enabled"
	if masked {
		b.u.Load, b.u.Boot = "masked", "masked"
	}
	w.changed(b)
}

// falls makes a unit ill.
func (w *ward) falls(b *bed, i illness) {
	b.ill = i
	switch i.kind {
	case crashing:
		w.die(b, "signal")
	case stuck:
		w.die(b, "exit-code")
	default:
		w.ripple()
	}
}

// heals takes an illness away.
func (w *ward) heals(b *bed) {
	was := b.ill.kind
	b.ill = illness{}
	if was == stuck && b.u.Active == "activating" && b.u.Sub == "start" {
		b.u.Active, b.u.Sub, b.u.Entered, b.u.Changed = "active", "running", w.up, w.up
		w.changed(b)
		return
	}
	w.ripple()
}

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

// grid is when a probe takes its next sample.
func (w *ward) grid(p *probe) time.Duration {
	first := p.phase
	if p.bed != nil {
		first = p.entered + time.Duration(p.spec.InitialDelaySeconds)*time.Second + p.phase
	}
	if first > w.up {
		return first
	}
	return first + ((w.up-first)/p.period+1)*p.period
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

// sample asks once.
func (w *ward) sample(p *probe) {
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
		p.count++
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

func (w *ward) tell(format string, args ...any) {
	if w.say != nil {
		w.say("%-14s "+format, append([]any{fmt.Sprint(w.boot, " ", w.up)}, args...)...)
	}
}

package ward_test

import (
	"strconv"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// bed is one unit as it really is.
type bed struct {
	svc    int
	unit   string
	slot   time.Duration // at which second its probes are asked
	u      state.Unit    // systemd's word, which is true
	ill    illness
	broken bool // something that it needs does not work, or did not until just now
	life   int  // counts processes: what was due in an earlier one is void
	sick   bool // a liveness or startup probe of this process has failed once
	starts []time.Duration
	probes [3]*probe // startup, liveness, readiness
	blind  string    // why it cannot be read

	lapse time.Duration // since when what it needs works again, where it had not; negative: it does not
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
	whole = iota
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
		b.broken, b.lapse = true, -1
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
	b.sick, b.broken, b.lapse = false, false, -1
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

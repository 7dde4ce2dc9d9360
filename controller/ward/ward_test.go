package ward_test

import (
	"maps"
	"math/rand/v2"
	"time"

	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// ward is one history.
type ward struct {
	*estate
	mind
	dice   *rand.Rand
	pcg    *rand.PCG
	say    func(format string, args ...any) // nil: nobody listens
	err    error
	events int

	up    time.Duration // since boot
	wall  time.Time     // at boot
	boot  string
	boots int
	queue queue

	beds        []bed
	first       []int          // by service: its first bed; one more at the end
	places      map[string]int // by unit
	serving     []bool         // by service: it works
	probes      []probe
	probeAt     map[string]int // by name
	down        []bool         // by Endpoint
	rings       []alarm
	says        map[string]int  // by expression
	allowed     map[string]bool // by Step ID: a human said yes
	network     int
	host        state.Host
	blindHost   bool
	late        bool // signals are
	peace       bool // nothing bad happens any more
	invocations int
}

func newWard(e *estate) *ward {
	w := &ward{estate: e, pcg: rand.NewPCG(0, 0), places: map[string]int{}, probeAt: map[string]int{}, serving: make([]bool, len(e.natures)), down: make([]bool, len(e.set.Endpoints))}
	w.dice = rand.New(w.pcg)
	for i := range e.set.Services {
		w.first = append(w.first, len(w.beds))
		for _, unit := range e.set.Services[i].Units {
			w.places[unit] = len(w.beds)
			w.beds = append(w.beds, bed{svc: i, unit: unit})
		}
	}
	w.first = append(w.first, len(w.beds))
	for i := range e.set.Services {
		for _, p := range e.set.Services[i].Probes {
			spec := p.Probe
			w.probeAt[p.Name] = len(w.probes)
			w.probes = append(w.probes, probe{name: p.Name, kind: p.Kind, bed: &w.beds[w.places[p.Unit]], spec: &spec})
		}
	}
	for i := range e.set.Endpoints {
		p := e.set.Endpoints[i].Probe
		w.probeAt[p.Name] = len(w.probes)
		w.probes = append(w.probes, probe{name: p.Name, kind: p.Kind, endpoint: i, spec: &p.Probe})
	}
	for i := range w.probes {
		p := &w.probes[i]
		p.at, p.period = i, time.Duration(p.spec.PeriodSeconds)*time.Second
		if p.bed != nil {
			p.bed.probes[map[string]int{desired.StartupProbe: 0, desired.LivenessProbe: 1, desired.ReadinessProbe: 2}[p.kind]] = p
		}
	}
	w.have = state.World{Units: map[string]state.Fact[state.Unit]{}, Files: map[string]state.Fact[state.File]{}, Dirs: map[string]state.Fact[state.Dir]{}, Probes: map[string]state.Fact[state.Probe]{}}
	return w
}

// begin puts everything back to where histories begin.
func (w *ward) begin(seed uint64) {
	w.pcg.Seed(seed, 0xdead)
	w.up, w.wall, w.boot, w.boots = t0.Up, booted, t0.Boot, 1
	w.queue.list, w.queue.seq = w.queue.list[:0], 0
	w.err, w.events, w.network, w.blindHost, w.late, w.peace, w.invocations = nil, 0, whole, false, false, false, 0
	w.host = w.seen.Host.Value
	clear(w.down)
	w.have.Host = w.seen.Host
	maps.Copy(w.have.Units, w.seen.Units)
	maps.Copy(w.have.Files, w.seen.Files)
	maps.Copy(w.have.Dirs, w.seen.Dirs)
	maps.Copy(w.have.Probes, w.seen.Probes)
	for i := range w.beds {
		b := &w.beds[i]
		*b = bed{svc: b.svc, unit: b.unit, slot: time.Duration(w.dice.IntN(30)) * time.Second, probes: b.probes, starts: b.starts[:0], u: w.have.Units[b.unit].Value, lapse: -1}
	}
	for i := range w.probes {
		p := &w.probes[i]
		if p.phase = 0; p.bed != nil {
			p.phase = p.bed.slot % p.period
		}
		p.fact, p.err, p.asked, p.streak, p.began, p.scheduled = w.have.Probes[p.name].Value, "", true, passed, 3*time.Minute, false
		p.gen++
		p.entered = 2 * time.Minute
	}
	w.mind = mind{
		alive: true, life: w.life + 1, have: w.have, past: w.before.Clone(), entries: w.entries[:0],
		guarding: w.guarding[:0], guards: w.guards[:0], flights: w.flights[:0],
	}
	w.auditor = audit.New(audit.Options{Past: w.before, Want: func(string) *desired.Set { return w.set }})
	w.origin = w.before
	w.beginAlarms()
	if seed%nothingEach == 1 {
		w.nothing()
	}
	w.ripple()
}

// live lives through one history.
func (w *ward) live(seed uint64) error {
	w.begin(seed)
	for range 5 + w.dice.IntN(3) + w.dice.IntN(25)*w.dice.IntN(2)*w.dice.IntN(2)*w.dice.IntN(2)*w.dice.IntN(2) {
		w.wait(w.pause())
		if w.err != nil {
			return w.err
		}
		w.events++
		w.up += time.Microsecond // nothing is done at the instant of something else, or nobody could tell which came first
		w.happens()
		w.settleDue()
	}
	w.wait(time.Minute)
	if seed%calmEach == 0 && w.err == nil {
		w.calm()
	}
	if len(w.rings) > 0 && seed%onceMoreEach == 0 && w.err == nil {
		w.onceMore()
	}
	if err := w.auditor.End(w.now()); err != nil && w.alive && w.err == nil && !w.blindHost {
		w.breach("%v", err)
	}
	return w.err
}

// pause is how long nothing new happens.
func (w *ward) pause() time.Duration {
	switch n := w.dice.IntN(100); {
	case n < 30:
		return time.Duration(w.dice.IntN(2000)) * time.Millisecond
	case n < 75:
		return time.Duration(w.dice.IntN(40)) * time.Second
	case n < 95:
		return time.Duration(w.dice.IntN(300)) * time.Second
	}
	return time.Duration(w.dice.IntN(2400)) * time.Second
}

// wait lets time pass, with all that is due in it.
func (w *ward) wait(d time.Duration) {
	until := w.up + d
	for w.err == nil && len(w.queue.list) > 0 && w.queue.list[0].at <= until {
		e := w.queue.pop()
		w.up = max(w.up, e.at)
		w.occurs(e)
		if len(w.queue.list) == 0 || w.queue.list[0].at > w.up { // what comes at once is heard at once
			w.settleDue()
		}
	}
	w.settleDue()
	w.up = max(w.up, until)
}

func (w *ward) settleDue() {
	for n := 0; w.due && w.alive && w.err == nil; n++ {
		w.pass()
		if n > 50 {
			w.breach("it makes plans without an end")
		}
	}
}

func (w *ward) occurs(e event) {
	n, gen := int(e.n), int(e.gen)
	switch e.kind {
	case evSample:
		if p := &w.probes[n]; p.gen == gen && w.alive {
			p.scheduled = false
			w.sample(p, true)
		}
	case evDie:
		if b := &w.beds[n]; b.life == gen && (b.ill.kind == crashing || b.broken) {
			w.die(b, "exit-code")
		}
	case evAutoRestart:
		if b := &w.beds[n]; b.life == gen {
			w.autoRestart(b)
		}
	case evRecover:
		if b := &w.beds[n]; b.life == gen {
			w.recover(b)
		}
	case evCure:
		if b := &w.beds[n]; b.ill.cure == byTime {
			w.heals(b)
		}
	case evRead:
		if w.life == gen {
			w.readUnit(&w.beds[n])
		}
	case evSee:
		if n < 0 {
			w.blindHost = false
		} else {
			w.beds[n].blind = ""
		}
	case evRetry:
		if w.life == gen {
			w.retrying = false
			w.retry()
		}
	case evAgain:
		w.due = w.due || w.again == gen && w.alive
	case evGuard:
		if w.life == gen {
			w.guarded(w.guards[n])
		}
	case evEffect:
		if w.life == gen {
			w.effect(&w.flights[n])
		}
	case evEnd:
		if w.life == gen {
			w.end(&w.flights[n])
		}
	case evReborn:
		if w.life == gen && !w.alive {
			w.reborn()
		}
	case evStartUnit:
		w.start(&w.beds[n], false)
	case evHear:
		if w.life == gen {
			w.hear(&w.rings[n])
		}
	case evBooted:
		w.host.System, w.host.Jobs = "running", 0
		w.hostChanged()
	}
}

// retry reads again what could not be read.
func (w *ward) retry() {
	if w.have.Host.Err != "" {
		w.readHost()
	}
	for i := range w.rings {
		w.hear(&w.rings[i])
	}
	for i := range w.beds {
		if w.have.Units[w.beds[i].unit].Err != "" {
			w.readUnit(&w.beds[i])
		}
	}
}

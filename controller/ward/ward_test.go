package ward_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

var (
	histories = flag.Int("histories", 3000, "how many random histories are lived through")
	from      = flag.Uint64("from", 0, "the first of them")
	oneSeed   = flag.Int64("seed", -1, "live through this one alone, and tell everything")
)

// perEstate is how many histories an estate has.
const perEstate = 16

// Whatever befalls the services of a host, and whoever has a hand in it, evenkeel
// keeps its promises; and when it is over, what can be healed is well.
func TestHistories(t *testing.T) {
	if *oneSeed >= 0 {
		w := newWard(newEstate(uint64(*oneSeed) / perEstate))
		w.say = func(format string, args ...any) { t.Logf(format, args...) }
		if err := w.live(uint64(*oneSeed)); err != nil {
			t.Errorf("seed %d: %v", *oneSeed, err)
		}
		return
	}
	*from -= *from % perEstate
	began := time.Now()
	var next, passes, events atomic.Int64
	var mu sync.Mutex
	var worst uint64
	var failure error
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				n := next.Add(perEstate) - perEstate
				if n >= int64(*histories) {
					return
				}
				e := newEstate((*from + uint64(n)) / perEstate)
				w := newWard(e)
				for seed := *from + uint64(n); seed < *from+uint64(n)+perEstate; seed++ {
					err := w.live(seed)
					passes.Add(int64(w.passes))
					events.Add(int64(w.events))
					if err == nil {
						continue
					}
					mu.Lock()
					if failure == nil || seed < worst {
						worst, failure = seed, err
					}
					mu.Unlock()
					next.Store(int64(*histories))
					return
				}
			}
		})
	}
	wg.Wait()
	if failure != nil {
		t.Fatalf("seed %d: %v\nwhat happened:\n%s\nonce more: go test ./controller/ward -run TestHistories -seed %d", worst, failure, retell(worst), worst)
	}
	t.Logf("%d histories, %d events, %d plans, %s", *histories, events.Load(), passes.Load(), time.Since(began).Round(time.Millisecond))
}

// retell lives through a history once more, and tells its end.
func retell(seed uint64) string {
	w := newWard(newEstate(seed / perEstate))
	var lines []string
	w.say = func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	_ = w.live(seed)
	return strings.Join(lines[max(0, len(lines)-80):], "\n")
}

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
	w.err, w.events, w.network, w.blindHost, w.late, w.peace, w.invocations = nil, 0, clear, false, false, false, 0
	w.host = w.seen.Host.Value
	clear2(w.down)
	w.have.Host = w.seen.Host
	copyMap(w.have.Units, w.seen.Units)
	copyMap(w.have.Files, w.seen.Files)
	copyMap(w.have.Dirs, w.seen.Dirs)
	copyMap(w.have.Probes, w.seen.Probes)
	for i := range w.beds {
		b := &w.beds[i]
		*b = bed{svc: b.svc, unit: b.unit, probes: b.probes, starts: b.starts[:0], u: w.have.Units[b.unit].Value, lapse: -1}
	}
	for i := range w.probes {
		p := &w.probes[i]
		p.phase = time.Duration(w.dice.Int64N(int64(p.period)))
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
	if seed%nothingEach == 1 {
		w.nothing()
	}
	w.ripple()
}

func clear2(b []bool) {
	for i := range b {
		b[i] = false
	}
}

func copyMap[K comparable, V any](to, from map[K]V) {
	for k, v := range from {
		to[k] = v
	}
}

// live lives through one history.
func (w *ward) live(seed uint64) error {
	w.begin(seed)
	for range 5 + w.dice.IntN(3) + w.dice.IntN(25)*w.dice.IntN(2)*w.dice.IntN(2)*w.dice.IntN(2)*w.dice.IntN(2) {
		w.pass1(w.pause())
		if w.err != nil {
			return w.err
		}
		w.events++
		w.happens()
		w.settleDue()
	}
	w.pass1(time.Minute)
	if seed%calmEach == 0 && w.err == nil {
		w.calm()
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

// pass1 lets time pass, with all that is due in it.
func (w *ward) pass1(d time.Duration) {
	until := w.up + d
	for w.err == nil && len(w.queue.list) > 0 && w.queue.list[0].at <= until {
		e := w.queue.pop()
		w.up = max(w.up, e.at)
		w.occurs(e)
		w.settleDue()
	}
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
			w.sample(p)
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
	for i := range w.beds {
		if w.have.Units[w.beds[i].unit].Err != "" {
			w.readUnit(&w.beds[i])
		}
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(800) // there is next to nothing that lives on
	os.Exit(m.Run())
}

// A history that fails can be lived through once more: with one seed, the same
// happens, whatever was before it.
func TestOneSeedOneHistory(t *testing.T) {
	for n := range uint64(20) {
		e := newEstate(n)
		w := newWard(e)
		for seed := n * perEstate; seed < (n+1)*perEstate; seed++ {
			if err := w.live(seed); err != nil {
				t.Fatal(err)
			}
			fresh := newWard(newEstate(n))
			if err := fresh.live(seed); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(w.entries, fresh.entries, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("seed %d:\n%s", seed, d)
			}
		}
	}
}

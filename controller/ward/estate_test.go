package ward_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Histories begin ten minutes after a boot, when everything is up and well.
var (
	booted = time.Date(2026, 11, 23, 1, 50, 0, 0, time.UTC)
	t0     = state.Time{Wall: booted.Add(10 * time.Minute), Up: 10 * time.Minute, Boot: "b1"}
)

// estate is what is declared on a host, and what its services are like. It is
// drawn once for several histories.
type estate struct {
	set     *desired.Set
	natures []nature // of each service
	seen    state.World
	before  *state.Past // evenkeel has been there for a while
	alerts  []alarm     // as histories begin: none of them is active
}

// nature is what a service is like, which nobody declared.
type nature struct {
	restart   string        // Restart=
	pause     time.Duration // RestartSec=
	burst     int           // StartLimitBurst=, within ten minutes
	needs     []int         // the services without which it does not work
	outside   []int         // the Endpoints
	brittle   int           // what becomes of it then: see the constants
	lag       time.Duration // how long it takes to recover by itself
	slow      time.Duration // until it answers after a start
	toxic     int           // the service that a restart of it breaks; negative: none
	confesses bool          // its readiness says what it misses
}

// What becomes of a service while something that it needs does not work.
const (
	unready  = iota // its readiness fails
	unlively        // its liveness, too
	mortal          // its process ends
	robust          // nothing
)

func pick[T any](dice *rand.Rand, of ...T) T { return of[dice.IntN(len(of))] }

// chance is true n times in a hundred.
func chance(dice *rand.Rand, n int) bool { return dice.IntN(100) < n }

// sizes: most estates are small, some are not.
func size(dice *rand.Rand) int {
	switch n := dice.IntN(100); {
	case n < 80:
		return 2 + dice.IntN(2)
	case n < 99:
		return 4 + dice.IntN(3)
	}
	return 7 + dice.IntN(19)
}

func newEstate(seed uint64) *estate {
	dice := rand.New(rand.NewPCG(seed, 0xe57a7e))
	e := &estate{set: &desired.Set{Revision: "r1", Host: desired.Host{Name: "app-1"}, Policy: desired.BuiltInPolicy()}}
	b := &e.set.Policy.Budgets
	b.InFlight = pick(dice, 1, 1, 1, 1, 2, 3)
	b.Disruptive = pick(dice, 10, 10, 3, 2)
	e.set.Policy.Actions = map[string]string{"fix.it": desired.Auto}
	if chance(dice, 25) {
		e.set.Endpoints = append(e.set.Endpoints, desired.NewEndpoint("pawapay", nil, desired.EndpointSpec{Probe: probeSpec(dice)}))
	}
	alone := chance(dice, 30) // services that have nothing to do with each other
	for i := range size(dice) {
		e.service(dice, i, alone)
	}
	for i := range e.natures {
		if n := len(e.natures); chance(dice, 4) {
			e.natures[i].toxic = (i + 1 + dice.IntN(n-1)) % n
		}
	}
	e.alarms(seed)
	e.settle()
	return e
}

func (e *estate) service(dice *rand.Rand, i int, alone bool) {
	name := fmt.Sprintf("s%02d", i)
	s := desired.Service{Name: name, Spec: desired.ServiceSpec{
		Management: pick(dice, desired.Enforce, desired.Enforce, desired.Enforce, desired.Enforce, desired.Enforce, desired.Enforce, desired.Repair, desired.Observe),
		State:      desired.Running, Boot: desired.Enabled, ForeignDropIns: desired.Ignore,
		Stateful: chance(dice, 10), Limits: limits(dice), Remedies: remedies(dice),
		ManualStop: &desired.ManualStop{Hold: pick(dice, desired.Duration(time.Hour), desired.Duration(10*time.Minute)), Then: "restore"},
	}}
	switch {
	case chance(dice, 4):
		s.Spec.State = desired.Stopped
	case chance(dice, 3):
		s.Spec.State = desired.Ignored
	}
	s.Units = []string{name + ".service"}
	if chance(dice, 10) {
		s.Template, s.Units = name+"@.service", []string{name + "@1.service", name + "@2.service"}
	}
	if chance(dice, 25) {
		path := "/etc/systemd/system/" + name + ".service"
		s.UnitFile = &desired.Artifact{Path: path, Content: []byte(name), Digest: state.Digest([]byte(name)), Mode: 0o644, Owner: "root", Group: "root"}
		s.Install = &desired.Install{Present: true}
	}
	s.Folders = s.DropInFolders()
	e.probes(dice, &s)
	n := nature{
		restart: pick(dice, "no", "no", "always", "on-failure"), pause: pick(dice, 100*time.Millisecond, time.Second, 5*time.Second),
		burst: 3 + dice.IntN(3), brittle: dice.IntN(robust + 1), lag: time.Duration(dice.IntN(20)) * time.Second, toxic: -1, confesses: chance(dice, 30),
	}
	if chance(dice, 10) {
		n.slow = time.Duration(dice.IntN(20)) * time.Second
	}
	if alone {
		n.confesses = false
	} else {
		e.dependencies(dice, i, &s, &n)
	}
	e.set.Services, e.natures = append(e.set.Services, s), append(e.natures, n)
}

func (e *estate) dependencies(dice *rand.Rand, i int, s *desired.Service, n *nature) {
	if i > 0 && chance(dice, 55) {
		for range 1 + dice.IntN(2) {
			j := dice.IntN(i)
			if chance(dice, 50) {
				j = 0 // a database that everything needs
			}
			dep := e.set.Services[j].Name
			switch {
			case contains(s.Requires, dep) || contains(s.Follows, dep):
			case chance(dice, 80):
				s.Requires, n.needs = append(s.Requires, dep), append(n.needs, j)
			case chance(dice, 50):
				s.Follows = append(s.Follows, dep)
			default:
				n.needs = append(n.needs, j) // and nobody declared it
			}
		}
	}
	if len(e.set.Endpoints) > 0 && chance(dice, 40) {
		s.Outside, n.outside = append(s.Outside, e.set.Endpoints[0].Name), append(n.outside, 0)
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func limits(dice *rand.Rand) *desired.Limits {
	s, m := desired.Duration(time.Second), desired.Duration(time.Minute)
	return &desired.Limits{
		Restarts: pick(dice, 3, 3, 1, 5), Per: pick(dice, 30*m, 30*m, 10*m, 60*m),
		Backoff: pick(dice, []desired.Duration{10 * s, 20 * s, 40 * s, 80 * s, 5 * m}, []desired.Duration{10 * s, 20 * s, 40 * s, 80 * s, 5 * m}, []desired.Duration{5 * s}, []desired.Duration{30 * s, 5 * m}),
	}
}

// remedies: fix.it mends what a restart does not; fix.ask waits for a human.
func remedies(dice *rand.Rand) []desired.Do {
	ladders := [][]string{nil, nil, nil, {"restart"}, {"restart", "fix.it", "escalate"}, {"fix.it", "restart"}, {"escalate"}, {"fix.ask", "restart"}, {"rollback", "restart", "fix.it"}}
	var out []desired.Do
	for _, do := range ladders[dice.IntN(len(ladders))] {
		d := desired.Do{Do: do}
		if chance(dice, 30) {
			d.Settle = desired.Duration(time.Duration(5+dice.IntN(60)) * time.Second)
		}
		out = append(out, d)
	}
	return out
}

func probeSpec(dice *rand.Rand) desired.Probe {
	return desired.Probe{
		TCPSocket: &desired.TCPSocket{Port: &desired.Port{Number: 80}}, TimeoutSeconds: 1, SuccessThreshold: 1,
		PeriodSeconds: pick(dice, 10, 10, 5, 1, 30), FailureThreshold: pick(dice, 3, 3, 1, 5), InitialDelaySeconds: pick(dice, 0, 0, 5),
	}
}

func (e *estate) probes(dice *rand.Rand, s *desired.Service) {
	for _, p := range []struct {
		kind   string
		chance int
		spec   **desired.Probe
	}{{desired.StartupProbe, 15, &s.Spec.StartupProbe}, {desired.LivenessProbe, 65, &s.Spec.LivenessProbe}, {desired.ReadinessProbe, 35, &s.Spec.ReadinessProbe}} {
		if !chance(dice, p.chance) {
			continue
		}
		spec := probeSpec(dice)
		if p.kind == desired.StartupProbe {
			spec.FailureThreshold, spec.PeriodSeconds = 20, 2
		}
		if p.kind == desired.ReadinessProbe {
			spec.SuccessThreshold = pick(dice, 1, 1, 2)
		}
		*p.spec = &spec
		for _, u := range s.Units {
			s.Probes = append(s.Probes, desired.Probing{Name: desired.ProbeName(p.kind, u), Kind: p.kind, Object: s.Object(), Unit: u, Probe: spec})
		}
	}
}

// settle has evenkeel find everything as declared, and note it.
func (e *estate) settle() {
	e.seen = state.World{
		Host:  state.Fact[state.Host]{At: t0, Value: state.Host{Name: "app-1", System: "running", Systemd: 252, UnitsLoaded: booted}},
		Units: map[string]state.Fact[state.Unit]{}, Files: map[string]state.Fact[state.File]{}, Dirs: map[string]state.Fact[state.Dir]{},
		Probes: map[string]state.Fact[state.Probe]{}, Alerts: map[string]state.Fact[state.Alerts]{},
	}
	e.before = state.NewPast()
	for i := range e.set.Services {
		s := &e.set.Services[i]
		for _, unit := range s.Units {
			u := running(unit, e.natures[i].restart)
			if s.Spec.State == desired.Stopped {
				u.Active, u.Sub, u.Invocation, u.MainPID, u.Entered = "inactive", "dead", "", 0, 0
			}
			e.seen.Units[unit] = state.Fact[state.Unit]{At: t0, Value: u}
			for _, dir := range []string{"/etc/systemd/system/", "/run/systemd/system/"} {
				e.seen.Dirs[dir+unit+".d"] = state.Fact[state.Dir]{At: t0}
			}
		}
		if s.Template != "" {
			for _, dir := range []string{"/etc/systemd/system/", "/run/systemd/system/"} {
				e.seen.Dirs[dir+s.Template+".d"] = state.Fact[state.Dir]{At: t0}
			}
		}
		if a := s.UnitFile; a != nil {
			e.seen.Files[a.Path] = state.Fact[state.File]{At: t0, Value: state.File{Kind: state.Regular, Digest: a.Digest, Mode: 0o644, Owner: "root", Group: "root", Changed: booted.Add(-time.Hour)}}
		}
		for _, p := range s.Probes {
			v := state.Probe{Verdict: state.ProbeSuccess, Since: 3 * time.Minute, Invocation: e.seen.Units[p.Unit].Value.Invocation}
			if v.Invocation == "" {
				v = state.Probe{}
			}
			e.seen.Probes[p.Name] = state.Fact[state.Probe]{At: t0, Value: v}
		}
	}
	for _, p := range e.set.Endpoints {
		e.seen.Probes[p.Probe.Name] = state.Fact[state.Probe]{At: t0, Value: state.Probe{Verdict: state.ProbeSuccess, Since: 3 * time.Minute}}
	}
	for range 2 {
		p := plan.Make(e.set, &e.seen, e.before, t0)
		if len(p.Steps) > 0 {
			panic(fmt.Sprintf("an estate that is well has steps: %+v", p.Steps))
		}
		for i := range p.Notes {
			e.before.Fold(state.Entry{At: t0, Note: &p.Notes[i]})
		}
	}
}

func running(unit, restart string) state.Unit {
	return state.Unit{
		ID: unit, Load: "loaded", Active: "active", Sub: "running", Boot: "enabled", Type: "simple", Restart: restart, Result: "success",
		Invocation: "i0-" + unit, MainPID: 100, Entered: 2 * time.Minute, Changed: 2 * time.Minute, Condition: true,
	}
}

package controller_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// probes are what a service of these tests declares beside its unit file.
const (
	live  = "livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 20, failureThreshold: 2}"
	ready = "readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 20}"
)

// estatesOfTheSick are what the desired state changes between where services fall
// sick: something outside, a database, what rests on it, and two that rest on
// nothing.
var estatesOfTheSick = []string{
	pay + service("db", live, ready) + service("web", live, ready, "dependsOn: [db, pay]") + service("job", live, "remedies: [{do: restart}, {do: restart, settle: 1m}, {do: escalate}]") + service("mail", live),
	pay + service("db", live, "stateful: true") + service("web", live, "dependsOn: [db]") + service("job", live, ready) + service("mail", ready),
}

const pay = `---
apiVersion: evenkeel.dev/v1
kind: Endpoint
metadata: {name: pay}
spec: {probe: {tcpSocket: {host: pay.example, port: 443}, periodSeconds: 20}}
`

// Services hang, are not ready, are replaced by something else, and fall sick
// again; what they rest on is away; nothing at all answers, or can be asked: all
// of it beside everything else that befalls a host. The record keeps its promises,
// and in the end all is well.
func TestRandomSickness(t *testing.T) {
	for _, seed := range seeds(5) {
		synctest.Test(t, func(t *testing.T) {
			l := &life{rig: newRig(t, estatesOfTheSick[0]), rand: rand.New(rand.NewPCG(seed, 11)), sets: map[string]*desired.Set{}, told: []string{fmt.Sprintf("seed %d", seed)}}
			l.names, l.estates, l.sick = []string{"db", "web", "job", "mail"}, estatesOfTheSick, true
			l.live()
		})
	}
}

// fallSick does something to the health of the host.
func (l *life) fallSick() {
	name := l.names[l.rand.IntN(len(l.names))]
	unit, h := name+".service", l.host
	things := []thing{
		{"hang", func() { _ = h.FallSick(unit, sim.Hung, l.rand.IntN(3)) }},
		{"hang", func() { _ = h.FallSick(unit, sim.Hung, 0) }},
		{"be something else", func() { _ = h.FallSick(unit, sim.Wrong, 0) }},
		{"be not ready", func() { _ = h.FallSick(unit, sim.Unready, 0) }},
		{"recover", func() { h.Recover(unit) }},
		{"have no loopback", func() { h.SetNetwork(sim.Lost) }},
		{"have no network", func() { h.SetNetwork(sim.Unreachable) }},
		{"have its network back", func() { h.SetNetwork(sim.Whole) }},
		{"lose pay", func() { h.Away("Endpoint/pay", true) }},
		{"have pay back", func() { h.Away("Endpoint/pay", false) }},
	}
	pick := things[l.rand.IntN(len(things))]
	l.told = append(l.told, fmt.Sprintf("%s %s %s", time.Now().Format(time.TimeOnly), pick.what, name))
	pick.do()
}

// recover takes all sickness away.
func (l *life) recover() {
	l.host.SetNetwork(sim.Whole)
	l.host.Away("Endpoint/pay", false)
	for _, n := range l.names {
		l.host.Recover(n + ".service")
	}
}

// A database hangs under what rests on it: it alone is restarted, and the rest is
// well again with it. Where nothing can be seen nothing is done, and somebody is
// told.
func TestTheRootIsHealedAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, service("db", live, ready)+service("web", live, ready, "dependsOn: [db]")+service("api", live, "dependsOn: [db]")+service("mail", live)+service("job", live))
		r.run()
		defer func() { r.stop() }()
		time.Sleep(time.Minute)
		r.want("")
		for _, n := range []string{"db", "web", "api"} {
			if err := r.host.FallSick(n+".service", sim.Hung, 0); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		r.host.Recover("web.service") // with what it rests on
		r.host.Recover("api.service")
		time.Sleep(12 * time.Minute)
		r.want("")
		for _, l := range r.store.steps() {
			if l.Verb == "restart" && l.Target != "db.service" {
				t.Errorf("%s was restarted:\n%s", l.Target, r.history())
			}
		}
		if r.store.did("systemd.restart") != 1 {
			t.Errorf("want one restart:\n%s", r.history())
		}
		for _, n := range []sim.Network{sim.Lost, sim.Unreachable} {
			r.host.SetNetwork(n)
			time.Sleep(5 * time.Minute)
			r.host.SetNetwork(sim.Whole)
			time.Sleep(15 * time.Minute)
			r.want("")
		}
		if r.store.did("systemd.restart") != 1 {
			t.Errorf("something was disturbed while the eyes were at fault:\n%s", r.history())
		}
		if err := audit.Check(r.store.entries, r.host.Now(), audit.Options{Want: func(string) *desired.Set { return r.source.set }}); err != nil {
			t.Error(err)
		}
	})
}

// motd is an actuator that does nothing, and says that it did.
type motd struct{}

func (motd) Info(context.Context) (actuators.Info, error) {
	return actuators.Info{Name: "motd", Verbs: []actuators.Verb{{Name: "fix", Effect: actuators.Disruptive}}}, nil
}

func (motd) Apply(context.Context, actuators.Request) (actuators.Result, error) {
	return actuators.Result{Changed: true}, nil
}

// One remedy mends all instances of a service. That the one for whose sake it is
// planned cannot be seen in the last moment makes it another's; what that one is
// like is looked at first.
func TestARemedyRestsOnWhatWasReadForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, plugin("motd")+service("web", "unit: web@.service", "replicas: 2", live, "remedies: [{do: motd.fix}, {do: escalate}]"))
		r.source.set.Policy.Actions = map[string]string{"motd": desired.Auto}
		r.more = map[string]actuators.Actuator{"motd": motd{}}
		r.run()
		defer func() { r.stop() }()
		time.Sleep(time.Minute)
		first := state.Ref{Kind: state.RefUnit, Name: "web@1.service"}
		r.eyes.beforeReading(func(refs []state.Ref) {
			if slices.Contains(refs, first) && slices.Contains(refs, state.Ref{Kind: state.RefProbe, Name: "liveness/web@1.service"}) {
				r.host.Unobservable(first, "no answer")
			}
		})
		for _, unit := range []string{"web@1.service", "web@2.service"} {
			if err := r.host.FallSick(unit, sim.Hung, 0); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		if r.store.did("motd.fix") == 0 {
			t.Errorf("nothing was tried:\n%s", r.plan())
		}
	})
}

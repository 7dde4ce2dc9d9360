package controller_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

var (
	histories = flag.Int("histories", 300, "how many random histories are lived through")
	from      = flag.Uint64("from", 0, "which of them comes first")
)

// seeds are those of a share of the histories.
func seeds(share int) []uint64 {
	all := make([]uint64, *histories/share/slower)
	for i := range all {
		all[i] = *from + uint64(i)
	}
	return all
}

// estates that the desired state changes between.
var estates = []string{
	service("db") + service("web", "dependsOn: [db]") + service("job", "foreignDropIns: enforce"),
	service("db") + service("web", "dependsOn: [{name: db, kind: order}]", "dropIns: [{name: 10-a, content: \"[Service]\\nNice=5\\n\"}]") + service("job", "boot: disabled"),
	service("db", "stateful: true") + service("web") + service("job", "state: stopped"),
}

// Whatever humans, faults and commits do to a host for hours, the record keeps
// its promises; and once they leave it alone, it comes to be as declared.
func TestRandomHistories(t *testing.T) {
	for _, seed := range seeds(1) {
		synctest.Test(t, func(t *testing.T) {
			l := &life{rig: newRig(t, estates[0]), rand: rand.New(rand.NewPCG(seed, 7)), sets: map[string]*desired.Set{}, told: []string{fmt.Sprintf("seed %d", seed)}}
			l.names, l.estates = []string{"db", "web", "job"}, estates
			l.live()
		})
	}
}

// thing is what can befall a host.
type thing struct {
	what string
	do   func()
}

type life struct {
	*rig
	rand *rand.Rand
	told []string // what was done to the host

	names    []string // of the services
	estates  []string
	sick     bool                    // they fall sick, too
	actions  map[string]string       // of policy; where there are some, alerts fire, too
	sets     map[string]*desired.Set // what was declared, by revision
	switched []audit.Turn            // when the kill switch was set and taken away
	commits  int                     // on the branch, where one is followed
}

func (l *life) live() {
	t := l.t
	l.sets[l.source.set.Revision] = l.source.set
	l.run()
	defer func() { l.stop() }()
	for range 5 + l.rand.IntN(30) {
		if l.actions != nil && l.rand.IntN(2) == 0 {
			l.alarm()
		} else if l.sick && l.rand.IntN(2) == 0 {
			l.fallSick()
		} else {
			l.happen()
		}
		time.Sleep(time.Duration(l.rand.Int64N(int64(4 * time.Minute))))
		if l.rand.IntN(4) == 0 {
			synctest.Wait()
		}
	}
	l.leaveAlone()
	time.Sleep(3 * time.Hour) // the longest hold, and the longest limit, are over
	for _, n := range l.names {
		_ = l.host.Start(n + ".service") // the stop of a stateful service stands until a human ends it
	}
	time.Sleep(time.Minute)
	l.ask(hand.Request{Verb: hand.Restart, Pending: true}) // of what had been released it is not known what it runs
	time.Sleep(time.Hour)
	synctest.Wait()
	if p := l.plan(); p != "" {
		t.Errorf("four hours later the plan is still:\n%s\nwhat happened:\n%s\nhistory:\n%s", p, strings.Join(l.told, "\n"), l.history())
	}
	if err := audit.Check(l.store.entries, l.host.Now(), audit.Options{Want: l.wanted, Switch: l.switched}); err != nil {
		t.Errorf("%v\nwhat happened:\n%s\nhistory:\n%s", err, strings.Join(l.told, "\n"), l.history())
	}
}

// declare changes what is declared.
func (l *life) declare(yaml string) {
	if l.branch != nil {
		l.commit(yaml)
		return
	}
	set := declare(l.t, yaml)
	if l.actions != nil {
		set.Policy.Actions = l.actions
	}
	l.sets[set.Revision] = set
	l.source.offer(set, nil)
}

func (l *life) wanted(revision string) *desired.Set { return l.sets[revision] }

// happen does something to the host.
func (l *life) happen() {
	name := l.names[l.rand.IntN(len(l.names))]
	unit := name + ".service"
	file := "/etc/systemd/system/" + unit
	h := l.host
	things := []thing{
		{"kill", func() { _ = h.Kill(unit, "KILL") }},
		{"kill", func() { _ = h.Kill(unit, "KILL") }},
		{"exit", func() { _ = h.Exit(unit, 0) }},
		{"exit 1", func() { _ = h.Exit(unit, 1) }},
		{"stop", func() { _ = h.Stop(unit) }},
		{"start", func() { _ = h.Start(unit) }},
		{"restart", func() { _ = h.Restart(unit) }},
		{"disable", func() { _ = h.Disable(unit) }},
		{"edit", func() { _ = h.Write(file, "[Service]\nExecStart=/bin/other\n[Install]\nWantedBy=multi-user.target\n") }},
		{"remove", func() { _ = h.Remove(file) }},
		{"drop-in", func() { _ = h.Write(file+".d/90-x.conf", "[Service]\nNice=1\n") }},
		{"daemon-reload", h.DaemonReload},
		{"deaf", func() { h.Deaf(l.rand.IntN(2) == 0) }},
		{"blind to the unit", func() { h.Unobservable(state.Ref{Kind: state.RefUnit, Name: unit}, "no answer") }},
		{"blind to the file", func() { h.Unobservable(state.Ref{Kind: state.RefFile, Name: file}, "input/output error") }},
		{"sees again", func() { l.seeAll() }},
		{"packages", func() { h.PackagesLocked(l.rand.IntN(2) == 0) }},
		{"fault", func() { h.FailNext(l.verb(unit, file), l.fault()) }},
		{"new desired state", func() { l.declare(l.estates[l.rand.IntN(len(l.estates))]) }},
		{"clock set back", func() { h.SetWall(h.Now().Wall.Add(-time.Hour)) }},
		{"disk full", func() { l.store.breakWith(errDisk) }},
		{"disk free", func() { l.store.breakWith(nil) }},
		{"kill switch", func() { l.killSwitch(l.rand.IntN(2) == 0) }},
		{"by hand start", func() { l.byHand(hand.Start, name) }},
		{"by hand stop", func() { l.byHand(hand.Stop, name) }},
		{"by hand stop of all", func() { l.byHand(hand.Stop, l.names...) }},
		{"by hand restart", func() { l.byHand(hand.Restart, name) }},
		{"by hand restart of all", func() { l.byHand(hand.Restart, l.names...) }},
		{"by hand reload", func() { l.byHand(hand.Reload, name) }},
		{"by hand suspend", func() { l.byHand(hand.Suspend, name) }},
		{"by hand resume", func() { l.byHand(hand.Resume, name) }},
		{"by hand retry", func() { l.byHand(hand.Retry, name) }},
		{"by hand release", func() { l.byHand(hand.Release, name) }},
		{"dies and comes back", func() { l.stop(); l.run() }},
	}
	if l.branch != nil {
		things = append(things, l.onTheBranch(name)...)
	}
	pick := things[l.rand.IntN(len(things))]
	l.told = append(l.told, fmt.Sprintf("%s %s %s", time.Now().Format(time.TimeOnly), pick.what, name))
	pick.do()
}

func (l *life) verb(unit, file string) string {
	verbs := []string{"systemd.start " + unit, "systemd.stop " + unit, "systemd.restart " + unit, "systemd.enable " + unit, "systemd.daemon-reload", "file.write " + file}
	return verbs[l.rand.IntN(len(verbs))]
}

func (l *life) fault() sim.Fault {
	faults := []sim.Fault{{Kind: actuators.Failed}, {Kind: actuators.Unknown}, {Kind: actuators.Unknown, Done: true}, {Kind: actuators.Unavailable}, {Lie: true}}
	return faults[l.rand.IntN(len(faults))]
}

func (l *life) seeAll() {
	for _, n := range l.names {
		l.host.Unobservable(state.Ref{Kind: state.RefUnit, Name: n + ".service"}, "")
		l.host.Unobservable(state.Ref{Kind: state.RefFile, Name: "/etc/systemd/system/" + n + ".service"}, "")
	}
}

// byHand asks the controller as a human does. What cannot be is refused, which is
// an answer, too.
func (l *life) byHand(verb string, names ...string) {
	r := hand.Request{Verb: verb, Actor: "anna", For: time.Duration(1+l.rand.IntN(90)) * time.Minute}
	for _, n := range names {
		r.Objects = append(r.Objects, "Service/"+n)
	}
	l.ask(r)
}

func (l *life) ask(r hand.Request) {
	_, err := l.control.Hand(context.Background(), r)
	if err != nil && !errors.Is(err, hand.ErrRefused) {
		l.t.Errorf("%s %v: %v", r.Verb, r.Objects, err)
	}
	l.told = append(l.told, fmt.Sprintf("  %v", err))
}

func (l *life) killSwitch(set bool) {
	l.switched = append(l.switched, audit.Turn{At: l.host.Now(), Set: set})
	l.stopped.Store(set)
	path := "/run/evenkeel/stop"
	if set {
		_ = l.host.Write(path, "")
	} else {
		_ = l.host.Remove(path)
	}
}

// leaveAlone takes back what would stand for ever, and waits for the signals
// that were lost.
func (l *life) leaveAlone() {
	l.seeAll()
	l.host.Deaf(false)
	l.host.PackagesLocked(false)
	l.store.breakWith(nil)
	l.killSwitch(false)
	time.Sleep(time.Minute) // the record can be written again
	l.byHand(hand.Resume, l.names...)
	if l.branch != nil {
		l.trust()
	}
	l.declare(l.estates[0])
	if l.sick {
		l.recover()
	}
	if l.actions != nil {
		l.over()
	}
	for _, n := range l.names {
		for _, dropIn := range []string{"90-x.conf", "10-a.conf"} { // the latter is evenkeel's no more after a release
			_ = l.host.Remove("/etc/systemd/system/" + n + ".service.d/" + dropIn)
		}
	}
	l.told = append(l.told, "left alone")
}

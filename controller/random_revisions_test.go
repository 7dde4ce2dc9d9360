package controller_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Good commits and bad ones, pins, a branch that is refused, revisions that cannot
// be read, reboots: all of it beside sickness and everything else that befalls a
// host. The record keeps its promises, and in the end the last commit is in force.
func TestRandomRevisions(t *testing.T) {
	for _, seed := range seeds(2) {
		synctest.Test(t, func(t *testing.T) {
			l := &life{rig: follow(t, estatesOfTheSick[0]), rand: rand.New(rand.NewPCG(seed, 13)), sets: map[string]*desired.Set{}, told: []string{fmt.Sprintf("seed %d", seed)}}
			l.names, l.estates, l.sick = []string{"db", "web", "job", "mail"}, estatesOfTheSick, true
			l.source.set = l.branch.set
			l.host.Behave("/bin/crash", sim.Program{Exits: true, Code: 1, After: time.Second})
			l.live()
		})
	}
}

// onTheBranch is what else befalls a host that follows one.
func (l *life) onTheBranch(name string) []thing {
	broken := func(by string) func() {
		return func() { l.commit(strings.Replace(l.estates[0], "/bin/"+name, by, 1)) }
	}
	good := func() { l.commit(l.estates[l.rand.IntN(len(l.estates))]) }
	return []thing{
		{"a commit", good},
		{"a commit", good},
		{"a commit", good},
		{"a bad commit", broken("/bin/crash")},
		{"a bad commit", broken("/no/such")},
		{"by hand rollback", func() { l.ask(hand.Request{Verb: hand.Rollback, Actor: "anna"}) }},
		{"by hand resume host", l.follow},
		{"the branch is refused", func() { l.refuse("it is not signed") }},
		{"the branch is believed", func() { l.refuse("") }},
		{"no revision can be read", func() { l.branch.lose(errDisk) }},
		{"revisions can be read", func() { l.branch.lose(nil) }},
		{"reboot", l.reboot},
	}
}

func (l *life) reboot() {
	l.stop()
	l.host.Reboot()
	l.stopped.Store(false) // it lay in /run
	l.run()
}

func (l *life) commit(yaml string) {
	l.commits++
	name := fmt.Sprintf("c%d", l.commits)
	l.push(name, yaml)
	l.sets[name] = l.branch.revisions[name]
	l.told = append(l.told, "  "+name)
}

// refuse has what the branch says be refused, or believed again.
func (l *life) refuse(why string) {
	l.branch.mu.Lock()
	l.branch.standing.Refused, l.branch.standing.Detail = "", why
	if why != "" {
		l.branch.standing.Refused = state.SourceRefused
	}
	l.branch.mu.Unlock()
	l.branch.offer(l.branch.set, nil)
}

// follow takes a pin away.
func (l *life) follow() {
	l.ask(hand.Request{Verb: hand.Resume, Objects: []string{hand.Host}, Actor: "anna"})
}

// trust takes back what would keep the host from following for ever.
func (l *life) trust() {
	l.branch.lose(nil)
	l.refuse("")
	time.Sleep(time.Minute)
	l.follow()
}

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
	"github.com/pakashop/evenkeel/actuators/turn"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

const backlogRule = `---
apiVersion: evenkeel.dev/v1
kind: AlertRules
metadata: {name: shop}
spec: {groups: [{name: shop, rules: [{alert: Backlog, expr: queue_depth > 100, labels: {severity: P2}, annotations: {impact: slow, action: wait}}]}]}
`

// estatesOfAlerts are what the desired state changes between where alerts fire.
var estatesOfAlerts = func() []string {
	host := plugin("motd") + backlogRule + service("db", live) + service("web", live, "dependsOn: [db]") + service("job")
	return []string{
		host + runbook(gatherDepth, fixMotd, restartIt, askForMore),
		host + runbook("{do: restart, when: is_so}", "{do: motd.fix, approve: always}", "{do: restart, with: {service: job}, settle: 20s}"),
		host,
	}
}()

// Alerts fire, end, rest on nothing or cannot be evaluated, are silenced and approved of,
// and what expressions say changes: all of it beside what else befalls a host, the end of
// evenkeel at any moment among it. The record keeps its promises, and in the end nothing
// is left to do.
func TestRandomAlerts(t *testing.T) {
	for _, seed := range seeds(3) {
		synctest.Test(t, func(t *testing.T) {
			l := &life{rig: newRig(t, estatesOfAlerts[0]), rand: rand.New(rand.NewPCG(seed, 13)), sets: map[string]*desired.Set{}, told: []string{fmt.Sprintf("seed %d", seed)}}
			l.names, l.estates, l.actions = []string{"db", "web", "job"}, estatesOfAlerts, map[string]string{"motd": desired.Auto}
			l.source.set.Policy.Actions = l.actions
			l.more = map[string]actuators.Actuator{
				"motd": &worker{name: "motd", verb: actuators.Verb{Name: "fix", Effect: actuators.Disruptive}}, "ask": turn.Ask("test"),
				"gather": &worker{name: "gather", verb: actuators.Verb{Name: "metrics.query", Effect: actuators.None, Args: []string{"expr", "title"}}},
			}
			l.over()
			l.host.SetQuery(short, state.QueryResult{}, "")
			l.host.SetQuery("is_so", state.QueryResult{Yes: true}, "")
			l.live()
		})
	}
}

// alarm does something to an alert.
func (l *life) alarm() {
	web := func(change ...func(*state.ActiveAlert)) func() { return func() { l.burn(change...) } }
	ask := func(expr string) func() {
		return func() {
			err := ""
			if l.rand.IntN(3) == 0 {
				err = "no data"
			}
			l.host.SetQuery(expr, state.QueryResult{Yes: l.rand.IntN(2) == 0}, err)
		}
	}
	things := []thing{
		{"fire", web()},
		{"fire", web()},
		{"fire", web()},
		{"fire for job", web(func(a *state.ActiveAlert) { a.Labels["service"] = "job" })},
		{"fire for the host", web(func(a *state.ActiveAlert) { delete(a.Labels, "service") })},
		{"be pending", web(func(a *state.ActiveAlert) { a.Firing = false })},
		{"be blind", web(func(a *state.ActiveAlert) { a.Blind = "it rests on no data" })},
		{"be over", l.over},
		{"be over", l.over},
		{"be unknown", func() { l.host.SetAlerts(backlog, nil, "query timed out") }},
		{"have its verify say otherwise", ask(short)},
		{"have its when say otherwise", ask("is_so")},
		{"be silenced", func() {
			l.ask(hand.Request{Verb: hand.Silence, Names: []string{`alertname="Backlog"`}, For: time.Duration(1+l.rand.IntN(60)) * time.Minute, Actor: "anna"})
		}},
		{"be approved of", l.approveAll},
		{"be approved of", l.approveAll},
	}
	pick := things[l.rand.IntN(len(things))]
	l.told = append(l.told, fmt.Sprintf("%s the alert is to %s", time.Now().Format(time.TimeOnly), pick.what))
	pick.do()
}

// approveAll lets go whatever waits for a human.
func (l *life) approveAll() {
	v, err := l.control.View(context.Background())
	l.must(err)
	var ids []string
	for _, h := range v.Plan.Held {
		if h.Reason == state.AwaitingApproval {
			ids = append(ids, h.Steps...)
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		l.ask(hand.Request{Verb: hand.Approve, Names: []string{id}, Actor: "anna"})
	}
}

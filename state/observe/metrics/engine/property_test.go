package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Whatever targets say, and whenever they fall silent: an alert that is not blind
// rests on targets that answered well and lately.
func TestNoAlertThatCountsRestsOnWhatCannotBeSeen(t *testing.T) {
	const seed = 6
	dice := rand.New(rand.NewPCG(seed, 1))
	exprs := []string{
		"x > 1", "sum(x) < 100", "sum by (service) (x) < 100", "count(x) < 3", "x unless on() y", `x{service="b"} or y`,
		"avg_over_time(x[1s]) > 0", "topk(1, x) > 0", "label_replace(x, \"service\", \"a\", \"\", \"\") > 0", "x > on() group_left y", "r > 0",
	}
	rules := "groups:\n- name: g\n  interval: 100ms\n  rules:\n  - {record: r, expr: 'sum(x)'}\n"
	var sources []string
	for i, expr := range exprs {
		rules += fmt.Sprintf("  - {alert: A%d, expr: '%s'}\n", i, expr)
		sources = append(sources, sourceOf("g", fmt.Sprintf("A%d", i), 1))
	}
	words := []string{"x 2\n", "x 0\n", "x NaN\n", "x 2\nx 3\n", "{\n", "y 1\n", "x 2\ny 1\n"}
	var all []*exporter
	var targets []desired.Target
	for _, name := range []string{"a", "b", "c"} {
		x := export(t, constant("x 2\ny 1\n"))
		all, targets = append(all, x), append(targets, x.target(name))
	}
	e := running(t, rules, targets...)
	firing, blind := 0, 0
	for round := range 60 {
		x := all[dice.IntN(len(all))]
		x.say(constant(words[dice.IntN(len(words))]))
		if x.fail(0); dice.IntN(3) == 0 {
			x.fail(500)
		}
		time.Sleep(time.Duration(dice.IntN(4)) * beat)
		before := e.scraper.conditions()
		facts := e.Facts(t.Context(), sources, nil).Alerts
		after := e.scraper.conditions()
		for i, source := range sources {
			f := facts[source]
			for _, a := range f.Value.Active {
				if a.Blind != "" {
					blind++
					continue
				}
				firing++
				if why := sighted(i, a, before, after); why != "" {
					t.Fatalf("seed %d, round %d: %s (%s) is not blind, and %s", seed, round, source, exprs[i], why)
				}
			}
		}
	}
	if firing == 0 || blind == 0 {
		t.Errorf("%d alerts counted, and %d were blind: nothing was tried", firing, blind)
	}
}

// whole are the expressions whose every alert rests on all targets.
var whole = map[int]bool{1: true, 3: true, 7: true, 10: true}

// sighted says on what an alert should not rest: a target of its own, or any where it
// rests on all, that was unwell both before and after it was told.
func sighted(expr int, a state.ActiveAlert, before, after map[place]condition) string {
	for p, c := range before {
		concerns := whole[expr] || a.Labels["instance"] == p.instance || a.Labels["instance"] == "" && a.Labels["service"] == p.job
		if concerns && c.why != "" && after[p].why != "" && c.at.Equal(after[p].at) {
			return c.why
		}
	}
	return ""
}

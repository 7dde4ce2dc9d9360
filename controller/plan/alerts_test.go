package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Whatever is said of alerts and of expressions, in whatever order, and however Steps
// end: nothing is done for an alert that is not known to fire on data that are there,
// a `do` of a Runbook is done once a Case and in order, its Case closes only when it
// is known to be over, and the Plan is a fixpoint over its own Notes.
func TestWhatFollowsFromAlerts(t *testing.T) {
	const source, verify, when = "rule/g/Backlog", "depth < 100", "depth > 1"
	rapid.Check(t, func(t *rapid.T) {
		h := newHost("db", "web")
		h.svc("web").Requires = []string{"db"}
		h.want.Policy.Actions = map[string]string{"cache": desired.Auto}
		h.want.Caches = []desired.Cache{{Name: "pages", Digest: "d"}}
		h.want.Runbooks = []desired.Runbook{{Name: "backlog", Spec: desired.RunbookSpec{Match: []string{`alertname="Backlog"`}, Steps: []desired.Do{
			{Gather: "metrics.query", With: map[string]any{"expr": "depth"}},
			{Do: "cache.flush", With: map[string]any{"cache": "pages"}, When: when, Verify: &desired.Verify{Expr: verify, Within: desired.Duration(time.Minute)}},
			{Do: "restart", Settle: desired.Duration(10 * time.Second)},
			{Ask: "more?"},
		}}}}
		h.want.Rules = []desired.RuleFile{{Name: "rules"}}
		h.have.Alerts = map[string]state.Fact[state.Alerts]{}
		h.have.Queries = map[string]state.Fact[state.QueryResult]{}
		done := map[string]int{} // the highest step that was done, by Case
		for range rapid.IntRange(5, 40).Draw(t, "events") {
			h.later(time.Duration(rapid.IntRange(1, 150).Draw(t, "seconds")) * time.Second)
			h.see()
			is := rapid.SampledFrom([]string{"fires", "fires", "fires", "pending", "blind", "over", "over", "unknown"}).Draw(t, "alert")
			a := state.ActiveAlert{Name: "Backlog", Firing: is != "pending", Since: boot0, Labels: map[string]string{"alertname": "Backlog", "service": rapid.SampledFrom([]string{"web", "elsewhere"}).Draw(t, "service")}}
			a.ID = state.AlertID(a.Labels)
			f := state.Fact[state.Alerts]{At: h.now, Value: state.Alerts{Active: []state.ActiveAlert{a}}}
			switch is {
			case "blind":
				f.Value.Active[0].Blind = "it rests on nothing"
			case "over":
				f.Value.Active = nil
			case "unknown":
				f.Err = "no answer"
			}
			h.have.Alerts[source] = f
			for _, expr := range []string{verify, when} {
				q := state.Fact[state.QueryResult]{At: h.now, Value: state.QueryResult{Yes: rapid.Bool().Draw(t, expr)}}
				if rapid.IntRange(0, 3).Draw(t, "known") == 0 {
					q.Err = "no data"
				}
				h.have.Queries[expr] = q
			}
			open := len(h.past.Cases)
			p := h.make()
			h.settle()
			if again := h.make(); len(again.Notes) > 0 || !slices.EqualFunc(p.Steps, again.Steps, func(a, b state.Step) bool { return a.ID == b.ID }) {
				t.Fatalf("no fixpoint: %v, then %v", tell(p), tell(again))
			}
			if is != "over" && len(h.past.Cases) < open && h.have.Alerts[source].Err != "" {
				t.Fatal("a case closed on what is not known")
			}
			for _, s := range plan.Ready(p, h.past) {
				if s.Reason != state.Alert {
					continue
				}
				if is != "fires" {
					t.Fatalf("the alert is %s, and %s is done", is, s.Action)
				}
				if q := h.have.Queries[when]; s.Rung == 2 && (!q.Known() || !q.Value.Yes) {
					t.Fatalf("%s is done, and whether it applies is %+v", s.Action, q)
				}
				if done[s.Case] >= s.Rung {
					t.Fatalf("step %d comes after step %d of %s", s.Rung, done[s.Case], s.Case)
				}
				h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
				h.later(100 * time.Millisecond)
				o := state.Outcome{ID: s.ID, Status: rapid.SampledFrom([]state.Status{state.Done, state.Done, state.StepFailed, state.Cut}).Draw(t, "ends")}
				if s.Effect == actuators.None {
					o.Evidence = "depth 140"
				}
				if o.Status != state.Cut {
					done[s.Case] = s.Rung
				}
				h.past.Fold(state.Entry{At: h.now, Outcome: &o})
				h.later(100 * time.Millisecond)
			}
		}
		for _, c := range h.past.Cases {
			if c.Alert != "" && len(c.Gathered) > 8 {
				t.Fatal(fmt.Sprint(len(c.Gathered), " pieces of evidence are remembered"))
			}
		}
	})
}

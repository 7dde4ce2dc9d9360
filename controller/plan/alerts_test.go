package plan_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
			h.fold(p)
			p.Notes = nil
			if again := h.make(); !reflect.DeepEqual(p, again) {
				t.Fatalf("no fixpoint: %s", cmp.Diff(p, again))
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

// What a Runbook does to a unit waits for what that unit is like, as any other change:
// it is known, no human has masked or stopped it, and nothing else is done to it.
func TestWhatARunbookDoesToAUnit(t *testing.T) {
	for _, c := range []struct {
		what string
		is   func(h *host)
		want string // the Steps
	}{
		{"it runs", func(*host) {}, "systemd.restart web.service Alert"},
		{"nobody can tell how it is", func(h *host) {
			h.have.Units["web.service"] = state.Fact[state.Unit]{At: h.now, Err: "no answer"}
		}, ""},
		{"it was never looked at", func(h *host) { delete(h.have.Units, "web.service") }, ""},
		{"it was masked, and runs on", func(h *host) {
			h.unit("web.service", func(u *state.Unit) { u.Load, u.Boot = "masked", "masked" })
		}, ""},
		{"it does not run: its start comes first", func(h *host) {
			h.unit("web.service", func(u *state.Unit) {
				u.Active, u.Sub, u.Result, u.Exited, u.Changed = "failed", "failed", "exit-code", h.now.Up, h.now.Up
			})
		}, "systemd.start web.service Failed"},
		{"it is not declared to run, and somebody stopped it", func(h *host) {
			h.svc("web").Spec.State = desired.Ignored
			h.unit("web.service", func(u *state.Unit) { u.Active, u.Sub, u.Stop = "inactive", "dead", state.StopByJob })
		}, ""},
		{"it is not declared to run, and has failed", func(h *host) {
			h.svc("web").Spec.State = desired.Ignored
			h.unit("web.service", func(u *state.Unit) { u.Active, u.Sub, u.Result = "failed", "failed", "exit-code" })
		}, "systemd.restart web.service Alert"},
	} {
		h := newHost("web")
		h.svc("web").Spec.Limits = &desired.Limits{}
		h.want.Runbooks = []desired.Runbook{{Name: "backlog", Spec: desired.RunbookSpec{Match: []string{`alertname="Backlog"`}, Steps: []desired.Do{{Do: "restart"}}}}}
		h.have.Alerts = map[string]state.Fact[state.Alerts]{"rule/g/Backlog": {At: h.now, Value: state.Alerts{Active: []state.ActiveAlert{
			{ID: "1", Name: "Backlog", Firing: true, Labels: map[string]string{"alertname": "Backlog", "service": "web"}},
		}}}}
		h.settle()
		c.is(h)
		h.fold(h.make())
		got := ""
		for _, s := range h.make().Steps {
			got += fmt.Sprintf("%s.%s %s %s", s.Action.Actuator, s.Action.Verb, s.Action.Target, s.Reason)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q\n%s", c.what, got, c.want, tell(h.make()))
		}
	}
}

// Rules speak one after the other when evenkeel begins. The Case of one that has not
// spoken stays open; that of one that is not declared closes, and where it lies in
// another group now that one speaks of it.
func TestARuleThatHasNotSpoken(t *testing.T) {
	for _, c := range []struct {
		what, rules string
		speak       []string
		closes      bool
	}{
		{"nobody has spoken", "- alert: Backlog\n", nil, false},
		{"another has", "- alert: Backlog\n- alert: Slow\n", []string{"rule/g/Slow"}, false},
		{"it is not declared any more", "- alert: Slow\n", []string{"rule/g/Slow"}, true},
		{"it is in a comment", "# - alert: Backlog\n- alert: Slow\n", []string{"rule/g/Slow"}, true},
		{"it lies in another group", "- alert: Backlog\n", []string{"rule/h/Backlog"}, true},
	} {
		h := newHost("web")
		h.want.Rules = []desired.RuleFile{{Name: "rules", Text: []byte(c.rules)}}
		open := state.NewAlertCase("Service/web", "rule/g/Backlog", state.ActiveAlert{ID: "1", Name: "Backlog"}, h.now)
		h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteCase, Case: &open}})
		h.have.Alerts = map[string]state.Fact[state.Alerts]{}
		for range 4 {
			h.later(time.Minute)
			h.see()
			for _, source := range c.speak {
				h.have.Alerts[source] = state.Fact[state.Alerts]{At: h.now}
			}
			h.settle()
		}
		if closed := len(h.past.Cases) == 0; closed != c.closes {
			t.Errorf("%s: closed %v, want %v", c.what, closed, c.closes)
		}
	}
}

// A Runbook of which no step can be done calls a human, and says why; and what is shown
// then stays.
func TestARunbookThatCannotBeFollowed(t *testing.T) {
	h := newHost("web")
	h.want.Runbooks = []desired.Runbook{{Name: "backlog", Spec: desired.RunbookSpec{Match: []string{`alertname="Backlog"`}, Steps: []desired.Do{{Do: "restart"}}}}}
	h.have.Alerts = map[string]state.Fact[state.Alerts]{"rule/g/Backlog": {At: h.now, Value: state.Alerts{Active: []state.ActiveAlert{
		{ID: "1", Name: "Backlog", Firing: true, Labels: map[string]string{"alertname": "Backlog"}},
	}}}}
	first := h.make()
	h.fold(first)
	first.Notes = nil
	if again := h.make(); !reflect.DeepEqual(first, again) {
		t.Errorf("no fixpoint: %s", cmp.Diff(first, again))
	}
	const why = "runbook backlog has nothing to do about it; step 1, restart: the alert is of no service of this host: say which with service"
	if c := h.past.Cases["Host/app-1 Backlog/1"]; c.Ended != state.Escalated || c.Why != why {
		t.Errorf("the case is %+v", c)
	}
}

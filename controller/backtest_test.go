package controller_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/controller/backtest"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// backtest runs the record of a rig through what is declared.
func (r *rig) backtest(want *desired.Set) []backtest.Result {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	var needed []state.Entry
	for _, e := range r.store.entries {
		if e, ok := backtest.Needed(e); ok {
			needed = append(needed, e)
		}
	}
	past := state.NewPast()
	for _, e := range r.store.entries {
		past.Fold(e)
	}
	return backtest.Run(want, backtest.Record{Entries: needed, Tally: past.Tally}, backtest.Options{})
}

// asThen fails unless every alert of the record, run through the Runbooks that are
// declared, comes to what was done.
func (r *rig) asThen() {
	r.t.Helper()
	for _, got := range r.backtest(r.source.set) {
		if got.Verdict != backtest.Same {
			r.t.Errorf("a backtest of what is declared: %s: %+v %+v\nthen %+v\nnow  %+v\n%s", got.Verdict, got.Parts, got.Unknown, got.Then, got.Now, r.history())
		}
	}
}

// What a changed Runbook would do about alerts that were lived through is what it does;
// and where nobody can know, that is said.
func TestAChangedRunbook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := shop(t, gatherDepth, fixMotd, restartIt, askForMore)
		defer r.judged()
		for range 2 { // the fix does not help, the restart does
			r.burn()
			time.Sleep(2*time.Minute + 20*time.Second)
			r.closes()
		}
		r.stop()
		for _, c := range []struct {
			what     string
			steps    []string
			verdicts string // of the two
			parts    string // where the first parts
			unknown  string // why nothing is known from there
		}{
			{"as it was", []string{gatherDepth, fixMotd, restartIt, askForMore}, "same same", "", ""},
			{"no evidence is gathered", []string{fixMotd, restartIt, askForMore}, "same same", "", ""},
			{"more evidence is gathered", []string{gatherDepth, "{gather: changes.recent}", fixMotd, restartIt}, "same same", "", ""},
			{"what is not come to is not known to differ", []string{gatherDepth, fixMotd, restartIt, "{do: motd.fix}"}, "same same", "", ""},
			{
				"less patience",
				[]string{gatherDepth, "{do: motd.fix, verify: {expr: " + short + ", within: 30s}}", restartIt},
				"differs differs",
				"systemd.restart web.service comes 1m30s earlier than then", "what would have come of systemd.restart web.service is not on record",
			},
			{
				"more patience",
				[]string{gatherDepth, "{do: motd.fix, verify: {expr: " + short + ", within: 5m}}", restartIt},
				"differs differs",
				"systemd.restart web.service was done; now: Verifying: step 2, motd.fix, has ended; whether it helped shows until then",
				"systemd.restart web.service was done, and what would have come without it is not on record",
			},
			{
				"the fix is taken out",
				[]string{gatherDepth, restartIt},
				"differs differs",
				"motd.fix was done; now: systemd.restart web.service", "motd.fix was done, and what would have come without it is not on record",
			},
			{
				"the restart is taken out",
				[]string{gatherDepth, fixMotd},
				"differs differs",
				"systemd.restart web.service was done; now: a human is called (Escalated): every step of runbook backlog was tried", "systemd.restart web.service was done, and what would have come without it is not on record",
			},
			{
				"a human is asked first",
				[]string{gatherDepth, "{do: motd.fix, approve: always}", restartIt},
				"differs differs",
				"motd.fix was done; now: AwaitingApproval: motd.fix always waits for approval: evenkeel approve ", "motd.fix was done, and what would have come without it is not on record",
			},
			{
				"it is judged by something that nobody read",
				[]string{gatherDepth, "{do: motd.fix, verify: {expr: queue_depth < 50}}", restartIt},
				"unknown unknown",
				"", "what queue_depth < 50 said was not read then",
			},
			{"it applies only sometimes", []string{"{do: motd.fix, when: queue_depth > 1000}"}, "unknown unknown", "", "what queue_depth > 1000 said was not read then"},
			{"something else is done", []string{"{do: motd.break}"}, "differs differs", "motd.fix was done; now: motd.break", "motd.fix was done, and what would have come without it is not on record"},
		} {
			want := declare(t, plugin("motd")+service("db", live)+service("web", live, "dependsOn: [db]", "limits: {restarts: 99, per: 1h, backoff: [1s]}")+runbook(c.steps...))
			want.Policy.Actions = map[string]string{"motd": desired.Auto}
			got := r.backtest(want)
			if len(got) != 2 || got[0].Verdict+" "+got[1].Verdict != c.verdicts {
				t.Fatalf("%s: %+v", c.what, got)
			}
			if said := saidAt(got[0].Parts); !strings.HasPrefix(said, c.parts) || c.parts == "" && said != "" {
				t.Errorf("%s: they part: %q, want %q", c.what, said, c.parts)
			}
			if said := saidAt(got[0].Unknown); said != c.unknown {
				t.Errorf("%s: unknown: %q, want %q", c.what, said, c.unknown)
			}
		}
		want := declare(t, plugin("motd")+service("db", live)+service("web", live)+strings.ReplaceAll(runbook(gatherDepth, fixMotd, restartIt), "runs: 3", "runs: 1"))
		want.Policy.Actions = map[string]string{"motd": desired.Auto}
		got := r.backtest(want)
		if got[0].Verdict != backtest.Same || got[1].Verdict != backtest.Differs || !strings.Contains(saidAt(got[1].Parts), "BudgetSpent") {
			t.Errorf("of a limit that is lower: %+v %+v", got[0], saidAt(got[1].Parts))
		}
	})
}

func saidAt(p *backtest.Point) string {
	if p == nil {
		return ""
	}
	return p.Detail
}

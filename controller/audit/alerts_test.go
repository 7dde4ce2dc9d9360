package audit_test

import (
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What is done for an alert has its ground in what was noted of it, and a human's yes
// where it needs one.
func TestTheGroundOfARunbook(t *testing.T) {
	const source = "rule/g/Backlog"
	labels := map[string]string{"alertname": "Backlog"}
	opened := func(t *tale, change func(*state.Case)) (state.Case, state.Step) {
		t.set.Runbooks = []desired.Runbook{{Name: "backlog", Spec: desired.RunbookSpec{Steps: []desired.Do{{Do: "motd.fix"}, {Do: "motd.fix", Approve: "always"}}}}}
		c := state.NewAlertCase("Service/web", source, state.ActiveAlert{ID: "1", Name: "Backlog", Labels: labels}, t.at)
		c.Runbook = "backlog"
		change(&c)
		t.opens(c)
		return c, state.Step{
			ID: "fix", Object: "Service/web", Reason: state.Alert, Effect: actuators.Disruptive, Remedial: true, Case: c.ID, Rung: 1,
			Action: actuators.Action{Actuator: "motd", Verb: "fix"}, Rests: []state.Ref{{Kind: state.RefAlerts, Name: source}},
		}
	}
	seen := func(is string) func(*state.Case) { return func(c *state.Case) { c.Seen.Is = is } }
	for _, c := range []struct {
		name, rule string
		tell       func(t *tale)
	}{
		{"it fires", "", func(t *tale) { _, s := opened(t, seen(state.SeenFiring)); t.does(s) }},
		{"it rests on what cannot be seen", "alerts", func(t *tale) { _, s := opened(t, seen(state.SeenBlind)); t.does(s) }},
		{"it cannot be evaluated", "alerts", func(t *tale) { _, s := opened(t, seen(state.SeenUnknown)); t.does(s) }},
		{"it is over", "alerts", func(t *tale) { _, s := opened(t, func(c *state.Case) { c.Well = c.Opened }); t.does(s) }},
		{"it is silenced", "alerts", func(t *tale) {
			_, s := opened(t, seen(state.SeenFiring))
			t.note(state.Note{Kind: state.NoteSilenced, Silence: &state.Silence{ID: "s", Matchers: []string{"alertname=Backlog"}, At: t.at, For: time.Hour}})
			t.does(s)
		}},
		{"it was silenced", "", func(t *tale) {
			_, s := opened(t, seen(state.SeenFiring))
			t.note(state.Note{Kind: state.NoteSilenced, Silence: &state.Silence{ID: "s", Matchers: []string{"alertname=Backlog"}, At: t.at, For: time.Hour}})
			t.wait(2 * time.Hour)
			t.does(s)
		}},
		{"nobody said yes", "approval", func(t *tale) { _, s := opened(t, seen(state.SeenFiring)); s.Rung = 2; t.does(s) }},
		{"a human said yes", "", func(t *tale) {
			_, s := opened(t, seen(state.SeenFiring))
			t.note(state.Note{Kind: state.NoteApproved, Name: s.ID})
			s.Rung = 2
			t.does(s)
		}},
	} {
		t.Run(c.name, func(t *testing.T) { judged(t, c.rule, c.tell) })
	}
}

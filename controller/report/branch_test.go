package report

import (
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What becomes of a branch shows in the conditions of its Environment, and on the
// board.
func TestConditionsOfABranch(t *testing.T) {
	const good, bad = "1f0c9ab5a30e07131f0c9ab5a30e07131f0c9ab5", "9d1c45f0c197866d9d1c45f0c197866d9d1c45f0"
	for name, c := range map[string]struct {
		change              func(*View)
		followed, confirmed string
		board               string
	}{
		"all is well":       {func(*View) {}, "True Current", "True Proved", ""},
		"it is provisional": {func(v *View) { v.Past.Provisional = &state.Provisional{Name: good} }, "True Current", "False Provisional", ""},
		"not all was judged": {func(v *View) {
			v.Past.Confirmed = []state.Confirmed{{Name: bad, Unjudged: "db"}, {Name: good, Unjudged: "web"}}
		}, "True Current", "True Proved: web", ""},
		"no remote answers":      {func(v *View) { v.Have.Source.Silent = "ask git.example: no route" }, "Unknown Unreachable", "True Proved", "no remote answers: ask git.example: no route"},
		"it is not signed":       {func(v *View) { v.refuses(state.SourceRefused, bad) }, "False SourceRefused", "True Proved", "waiting: 9d1c45f0c197"},
		"it is invalid":          {func(v *View) { v.refuses(state.DesiredInvalid, bad) }, "False DesiredInvalid", "True Proved", "DesiredInvalid: why"},
		"a human pinned another": {func(v *View) { v.Have.Source.Wanted, v.Past.Pinned = bad, &state.Pin{Name: good, Actor: "amina"} }, "False Pinned", "True Proved", "PINNED"},
		"it is quarantined": {func(v *View) {
			v.Have.Source.Wanted, v.Past.Quarantined[bad] = bad, state.Quarantine{Name: bad, To: good, Why: "it broke web"}
		}, "False Quarantined", "True Proved", "quarantined: 9d1c45f0c197"},
		"nobody follows a branch": {func(v *View) { v.Have.Source = state.Source{} }, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := View{
				Want: &desired.Set{
					Revision: good, Environment: "production", Host: desired.Host{Name: "app-1"},
					Objects: []desired.Object{{Kind: "Environment", Metadata: desired.Meta{Name: "production"}, Spec: []byte("{}")}, {Kind: "Environment", Metadata: desired.Meta{Name: "staging"}, Spec: []byte("{}")}},
				},
				Have: state.World{Source: state.Source{Wanted: good, Branch: "production"}}, Past: state.NewPast(),
			}
			c.change(&v)
			items := v.Get("Environment").Items
			for i, want := range []string{c.followed, c.confirmed} {
				got := ""
				if conditions := items[0].Status.Conditions; i < len(conditions) {
					got = conditions[i].Status + " " + conditions[i].Reason
					if i == 1 && conditions[i].Message != "" {
						got += ": " + conditions[i].Message
					}
				}
				if got != want {
					t.Errorf("condition %d: %q, want %q", i, got, want)
				}
			}
			if n := len(items[1].Status.Conditions); n != 0 {
				t.Errorf("an Environment that is not this host's has %d conditions", n)
			}
			if text := NewBoard(v.Want, v.Have, v.Past, v.Plan, v.Now).Text(Style{}, false); !strings.Contains(text, c.board) {
				t.Errorf("the board says nothing of %q:\n%s", c.board, text)
			}
		})
	}
}

func (v *View) refuses(why state.Reason, commit string) {
	v.Have.Source.Refused, v.Have.Source.Detail, v.Have.Source.Commit = why, "why", commit
	v.Plan.Held = []state.Held{{Object: "Host/app-1", Reason: why, Detail: "why"}}
}

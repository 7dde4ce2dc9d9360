package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What is active arrives at the client as the controller sees it.
func TestAlerts(t *testing.T) {
	now := state.Time{Up: 1, Boot: "b"}
	v := View{Want: &desired.Set{Host: desired.Host{Name: "app-1"}}, Past: state.NewPast()}
	v.Have.Alerts = map[string]state.Fact[state.Alerts]{
		"rule/g/A":     {At: now, Value: state.Alerts{Active: []state.ActiveAlert{{ID: "x", Name: "A", Firing: true, Labels: map[string]string{"a": "b"}}}}},
		"alertmanager": {At: now, Err: "nothing was received"},
	}
	got, err := NewClient(serve(t, &desk{view: v})).Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Alerts(), got); diff != "" || len(got.Alerts) != 1 || len(got.Unknown) != 1 {
		t.Errorf("alerts (-seen +arrived):\n%s", diff)
	}
}

// What is silenced arrives at the client as the controller sees it.
func TestSilences(t *testing.T) {
	now := state.Time{Up: 1, Boot: "b"}
	v := View{Want: &desired.Set{}, Past: state.NewPast(), Now: now}
	v.Past.Silences["x"] = state.Silence{ID: "x", Matchers: []string{`a="b"`}, At: now, For: time.Hour}
	got, err := NewClient(serve(t, &desk{view: v})).Silences(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Silences(), got); diff != "" || len(got.Silences) != 1 {
		t.Errorf("silences (-seen +arrived):\n%s", diff)
	}
}

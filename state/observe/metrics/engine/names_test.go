package engine

import (
	"testing"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Alerts of one name in one group, or in groups of one name in two files, are told
// apart: that one fails, or is over, says nothing of another.
func TestAlertsOfOneName(t *testing.T) {
	x := export(t, constant("backlog 2\nmany{a=\"1\"} 1\nmany{a=\"2\"} 1\n"))
	group := func(rules string) []byte {
		return []byte("groups:\n- name: g\n  interval: 100ms\n  rules:\n" + rules)
	}
	files := []desired.RuleFile{
		{Name: "b", Text: group("  - {alert: A, expr: backlog > 3}\n  - {alert: A, expr: backlog > 1, labels: {severity: late}}\n")},
		{Name: "a", Text: group("  - {alert: A, expr: backlog > 1, labels: {severity: page}}\n  - {alert: A, expr: many * on() many > 0}\n  - {alert: A, expr: backlog > 1, labels: {severity: page}}\n")},
	}
	dir := t.TempDir()
	for range 2 { // over a restart, too
		e := begin(t, dir)
		if _, err := e.Set(files, []desired.Target{x.target("shop")}, nil, nil); err != nil {
			t.Fatal(err)
		}
		for source, want := range map[string]string{
			"rule/g/A": "shop firing", "rule/g/A#3": "shop firing", "rule/g/A#4": "none", "rule/g/A#5": "shop firing",
		} {
			until(t, e, source, want)
			evaluations(t, e, source, 3, func(f state.Fact[state.Alerts]) {
				if looks(f) != want {
					t.Errorf("%s is %s", source, looks(f))
				}
			})
		}
		evaluations(t, e, "rule/g/A#2", 3, func(f state.Fact[state.Alerts]) {
			if f.Err == "" {
				t.Errorf("the one that fails is %s", looks(f))
			}
		})
		if f := e.Facts(t.Context(), []string{"rule/g/A#6"}, nil).Alerts["rule/g/A#6"]; f.Err != "no rule rule/g/A#6" {
			t.Errorf("one more is %+v", f)
		}
		// One that goes on keeps its name, and what is known of it.
		if _, err := e.Set(files[:1], []desired.Target{x.target("shop")}, nil, nil); err != nil {
			t.Fatal(err)
		}
		if f := e.Facts(t.Context(), []string{"rule/g/A#5"}, nil).Alerts["rule/g/A#5"]; looks(f) != "shop firing" {
			t.Errorf("without the other file it is %s", looks(f))
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

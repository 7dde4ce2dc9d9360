package ruletest

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// AlertRules objects are tested like Prometheus' own files.
func TestRulesOfObjects(t *testing.T) {
	objects, err := filepath.Abs("testdata/rules/objects.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := Run(context.Background(), write(t, "t.yml", "rule_files: ["+objects+`]
tests:
  - input_series: [{series: 'up{job="a"}', values: "0"}]
    alert_rule_test: [{eval_time: 0s, alertname: Down, exp_alerts: [{exp_labels: {job: a}}]}]
    promql_expr_test: [{expr: downs, eval_time: 0s, exp_samples: [{labels: downs, value: 1}]}]
`), nil)
	if !r.OK || len(r.Tests) != 1 {
		t.Errorf("%+v", r)
	}
}

// Two objects of a file cannot have groups of one name: one would hide the other.
func TestGroupsOfOneName(t *testing.T) {
	one := "kind: AlertRules\nmetadata: {name: NAME}\nspec: {groups: [{name: a, rules: [{record: x, expr: up}]}]}\n"
	objects := write(t, "o.yaml", strings.ReplaceAll(one, "NAME", "a")+"---\n"+strings.ReplaceAll(one, "NAME", "b"))
	r := Run(context.Background(), write(t, "t.yml", "rule_files: ["+objects+"]\ntests: [{}]\n"), nil)
	if r.OK || !strings.Contains(r.Tests[0].Errors[0], "two objects have a group named a") {
		t.Errorf("%+v", r)
	}
}

// Tests are chosen by their names, as promtool's --run does.
func TestChosenTests(t *testing.T) {
	name := write(t, "t.yml", `
tests:
  - {name: good, promql_expr_test: [{expr: "1", eval_time: 0s, exp_samples: [{labels: "{}", value: 1}]}]}
  - {name: bad, promql_expr_test: [{expr: "1", eval_time: 0s, exp_samples: [{labels: "{}", value: 2}]}]}
`)
	for pattern, want := range map[string]bool{"good": true, "bad": false, "o|a": false, "nothing": true} {
		if r := Run(context.Background(), name, regexp.MustCompile(pattern)); r.OK != want {
			t.Errorf("%s: %+v", pattern, r)
		}
	}
	r := Run(context.Background(), name, nil)
	if want := "expr \"1\" at 0s:\n  expected {} 2\n  got      {} 1"; len(r.Tests) != 2 || r.Tests[1].Errors[0] != want {
		t.Errorf("%+v", r)
	}
}

// A folder that was made for series is gone afterwards, and an end that was asked for
// is obeyed.
func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []context.Context{context.Background(), ctx} {
		r := Run(c, "testdata/tests/pass-rate.yml", nil)
		if r.OK != (c.Err() == nil) {
			t.Errorf("%+v", r)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Error(left, err)
		}
	}
}

package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
)

// What is wrong has the place in the file where it can be mended.
func TestPlacesOfFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "groups:\n- name: a\n  rules: [{alert: A, expr: up == 0, for: 1m}]\n", ""},
		{"an empty file", "", ""},
		{"no groups", "groups: []\n", ""},
		{"no YAML", "groups: [\n", "1:1 not valid YAML: did not find expected node content\n"},
		{"an anchor", "groups:\n- {name: a, rules: [&r {record: x, expr: up}]}\n- {name: b, rules: [*r]}\n", "3:21 groups[1].rules[0]: x with the same labels is declared by groups[0].rules[0], too (warning)\n"},
		{"plain", "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up == == 0\n", "5:17 groups[0].rules[0].expr: not valid PromQL: unexpected <op:==>; write it like rate(errors_total[5m]) > 0.1\n"},
		{"in quotes", "groups:\n- name: a\n  rules:\n  - {alert: A, expr: \"rate(x)\"}\n", "4:28 groups[0].rules[0].expr: not valid PromQL: expected type range vector in call to function \"rate\", got instant vector; write a range behind the name, like [5m]\n"},
		{"a block", "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: |\n      up and\n        rtae(x[5m])\n", "7:9 groups[0].rules[0].expr: not valid PromQL: unknown function with name \"rtae\"; did you mean \"rate\"?\n"},
		{"two days", "groups:\n- name: a\n  rules:\n  - {alert: A, expr: 'up == 0 and rate(x[2d]) > 0'}\n", "4:40 groups[0].rules[0].expr: looks back over 2d; evenkeel evaluates at most 1d (bound)\n"},
		{"too long", "groups:\n- name: a\n  rules:\n  - {alert: A, expr: " + strings.Repeat("(", maxExpr+1) + "}\n", "4:22 groups[0].rules[0].expr: the expression is too long; evenkeel evaluates at most 16384 bytes (bound)\n"},
		{"a long pattern", "groups:\n- name: a\n  rules:\n  - {alert: A, expr: 'up{a=~\"" + strings.Repeat("x", maxRegexp+1) + "\"}'}\n", "4:23 groups[0].rules[0].expr: the regular expression for a is too long; evenkeel evaluates at most 1000 characters (bound)\n"},
		{"an unknown field", "groups:\n- name: a\n  rules:\n  - {alert: A, expr: up, summary: x}\n", "4:26 unknown field groups[0].rules[0].summary; there are alert, annotations, expr, for, keep_firing_for, labels, record\n"},
		{"a template", "groups:\n- name: a\n  rules:\n  - {alert: A, expr: up, annotations: {summary: '{{ $labls.x }}'}}\n", "4:49 groups[0].rules[0].annotations.summary: undefined variable \"$labls\"; write {{ $labels.NAME }} or {{ $value }}\n"},
		{"a name", "groups:\n- name: a\n  rules: [{record: 'sum(x)', expr: up}, {record: '{}', expr: up}]\n", "3:50 groups[0].rules[1].record: braces present in the recording rule name; should it be in expr?: {}\n"},
	} {
		var b strings.Builder
		_, faults := Check([]byte(c.text))
		for _, f := range faults {
			fmt.Fprintf(&b, "%d:%d %s%s%s\n", f.FileLine, f.FileCol, f.Text(""), map[bool]string{true: " (warning)"}[f.Warning], map[bool]string{true: " (bound)"}[f.Bound])
		}
		if d := cmp.Diff(c.want, b.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// What is known of an alert's labels before it is evaluated decides; the rest may be
// anything.
func TestWhatAnAlertMayMatch(t *testing.T) {
	text := "groups:\n- name: g\n  labels: {team: web}\n  rules: [{alert: A, expr: x, for: 1m, labels: {severity: P1, tier: '{{ $labels.tier }}'}}]\n"
	file, faults := Check([]byte(text))
	if len(faults) > 0 || len(file.Alerts) != 1 || file.Rules != 1 {
		t.Fatal(file, faults)
	}
	for matchers, want := range map[string]bool{
		`alertname="A"`: true, `alertname="B"`: false, `team="web", severity=~"P1|P2"`: true, `severity="P2"`: false,
		`tier="core"`: true, `service="redis"`: true, `team!="web"`: false, `service=""`: true,
	} {
		m, err := desired.ParseMatchers(matchers)
		if err != nil {
			t.Fatal(err)
		}
		if got := file.Alerts[0].MayMatch(m); got != want {
			t.Errorf("%s: %t", matchers, got)
		}
	}
}

// Aliases make much of little: what would take for ever is refused.
func TestManyAliases(t *testing.T) {
	text := "groups:\n- &g {name: a, rules: [&r {alert: A, expr: up, labels: &l {a: b}}" + strings.Repeat(", *r", 1000) + "]}\n" + strings.Repeat("- *g\n", 1000)
	_, faults := Check([]byte(text))
	if len(faults) == 0 || !strings.Contains(faults[len(faults)-1].Message, "too many values") {
		t.Errorf("%d faults", len(faults))
	}
}

// FuzzCheck: whatever a stranger writes, it is read or refused.
func FuzzCheck(f *testing.F) {
	f.Add([]byte("groups:\n- name: a\n  rules: [{alert: A, expr: 'rate(x[5m]) > 1', labels: {a: '{{ . }}'}}]\n"))
	f.Add([]byte("groups: &a\n- *a\n"))
	f.Add([]byte("groups: {a: b}\n---\nx"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		if _, faults := Check(text); len(faults) > 0 && faults[0].FileLine < 1 {
			t.Error(faults)
		}
	})
}

package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A rule that costs too much, fails, or rests on nothing is unknown or blind: none of
// its alerts counts. Other rules go on meanwhile, and memory is not taken for it.
func TestRulesThatCostTooMuch(t *testing.T) {
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "x{i=\"%d\"} 1\n", i)
	}
	x := export(t, constant(text.String()+"backlog 2\n"))
	cases := []struct{ name, expr, want string }{
		{"a range of more than a day", "rate(x[25h]) >= 0", "more than a day"},
		{"a subquery of more than a day", "max_over_time(x[2d:1h]) > 0", "more than a day"},
		{"a moment of long ago", "x offset 2d > 0", "more than a day"},
		{"a subquery of many steps", `count_over_time((time() > x{i="1"} or vector(1))[23h:50ms]) > 0`, "too many samples"},
		{"all with all, at every moment of an hour", "count(sum_over_time(((x @ end()) * on(i) group_left() (x @ end()))[1h:1s])) > 0", "too many samples"},
		{"all with all", "count(x * on() group_left() x) > 0", "duplicate series"},
		{"a regular expression that would be of a million states", `x{i=~"(((a{100}){100}){100}){100}"} > 0`, "repeat"},
		{"a regular expression of 12,000 characters", `count({i=~"` + strings.Repeat("(a|b)*", 2000) + `.*"}) > 0`, ""},
		{"no rule", "x >", "parse error"},
		{"a label that is none", `label_replace(x, "", "1", "i", "(.*)") > 0`, "invalid"},
		{"absent data", "absent(nothing)", "blind"},
		{"no data", "vector(1) > 0", "blind"},
		{"what is no number", "sum(x) / 0 * 0 != 1", "blind"},
	}
	files := []desired.RuleFile{{Name: "well", Text: []byte(one("backlog > 1"))}}
	for i, c := range cases {
		// A label tells the alerts apart: of one series two groups write out of each other's order.
		files = append(files, desired.RuleFile{Name: c.name, Text: fmt.Appendf(nil, "groups:\n- name: g%d\n  interval: 100ms\n  rules:\n  - alert: A\n    expr: %q\n    labels: {of: g%d}\n", i, c.expr, i)})
	}
	e := begin(t, t.TempDir())
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	shop := x.target("shop")
	shop.Interval = desired.Duration(time.Second) // its time, too: all these rules keep the processors
	if _, err := e.Set(files, []desired.Target{shop}, nil, nil); err != nil {
		t.Fatal(err)
	}
	until(t, e, ruleA, "shop firing")
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			source := fmt.Sprintf("rule/g%d/A", i)
			var f state.Fact[state.Alerts]
			for end := time.Now().Add(patient); ; time.Sleep(beat / 4) {
				f = e.Facts(t.Context(), []string{source}, nil).Alerts[source]
				for _, a := range f.Value.Active {
					if a.Blind == "" && c.want != "" {
						t.Fatalf("it counts: %+v", a)
					}
				}
				if f.Err != unevaluated && (strings.Contains(f.Err, c.want) || strings.Contains(looks(f), c.want)) {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("it is %s, and should be %q", looks(f), c.want)
				}
			}
			if f.Err != "" && len(f.Value.Active) > 0 {
				t.Errorf("it is unknown, and %+v", f.Value.Active)
			}
		})
	}
	evaluations(t, e, ruleA, 3, func(f state.Fact[state.Alerts]) {
		if !strings.HasPrefix(looks(f), "shop firing") {
			t.Errorf("another rule is %s", looks(f))
		}
	})
}

package rules

import (
	"strings"
	"testing"
)

// An expression that has a result whatever happens verifies nothing, and it is said why.
func TestWhatCannotFail(t *testing.T) {
	nothing, never := "it looks at no metric", "it compares nothing"
	for expr, want := range map[string]string{
		"vector(1)": nothing, "1": nothing, "1 > bool 0": nothing, "time() > bool 5": nothing, "vector(1) == 1": nothing,
		"up": never, "sum(up)": never, "rate(x[5m]) * 100": never, "count_over_time(x[5m])": never, "(x)": never, "-x": never, "x and y": never, "x or y": "one side of its or",
		"up == bool 1":                "up == bool 1 has a result whatever it compares",
		"sum(up == bool 1)":           "up == bool 1 has a result whatever it compares",
		"up == 1 or vector(1)":        "one side of its or has a result whatever happens: vector(1)",
		"up or up == 1":               "one side of its or has a result whatever happens: up",
		"x == x":                      "x == x compares a value with itself",
		"(x) >= x":                    "(x) >= x compares a value with itself",
		"count(x) > 0":                "count(x) > 0 is true of every value",
		"0 <= abs(x)":                 "0 <= abs(x) is true of every value",
		"changes(x[5m]) >= 0":         "changes(x[5m]) >= 0 is true of every value",
		"x > -Inf":                    "",
		"x >= -Inf":                   "x >= -Inf is true of every value",
		"x < 3 or x >= 3":             "x < 3 or x >= 3: one of the two always is",
		"absent(x) or x":              "absent(x) or x: one of the two always is",
		"x and count(y) >= 1":         "count(y) >= 1 is true of every value",
		"up == 1":                     "",
		"sum(x) by (a) < 0.8":         "",
		"absent(x)":                   "",
		"absent(x) or y":              "one side of its or",
		"x unless y":                  "",
		"x and y > 1":                 "",
		"x > 1 or y > 1":              "",
		"x < 3 or x > 3":              "",
		"x < 3 or y >= 3":             "",
		"x > x":                       "",
		"x != x":                      "",
		"scalar(x)":                   "",
		"count(up == 1)":              "",
		"count(up == 1) >= 0":         "",
		"count(x) > 1":                "",
		"count(x) < 1":                "",
		"count(x) != 0":               "count(x) != 0 is true of every value",
		"abs(x) > 0":                  "",
		"rate(x[5m]) >= 0":            "",
		"x >= 0":                      "",
		"max_over_time((x > 1)[5m:])": "",
		"x / 2 < 1":                   "",
		"up ==":                       "",
	} {
		if got := Unfailing(expr); (want == "") != (got == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

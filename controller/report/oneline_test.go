package report

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// status builds a Status of n services a word; they are called WORD-1, ….
func statusOf(host string, n map[State]int) Status {
	s := Status{Host: host}
	for _, w := range States {
		for i := range n[w] {
			s.Services = append(s.Services, Row{Name: fmt.Sprintf("%s-%d", strings.ToLower(string(w)), i+1), State: w})
		}
	}
	return s
}

func TestOneLine(t *testing.T) {
	pinned := statusOf("app-1", map[State]int{OK: 2})
	pinned.Pinned = true
	hostile := statusOf("app-1", map[State]int{FAIL: 1})
	hostile.Services[0].Name = "\x1b]0;owned\x07"
	for _, c := range []struct {
		name string
		s    Status
		want string
	}{
		{"all is well", statusOf("app-1", map[State]int{OK: 19}), "evenkeel app-1: 19 OK"},
		{"the worst first, and what fails by name", statusOf("app-1", map[State]int{OK: 16, FAIL: 2, HELD: 1}), "evenkeel app-1: 2 FAIL (fail-1, fail-2), 1 HELD, 16 OK"},
		{"every word", statusOf("app-1", map[State]int{OK: 1, FAIL: 1, HELD: 1, WARN: 1, UNKNOWN: 1}), "evenkeel app-1: 1 FAIL (fail-1), 1 UNKNOWN, 1 HELD, 1 WARN, 1 OK"},
		{"more names than there is room for", statusOf("app-1", map[State]int{FAIL: 40, OK: 3}), "evenkeel app-1: 40 FAIL (fail-1, fail-2, fail-3, fail-4, fail-5, fail-6, fail-7, fail-8, …), 3 OK"},
		{"nothing declared", statusOf("app-1", nil), "evenkeel app-1: no services"},
		{"no name of the host", statusOf("", map[State]int{OK: 1}), "evenkeel: 1 OK"},
		{"pinned", pinned, "evenkeel app-1: 2 OK, PINNED"},
		{"a name that a terminal would obey", hostile, `evenkeel app-1: 1 FAIL (\x1b]0;owned\x07)`},
	} {
		if got := c.s.OneLine(Style{}); got != c.want+"\n" {
			t.Errorf("%s:\n%swant\n%s", c.name, got, c.want)
		}
	}
	if got, want := OneLineTrouble(Style{}, "app-1", "not running"), "evenkeel app-1: not running\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whatever there is to say, it is one line that a terminal has room for, and it
// says the same in colour.
func TestOneLineIsBounded(t *testing.T) {
	for _, fails := range []int{0, 1, 7, 8, 9, 10, 400, 9999} {
		for _, host := range []string{"", "a", strings.Repeat("long-name.", 20), strings.Repeat("ü", 50)} {
			s := statusOf(host, map[State]int{FAIL: fails, OK: 9999, WARN: 9999, HELD: 9999, UNKNOWN: 9999})
			s.Pinned = true
			line := s.OneLine(Style{})
			if n := utf8.RuneCountInString(line) - 1; n > oneLineWidth || strings.Count(line, "\n") != 1 {
				t.Errorf("%d fail on %q: %d characters: %s", fails, host, n, line)
			}
			if got := colours.ReplaceAllString(s.OneLine(Style{Color: true}), ""); got != line {
				t.Errorf("in colour it says %q, else %q", got, line)
			}
		}
	}
}

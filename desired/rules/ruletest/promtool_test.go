package ruletest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/desired/rules"
)

// promtool is Prometheus' own, of the same module.
func promtool(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("../../../.ci/setup", "--promtool")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal("build promtool: ", err)
	}
	return strings.TrimSpace(string(out))
}

// code is the exit code of promtool.
func code(t *testing.T, tool string, args ...string) (int, string) {
	t.Helper()
	out, err := exec.Command(tool, args...).CombinedOutput()
	var e *exec.ExitError
	switch {
	case errors.As(err, &e):
		return e.ExitCode(), string(out)
	case err != nil:
		t.Fatal(err)
	}
	return 0, string(out)
}

// TestVerdictsArePromtools runs every file of tests through promtool and through Run.
// The names of the files say what both should find: neither may be right by accident.
func TestVerdictsArePromtools(t *testing.T) {
	tool := promtool(t)
	count := map[bool]int{}
	for _, verdict := range []string{"pass", "fail"} {
		files, err := filepath.Glob("testdata/tests/" + verdict + "-*.yml")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			t.Run(strings.TrimSuffix(filepath.Base(name), ".yml"), func(t *testing.T) {
				want := verdict == "pass"
				count[want]++
				if n, out := code(t, tool, "test", "rules", name); (n == 0) != want || n > 1 {
					t.Errorf("promtool: exit code %d\n%s", n, out)
				}
				if r := Run(context.Background(), name, nil); r.OK != want {
					t.Errorf("evenkeel: %t %+v", r.OK, r)
				}
			})
		}
	}
	if count[true] < 15 || count[false] < 15 {
		t.Error("too few cases: ", count)
	}
}

// TestChecksArePromtools holds files of rules side by side: what promtool refuses is
// refused, what it takes is taken, with a word where evenkeel alone would not.
func TestChecksArePromtools(t *testing.T) {
	tool := promtool(t)
	files, err := filepath.Glob("testdata/*/*.yml")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if base := filepath.Base(name); strings.HasPrefix(base, "pass-") || strings.HasPrefix(base, "fail-") {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yml"), func(t *testing.T) {
			want := !strings.HasPrefix(filepath.Base(name), "broken-")
			if n, out := code(t, tool, "check", "rules", name); (n == 0) != want || n > 1 {
				t.Errorf("promtool: exit code %d\n%s", n, out)
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, faults := rules.Check(text)
			ok := true
			for _, f := range faults {
				ok = ok && (f.Warning || f.Bound)
			}
			if ok != want {
				t.Errorf("evenkeel: %t %+v", ok, faults)
			}
		})
	}
}

package controller_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// proof is `TestA`, `TestB/with a subtest` in `PACKAGE`.
var proof = regexp.MustCompile("((?:`Test[^`]+`(?:, |,\n *)?)+)\\s+in\\s+`([^`]+)`")

// The page of faults names tests that exist, with their subtests, for each of its
// rows.
func TestTheFaultsAreProvenByTestsThatExist(t *testing.T) {
	page, err := os.ReadFile("../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, " | ")
		if id := strings.TrimPrefix(cells[0], "| "); len(cells) == 4 && (strings.HasPrefix(id, "F") || strings.HasPrefix(id, "SEC-")) {
			if slices.Contains(ids, id) || !proof.MatchString(cells[3]) {
				t.Errorf("%s stands twice, or is proven by nothing", id)
			}
			ids = append(ids, id)
		}
	}
	if len(ids) < 10 {
		t.Errorf("the page has the rows %v only", ids)
	}
	named := 0
	for _, p := range proof.FindAllStringSubmatch(string(page), -1) {
		tests := testsOf(t, "../"+p[2])
		for _, name := range strings.Split(strings.Trim(p[1], "`"), "`") {
			name, sub, _ := strings.Cut(name, "/")
			if !strings.HasPrefix(name, "Test") {
				continue // what stands between two
			}
			named++
			if !strings.Contains(tests, "\nfunc "+name+"(t *testing.T)") {
				t.Errorf("there is no %s in %s", name, p[2])
			}
			if sub != "" && !strings.Contains(tests, `"`+sub+`"`) {
				t.Errorf("%s in %s has no subtest %q", name, p[2], sub)
			}
		}
	}
	if all := strings.Count(string(page), "`Test"); named != all {
		t.Errorf("of %d tests that the page names %d say where they are", all, named)
	}
}

// testsOf reads the test files of a package.
func testsOf(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(dir + "/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests: %v", dir, err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

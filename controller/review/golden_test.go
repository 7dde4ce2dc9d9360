package review_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/controller/review"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

var update = flag.Bool("update", false, "write what is wanted anew")

// TestGolden reads testdata/*.txtar: two folders, base and head, and what the
// review of the change says, in each form that the file wants. Its comment may
// name the environment and the host, with labels.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := reviewed(t, a)
	for i := range a.Files {
		f := &a.Files[i]
		got := ""
		switch f.Name {
		case "want.txt":
			got = r.Text(report.Style{Now: noon})
		case "want.md":
			got = r.Markdown()
		case "want.html":
			got = must(t)(r.HTML())
		case "want.json":
			b, err := report.JSON(r.Reviews[0])
			got = must(t)(string(b), err)
		default:
			continue
		}
		if *update {
			f.Data = []byte(got)
		} else if d := cmp.Diff(string(f.Data), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", f.Name, d)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func must(t *testing.T) func(string, error) string {
	return func(s string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// reviewed is the review that a case asks for.
func reviewed(t *testing.T, a *txtar.Archive) report.Reviews {
	t.Helper()
	c := review.Change{Now: noon, Before: "base", After: "head"}
	labels := map[string]string{}
	for line := range strings.Lines(string(a.Comment)) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
		case "environment":
			c.Environment = value
		case "host":
			c.Host = value
		case "label":
			name, v, _ := strings.Cut(value, "=")
			labels[name] = v
		}
	}
	load := func(side string) (*desired.Set, read.Problems) {
		files := fstest.MapFS{}
		for _, f := range a.Files {
			if name, ok := strings.CutPrefix(f.Name, side+"/"); ok {
				files[name] = &fstest.MapFile{Data: f.Data}
			}
		}
		if len(files) == 0 {
			return nil, nil
		}
		set, problems := read.Load([]string{"."}, read.Options{
			FS: files, Revision: side, Environment: c.Environment, Policy: desired.BuiltInPolicy(),
			Host: desired.Host{Name: c.Host, Labels: labels}, Everywhere: c.Host == "",
		})
		if err := problems.Err(); err != nil {
			t.Fatalf("%s:\n%s", side, problems)
		}
		return set, problems
	}
	var before, after read.Problems
	c.Base, before = load("base")
	c.Head, after = load("head")
	for _, p := range after.Warnings() {
		if !slices.ContainsFunc(before, func(b read.Problem) bool { return b.Message == p.Message }) {
			c.Warnings = append(c.Warnings, p.Pos.String()+": "+p.Message)
		}
	}
	return report.NewReviews(c.Before, "head", nil, review.Make(c))
}

// Each kind of risk is shown by some case, and explained.
func TestEveryRiskHasItsCase(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[report.RiskKind]bool{}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range reviewed(t, a).Risks {
			seen[r.Kind] = true
		}
	}
	manual, err := os.ReadFile("../../docs/review.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range report.Risks {
		if !strings.Contains(string(manual), "\n| "+string(kind)+" |") {
			t.Errorf("docs/review.md does not explain %s", kind)
		}
		if !seen[kind] {
			t.Errorf("no case shows the risk %s", kind)
		}
	}
}

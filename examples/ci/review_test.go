package ci

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// pipeline is what a forge makes of one of the files: the lines of a job's shell, in
// order, and what they have of the forge.
type pipeline struct {
	name     string
	validate []string
	review   []string
	comment  []string
	head     func(r repository) string // what is checked out
	env      func(r repository, f *forge) []string
	markdown func(t *testing.T, dir string) string // what the review hands on
}

type step struct {
	Name string
	ID   string `yaml:"id"`
	If   string `yaml:"if"`
	Uses string
	Run  string
	With map[string]any
	Env  map[string]string
}

// workflow is GitHub's form.
type workflow struct {
	On          map[string]any `yaml:"on"`
	Permissions map[string]string
	Jobs        map[string]struct {
		If          string `yaml:"if"`
		Needs       string
		Permissions map[string]string
		Env         map[string]string
		Outputs     map[string]string
		Steps       []step
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func github(t *testing.T) pipeline {
	t.Helper()
	var w workflow
	read(t, "github/validate-and-diff.yml", &w)
	p := pipeline{name: "GitHub"}
	steps := map[string]step{}
	for _, job := range w.Jobs {
		for _, s := range job.Steps {
			steps[s.Name] = s
		}
	}
	shell := func(name string) []string { return []string{steps[name].Run} }
	p.validate, p.review, p.comment = shell("Validate"), shell("Review"), shell("Comment")
	p.head = func(r repository) string { return r.merged }
	p.env = func(r repository, f *forge) []string {
		return []string{
			"FOLDER=" + r.folder, "RUNNER_TEMP=" + r.scratch,
			"GITHUB_STEP_SUMMARY=" + filepath.Join(r.scratch, "summary"), "GITHUB_OUTPUT=" + filepath.Join(r.scratch, "output"),
			"GITHUB_TOKEN=" + token, "AUTHOR=" + steps["Comment"].Env["AUTHOR"],
			"COMMENTS=" + f.URL + "/repos/shop/deploy/issues/7/comments", "COMMENT=" + f.URL + "/repos/shop/deploy/issues/comments",
		}
	}
	p.markdown = func(t *testing.T, dir string) string {
		t.Helper()
		// name<<end, the value, end: as GitHub reads what a step hands on.
		m := regexp.MustCompile(`(?s)^markdown<<([0-9a-f]{32})\n(.*)\n?([0-9a-f]{32})\n$`).FindStringSubmatch(load(t, filepath.Join(dir, "output")))
		if m == nil || m[1] != m[3] {
			t.Fatalf("handed on: %q", load(t, filepath.Join(dir, "output")))
		}
		if summary := load(t, filepath.Join(dir, "summary")); summary != m[2] {
			t.Errorf("the summary is another: %q", summary)
		}
		return m[2]
	}
	return p
}

func gitlab(t *testing.T) pipeline {
	t.Helper()
	var jobs map[string]yaml.Node
	read(t, "gitlab/.gitlab-ci.yml", &jobs)
	script := func(job string) []string {
		var j struct{ Script []string }
		n := jobs[job]
		if err := n.Decode(&j); err != nil || len(j.Script) == 0 {
			t.Fatalf("%s: %v", job, err)
		}
		return j.Script
	}
	all := script("evenkeel-review")
	at := slices.IndexFunc(all, func(line string) bool { return strings.HasPrefix(line, "environments=") })
	p := pipeline{name: "GitLab", review: all[:at], validate: all[at:], comment: script("evenkeel-comment")}
	p.head = func(r repository) string { return r.change }
	p.env = func(r repository, f *forge) []string {
		return []string{
			"FOLDER=" + r.folder, "CI_COMMIT_SHA=" + r.change, "CI_MERGE_REQUEST_DIFF_BASE_SHA=" + r.base,
			"CI_API_V4_URL=" + f.URL + "/api/v4", "CI_PROJECT_ID=3", "CI_MERGE_REQUEST_IID=7", "EVENKEEL_COMMENT_TOKEN=" + token,
		}
	}
	p.markdown = func(t *testing.T, dir string) string {
		return load(t, filepath.Join(dir, "..", "repository", "review.md"))
	}
	return p
}

func load(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// run is how the forges' runners call a script: each line ends it that fails.
func run(t *testing.T, dir string, env, lines []string) (code int, said string) {
	t.Helper()
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", strings.Join(lines, "\n"))
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + filepath.Dir(program(t)) + ":" + os.Getenv("PATH"), "HOME=" + dir, "NO_COLOR=1", "LC_ALL=C.UTF-8"}, env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestPipelinesReviewAndComment(t *testing.T) {
	for _, p := range []pipeline{github(t), gitlab(t)} {
		t.Run(p.name, func(t *testing.T) {
			r, f := newRepository(t), newForge(t)
			round := func(validates, reviews int) string {
				t.Helper()
				r.checkout(p.head(r))
				for _, name := range []string{"output", "summary"} {
					_ = os.Remove(filepath.Join(r.scratch, name)) // each run has its own
				}
				env := p.env(r, f)
				if code, said := run(t, r.work, env, p.validate); (code == 0) != (validates == 0) {
					t.Fatalf("validate: %d, want %d\n%s", code, validates, said)
				}
				if code, said := run(t, r.work, env, p.review); (code == 0) != (reviews == 0) {
					t.Fatalf("review: %d, want %d\n%s", code, reviews, said)
				}
				text := p.markdown(t, r.scratch)
				if code, said := run(t, r.work, append(env, "MARKDOWN="+text), p.comment); code != 0 {
					t.Fatalf("comment: %d\n%s", code, said)
				}
				r.checkout("change")
				return text
			}

			r.write("deploy/shop.yaml", shop("/opt/shop --fast"))
			r.commit("shop: faster")
			text := round(0, 0)
			for _, want := range []string{"2 of 2 environments change", "`production, every host`", "restart `shop.service`", "+ExecStart=/opt/shop --fast", "deploy/shop.yaml:1:1"} {
				if !strings.Contains(text, want) {
					t.Errorf("the review lacks %q:\n%s", want, text)
				}
			}
			if got := f.mine(); len(got) != 1 || strings.TrimSpace(got[0]) != strings.TrimSpace(text) {
				t.Errorf("commented: %q", got)
			}

			// What is wrong fails the pipeline, and is told in the same comment.
			r.write("deploy/shop.yaml", strings.Replace(shop("x"), "unitFile", "unitfile", 1))
			r.commit("shop: wrong")
			text = round(1, 1)
			if !strings.Contains(text, "deploy/shop.yaml:5:3: unknown field spec.unitfile") {
				t.Errorf("the errors are not told:\n%s", text)
			}
			if got := f.mine(); len(got) != 1 || !strings.Contains(got[0], "unknown field spec.unitfile") {
				t.Errorf("commented: %q", got)
			}

			// So is that nothing is left of it.
			r.write("deploy/shop.yaml", shop("/opt/shop"))
			r.commit("shop: as it was")
			if text = round(0, 0); !strings.Contains(text, "nothing changes") {
				t.Errorf("the review:\n%s", text)
			}
			if got := f.mine(); len(got) != 1 || !strings.Contains(got[0], "nothing changes") {
				t.Errorf("commented: %q", got)
			}
			if f.others() != 2*strangers {
				t.Errorf("a stranger's comments were touched: %d", f.others())
			}
		})
	}
}

// Who may do what: it reads with a token that cannot write, it writes without the
// change at hand, and no text of the change is ever part of a script.
func TestWorkflowHasTheLeastRights(t *testing.T) {
	var w workflow
	read(t, "github/validate-and-diff.yml", &w)
	if _, ok := w.On["pull_request"]; !ok || len(w.On) != 1 {
		t.Errorf("it runs on %v; pull_request_target would give a stranger's change a token that writes", w.On)
	}
	if w.Permissions == nil || len(w.Permissions) > 0 {
		t.Errorf("by default a job may: %v", w.Permissions)
	}
	rights := map[string]map[string]string{"review": {"contents": "read"}, "comment": {"pull-requests": "write"}}
	for name, job := range w.Jobs {
		if fmt.Sprint(job.Permissions) != fmt.Sprint(rights[name]) {
			t.Errorf("job %s may: %v", name, job.Permissions)
		}
		for _, s := range job.Steps {
			switch {
			case strings.Contains(s.Run, "${{"):
				t.Errorf("%s: what an expression comes to is run", s.Name)
			case s.Uses != "" && (name != "review" || !regexp.MustCompile(`^actions/checkout@v\d+$`).MatchString(s.Uses)):
				t.Errorf("%s uses %s", name, s.Uses)
			case s.Uses != "" && s.With["persist-credentials"] != false:
				t.Error("the token is left in the repository")
			}
		}
	}
	if len(w.Jobs) != len(rights) || w.Jobs["comment"].Needs != "review" {
		t.Errorf("jobs: %v", w.Jobs)
	}
}

package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

const ciFolder = "../../examples/ci/"

// shell is what a pipeline runs, with what it has of its forge.
type shell struct {
	name   string
	env    map[string]string
	branch string // that it checks out by itself; empty: its lines do
	lines  []string
	junit  string // the file that it gives its forge
}

// github reads the jobs of the workflow, as many as its matrix has.
func github(t *testing.T) []shell {
	t.Helper()
	var w struct {
		On struct {
			Schedule []struct{ Cron string } `yaml:"schedule"`
		} `yaml:"on"`
		Permissions map[string]string
		Jobs        map[string]struct {
			Timeout  int `yaml:"timeout-minutes"`
			Strategy struct {
				FailFast *bool `yaml:"fail-fast"`
				Matrix   struct{ Include []map[string]string }
			}
			Steps []struct {
				If, Uses, Run string
				With, Env     map[string]string
			}
		}
	}
	parse(t, ciFolder+"github/health-check.yml", &w)
	job := w.Jobs["outside"]
	if len(w.On.Schedule) != 1 || w.On.Schedule[0].Cron != "*/15 * * * *" || len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
		t.Errorf("when and with which rights: %+v, %v", w.On, w.Permissions)
	}
	if job.Timeout == 0 || job.Timeout > 14 || job.Strategy.FailFast == nil || *job.Strategy.FailFast {
		t.Errorf("one run must end before the next, and one environment keep none of the others back: %+v", job)
	}
	var all []shell
	for _, m := range job.Strategy.Matrix.Include {
		s := shell{name: "GitHub " + m["environment"], env: map[string]string{}}
		for _, step := range job.Steps {
			switch {
			case strings.HasPrefix(step.Uses, "actions/checkout@"):
				s.branch = expression(t, step.With["ref"], m)
			case strings.HasPrefix(step.Uses, "actions/upload-artifact@"):
				s.junit = step.With["path"]
				if step.If != "${{ !cancelled() }}" {
					t.Errorf("the report is kept only if all is well: %q", step.If)
				}
			case step.Run != "":
				if strings.Contains(step.Run, "${{") {
					t.Errorf("what an expression comes to is run: %s", step.Run)
				}
				for name, v := range step.Env {
					s.env[name] = expression(t, v, m)
				}
				s.lines = append(s.lines, step.Run)
			}
		}
		all = append(all, s)
	}
	return all
}

// gitlab reads the jobs of the pipeline, as many as its matrix has.
func gitlab(t *testing.T) []shell {
	t.Helper()
	var w map[string]struct {
		Rules        []struct{ If string }
		Timeout      string
		Parallel     struct{ Matrix []map[string]string }
		Variables    map[string]string
		BeforeScript []string `yaml:"before_script"`
		Script       []string
		Artifacts    struct {
			When    string
			Reports struct{ JUnit string }
		}
	}
	parse(t, ciFolder+"gitlab/health-check.yml", &w)
	job := w["health-check"]
	if len(w) != 1 || len(job.Rules) != 1 || job.Rules[0].If != `$CI_PIPELINE_SOURCE == "schedule"` || job.Artifacts.When != "always" || job.Timeout == "" {
		t.Errorf("%+v", w)
	}
	var all []shell
	for _, m := range job.Parallel.Matrix {
		s := shell{name: "GitLab " + m["EVENKEEL_ENVIRONMENT"], env: map[string]string{"EVENKEEL_WEBHOOK": secret}, junit: job.Artifacts.Reports.JUnit}
		for _, vars := range []map[string]string{job.Variables, m} {
			for name, v := range vars {
				s.env[name] = v
			}
		}
		s.lines = append(job.BeforeScript, job.Script...)
		all = append(all, s)
	}
	return all
}

func parse(t *testing.T, file string, to any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, to); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

var expressions = regexp.MustCompile(`\$\{\{ *(\w+)\.(\w+) *\}\}`)

// secret stands for the address of the webhook, of which a pipeline's text knows
// nothing: GitHub puts in a secret, GitLab has variables of the project.
const secret = "the webhook's address"

// expression is what GitHub makes of the expressions in a text.
func expression(t *testing.T, text string, matrix map[string]string) string {
	t.Helper()
	return expressions.ReplaceAllStringFunc(text, func(e string) string {
		m := expressions.FindStringSubmatch(e)
		v, ok := matrix[m[2]]
		if m[1] == "secrets" && m[2] == "HEALTH_WEBHOOK" {
			return secret
		}
		if m[1] != "matrix" || !ok {
			t.Errorf("%s: there is nothing of that name", e)
		}
		return v
	})
}

// repository is a clone of a repository with a branch for each environment, in
// which only that environment is as it should be: a pipeline that looks at another
// branch asks where nobody listens.
func checkout(t *testing.T, url map[string]string, branches map[string]string) (clone string) {
	t.Helper()
	dir := t.TempDir()
	origin, clone := filepath.Join(dir, "origin"), filepath.Join(dir, "clone")
	git := func(in string, args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=trunk"}, args...)...)
		cmd.Dir = in
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	if err := os.MkdirAll(filepath.Join(origin, "deploy"), 0o755); err != nil {
		t.Fatal(err)
	}
	git(origin, "init", "-q")
	git(origin, "commit", "-q", "--allow-empty", "-m", "empty")
	for environment, branch := range branches {
		git(origin, "checkout", "-q", "-b", branch, "trunk")
		var text strings.Builder
		for other := range branches {
			at := "http://127.0.0.1:9"
			if other == environment {
				at = url[environment]
			}
			fmt.Fprintf(&text, "apiVersion: evenkeel.dev/v1\nkind: Environment\nmetadata: {name: %s}\nspec: {vars: {url: %q}}\n---\n", other, at)
		}
		text.WriteString("apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: web, annotations: {evenkeel.dev/url: $(vars.url)}}\nspec: {}\n")
		if err := os.MkdirAll(filepath.Join(origin, "deploy"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(origin, "deploy", "all.yaml"), []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		git(origin, "add", ".")
		git(origin, "commit", "-q", "-m", environment)
	}
	git(dir, "clone", "-q", origin, clone)
	git(clone, "checkout", "-q", "--detach", "origin/trunk")
	return clone
}

// run runs the lines one after the other, as a forge does: with bash, until one
// fails. go is another program, which only says what it was asked for.
func (s shell) run(t *testing.T, clone, webhook string) (summary string, err error) {
	t.Helper()
	tools := t.TempDir()
	if err := os.WriteFile(filepath.Join(tools, "go"), []byte("#!/bin/sh\necho \"$@\" > \""+tools+"/asked\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	summary = filepath.Join(tools, "summary.md")
	env := append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"), "GITHUB_STEP_SUMMARY="+summary, "EVENKEEL_RETRIES=0", "NO_COLOR=1", "HOME="+tools)
	for name, v := range s.env {
		env = append(env, name+"="+strings.Replace(v, secret, webhook, 1))
	}
	if s.branch != "" {
		if out, err := exec.Command("git", "-C", clone, "checkout", "-q", "--detach", "origin/"+s.branch).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for _, line := range s.lines {
		cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", line)
		cmd.Dir, cmd.Env = clone, env
		out, e := cmd.CombinedOutput()
		if err = e; err != nil {
			t.Logf("%s: %s: %v\n%s", s.name, line, err, out)
			break
		}
	}
	asked, _ := os.ReadFile(filepath.Join(tools, "asked"))
	if want := "install github.com/pakashop/evenkeel/cmd/evenkeel@latest\n"; string(asked) != want {
		t.Errorf("%s gets evenkeel by: go %s; want %s", s.name, asked, want)
	}
	return summary, err
}

// The pipelines that people copy do what they say: they ask both environments, by
// what the branch of each says, give their forge the report, and tell a webhook when
// something fails.
func TestTheHealthChecksOfExamples(t *testing.T) {
	set, problems := read.Load([]string{"../../examples/pakashop"}, read.Options{})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	branches := environments(t, set)
	for forge, shells := range map[string][]shell{"GitHub": github(t), "GitLab": gitlab(t)} {
		if len(shells) != len(branches) {
			t.Errorf("%s asks %d environments; want %d", forge, len(shells), len(branches))
		}
		for _, s := range shells {
			for _, well := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, well: %t", s.name, well), func(t *testing.T) { s.check(t, branches, well) })
			}
		}
	}
}

// environments are the branches of the environments that the estate declares.
func environments(t *testing.T, set *desired.Set) map[string]string {
	t.Helper()
	branches := map[string]string{}
	for _, o := range set.Objects {
		var spec struct{ Branch string }
		if o.Kind == "Environment" {
			if err := yaml.Unmarshal(o.Spec, &spec); err != nil {
				t.Fatal(err)
			}
			branches[o.Metadata.Name] = spec.Branch
		}
	}
	if branches["production"] != "production" || branches["staging"] != "main" {
		t.Errorf("the branches of the environments: %v", branches)
	}
	return branches
}

func (s shell) check(t *testing.T, branches map[string]string, well bool) {
	environment := s.name[strings.LastIndex(s.name, " ")+1:]
	web := httptest.NewServer(kinds(map[bool]string{true: "well", false: "broken"}[well], ""))
	defer web.Close()
	told := filepath.Join(t.TempDir(), "told.json")
	hook := httptest.NewServer(kinds("webhook", told))
	defer hook.Close()

	clone := checkout(t, map[string]string{environment: web.URL}, branches)
	summary, err := s.run(t, clone, hook.URL)
	var e *exec.ExitError
	if well && err != nil || !well && (!errors.As(err, &e) || e.ExitCode() != exitFail) {
		t.Errorf("it ends with %v", err)
	}
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suite    struct {
			Name string `xml:"name,attr"`
		} `xml:"testsuite"`
	}
	b, err := os.ReadFile(filepath.Join(clone, s.junit))
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(b, &suites); err != nil || suites.Tests != 2 || suites.Failures != map[bool]int{true: 0, false: 2}[well] || suites.Suite.Name != "outside "+environment {
		t.Errorf("%v: %s", err, b)
	}
	if strings.HasPrefix(s.name, "GitHub") {
		if b, err := os.ReadFile(summary); err != nil || !strings.HasPrefix(string(b), "### evenkeel: "+environment+" from outside: 2 URLs: ") {
			t.Errorf("the summary: %v\n%s", err, b)
		}
	}
	b, err = os.ReadFile(told)
	if well && err == nil || !well && !strings.Contains(string(b), `"environment":"`+environment+`"`) {
		t.Errorf("the webhook was told %q, %v", b, err)
	}
}

package git

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/wire"
)

func TestMain(m *testing.M) {
	if _, ok := host.Role(os.Args); ok {
		wire.Serve(New("1"))
		return
	}
	code := m.Run()
	for _, s := range templates {
		os.RemoveAll(s.dir)
	}
	os.Exit(code)
}

// server is a bare repository of real git's, into which people commit.
type server struct {
	testing.TB
	dir  string // that everybody may enter
	repo string
	n    *int // commits so far: each is a minute younger
}

// newServer has a branch production with one commit, the last good one.
func newServer(t testing.TB) (s server, good string) {
	t.Helper()
	s = copyOf(t, "good", func(s server) {
		s.run(s.dir, "", "init", "--quiet", "--bare", "--template=", s.repo)
		for _, set := range []string{"uploadpack.allowFilter", "http.receivepack"} {
			s.git("config", set, "true")
		}
		s.commit("production", "ada", "Good", "unit", "good", "other", "untouched")
	})
	return s, s.at("production")
}

var templates = map[string]server{} // what was made once, by name; under no lock: tests start one after the other

// copyOf copies a server that is made once.
func copyOf(t testing.TB, name string, build func(server)) server {
	t.Helper()
	if _, ok := templates[name]; !ok {
		s := emptyServer(t, func(string) {}) // it stays until TestMain ends
		build(s)
		templates[name] = s
	}
	from := templates[name]
	s := emptyServer(t, func(dir string) { os.RemoveAll(dir) })
	*s.n = *from.n
	if err := os.CopyFS(s.repo, os.DirFS(from.repo)); err != nil {
		t.Fatal(err)
	}
	return s
}

func emptyServer(t testing.TB, end func(dir string)) server {
	t.Helper()
	dir, err := os.MkdirTemp("", "evenkeel-test-") // not t.TempDir, which others may not enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return server{t, dir, filepath.Join(dir, "shop.git"), new(int)}
}

func (s server) run(dir, in string, args ...string) string {
	s.Helper()
	*s.n++
	at := fmt.Sprintf("%d +0000", 1_800_000_000+60**s.n)
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(in)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x@example.com", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@example.com", "GIT_AUTHOR_DATE=" + at, "GIT_COMMITTER_DATE=" + at,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
	}
	for i, a := range args {
		if who, ok := strings.CutPrefix(a, "--by="); ok {
			cmd.Args = append(cmd.Args[:i+1], cmd.Args[i+2:]...)
			cmd.Env = append(cmd.Env, "GIT_AUTHOR_NAME="+who, "GIT_AUTHOR_EMAIL="+who+"@example.com")
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (s server) git(args ...string) string {
	s.Helper()
	return s.run(s.repo, "", args...)
}

// commit commits files, by their names, to the end of a branch.
func (s server) commit(branch, who, message string, files ...string) string {
	s.Helper()
	return s.merge(branch, who, message, nil, files...)
}

// merge is commit with more parents than the end of the branch.
func (s server) merge(branch, who, message string, parents []string, files ...string) string {
	s.Helper()
	var tree strings.Builder
	for i := 0; i+1 < len(files); i += 2 {
		fmt.Fprintf(&tree, "100644 blob %s\t%s\n", s.run(s.repo, files[i+1], "hash-object", "-w", "--stdin"), files[i])
	}
	args := []string{"commit-tree", "--by=" + who, s.run(s.repo, tree.String(), "mktree"), "-m", message}
	if s.has(branch) {
		args = append(args, "-p", "refs/heads/"+branch)
	}
	for _, p := range parents {
		args = append(args, "-p", p)
	}
	id := s.git(args...)
	s.git("update-ref", "refs/heads/"+branch, id)
	return id
}

func (s server) has(branch string) bool {
	return s.git("for-each-ref", "refs/heads/"+branch) != ""
}

// head is where a branch is.
func (s server) head(branch string) string {
	s.Helper()
	return s.git("rev-parse", "refs/heads/"+branch)
}

// at and put read and move a branch without a git, for tests that do so often.
func (s server) at(branch string) string {
	s.Helper()
	b, err := os.ReadFile(filepath.Join(s.repo, "refs/heads", branch))
	if err != nil {
		s.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func (s server) put(branch, id string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.repo, "refs/heads", branch), []byte(id+"\n"), 0o644); err != nil {
		s.Fatal(err)
	}
}

// look shows branches and where they are.
func (s server) look(*testing.T) string {
	return s.git("for-each-ref", "--format=%(refname:short) %(objectname:short=12) %(tree)")
}

// keys counts the commits of a branch that bear a key.
func (s server) keys(branch, key string) int {
	s.Helper()
	return len(strings.Fields(s.git("log", "--format=%H", "-F", "--grep="+trailer+key, "refs/heads/"+branch)))
}

// hook is a hook of the server's: a shell script.
func (s server) hook(name, script string) {
	s.Helper()
	dir := filepath.Join(s.repo, "hooks")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		s.Fatal(err)
	}
}

// told is the content of a request.
func told(remotes ...string) Content {
	return Content{Remotes: remotes, Author: Author{Name: "evenkeel", Email: "evenkeel@app-1"}}
}

func request(verb, branch string, c Content, args ...string) actuators.Request {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	r := actuators.Request{Action: actuators.Action{Actuator: Name, Verb: verb, Target: branch, Args: map[string]string{}}, Content: b}
	for i := 0; i+1 < len(args); i += 2 {
		r.Args[args[i]] = args[i+1]
	}
	return r
}

// revert is a request that takes back what lies between two commits.
func revert(c Content, base, bad string) actuators.Request {
	r := request("revert", "production", c, "commit", bad, "base", base, "at", "2027-01-15T08:00:00Z", "host", "app-1", "why", "web.service was not ready within 5m")
	r.Key = "incident-1/step-2"
	return r
}

func (s server) url() string { return "file://" + s.repo }

// apply must work.
func apply(t testing.TB, a *Actuator, r actuators.Request) actuators.Result {
	t.Helper()
	res, err := a.Apply(t.Context(), r)
	if err != nil {
		t.Fatalf("%v: %v", actuators.KindOf(err), err)
	}
	return res
}

// fails must not work, in a way.
func fails(t testing.TB, a *Actuator, r actuators.Request, kind actuators.Kind, says string) {
	t.Helper()
	res, err := a.Apply(t.Context(), r)
	if err == nil || actuators.KindOf(err) != kind || !strings.Contains(err.Error(), says) {
		t.Errorf("%+v, %v: %v; want %v that says %q", res, actuators.KindOf(err), err, kind, says)
	}
}

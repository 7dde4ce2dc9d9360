package git

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Child(os.Args)
	code := m.Run()
	keyring.close()
	os.Exit(code)
}

// stranger is whom git runs as in these tests, where they have a say.
func stranger() string {
	if os.Geteuid() == 0 {
		return "nobody"
	}
	return ""
}

// room is a folder that the stranger can walk to.
func room(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// origin is a remote: a bare repository and a work tree from which it is changed.
type origin struct {
	t    testing.TB
	bare string
	work string
	env  []string
	tick int
}

func newOrigin(t testing.TB) *origin {
	t.Helper()
	dir := room(t)
	o := &origin{t: t, bare: filepath.Join(dir, "origin.git"), work: filepath.Join(dir, "work")}
	o.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TEST_FSYNC=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
	}
	o.run("", "init", "-q", "--bare", "-b", "main", o.bare)
	o.run("", "init", "-q", "-b", "main", o.work)
	o.git("remote", "add", "origin", o.bare)
	o.git("config", "protocol.file.allow", "always")
	return o
}

// run is git with the origin's environment.
func (o *origin) run(dir string, args ...string) string {
	o.t.Helper()
	out, err := o.try(dir, nil, args...)
	if err != nil {
		o.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

func (o *origin) try(dir string, env []string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(append(append([]string{}, o.env...), env...), o.clock()...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// clock gives each commit a time of its own, the newest of them an hour ago.
func (o *origin) clock() []string {
	o.tick++
	at := time.Now().Add(-time.Hour + time.Duration(o.tick)*time.Second).Format(time.RFC3339)
	return []string{"GIT_AUTHOR_DATE=" + at, "GIT_COMMITTER_DATE=" + at}
}

// git runs in the work tree.
func (o *origin) git(args ...string) string { o.t.Helper(); return o.run(o.work, args...) }

// write puts files into the work tree; "" of a link's or file's content is an empty
// file.
func (o *origin) write(files map[string]string) {
	o.t.Helper()
	for name, content := range files {
		path := filepath.Join(o.work, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			o.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			o.t.Fatal(err)
		}
	}
}

// commit makes one of files and returns its ID. Further words are git's own, as for
// a signature.
func (o *origin) commit(files map[string]string, with ...string) string {
	o.t.Helper()
	o.write(files)
	o.git("add", "-A")
	o.git(append(with, "commit", "-q", "--allow-empty", "-m", fmt.Sprintf("change %d", o.tick))...)
	return o.git("rev-parse", "HEAD")
}

// push brings what the work tree is at to a branch of the remote.
func (o *origin) push(branch string) {
	o.t.Helper()
	o.git("push", "-q", "-f", "origin", "HEAD:refs/heads/"+branch)
}

// raw makes a commit of a tree that git's commands would not make: what is written
// to it is mktree's input.
func (o *origin) raw(tree string) string {
	o.t.Helper()
	cmd := exec.Command("git", "mktree", "-z", "--missing")
	cmd.Dir, cmd.Env, cmd.Stdin = o.work, o.env, strings.NewReader(tree)
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatalf("git mktree: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// blob puts a content into the object store and returns its ID.
func (o *origin) blob(content string) string {
	o.t.Helper()
	cmd := exec.Command("git", "hash-object", "-w", "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = o.work, o.env, strings.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatalf("git hash-object: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// commitTree makes a commit of a tree on top of HEAD, and has HEAD be it.
func (o *origin) commitTree(tree string) string {
	o.t.Helper()
	args := []string{"commit-tree", tree, "-m", "raw"}
	if head, err := o.try(o.work, nil, "rev-parse", "-q", "--verify", "HEAD"); err == nil {
		args = append(args, "-p", strings.TrimSpace(head))
	}
	id := o.git(args...)
	o.git("update-ref", "HEAD", id)
	return id
}

// options follow main of the origin.
func (o *origin) options() Options {
	return Options{Remotes: []string{o.bare}, Branch: "main", Folder: filepath.Join(room(o.t), "git"), User: stranger(), Limits: Limits{Time: time.Minute}}
}

func mirror(t testing.TB, o Options) *Mirror {
	t.Helper()
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fetched is what must be believed.
func fetched(t testing.TB, m *Mirror, floor ...string) Head {
	t.Helper()
	h, err := m.Fetch(t.Context(), floor...)
	if err != nil {
		t.Fatalf("fetch: %v", err)
	}
	return h
}

// refused is what must not be believed.
func refused(t testing.TB, m *Mirror, kind RefusedKind, words string, floor ...string) *Refused {
	t.Helper()
	h, err := m.Fetch(t.Context(), floor...)
	var r *Refused
	if !errors.As(err, &r) || r.Kind != kind || !strings.Contains(err.Error(), words) {
		t.Fatalf("got %s, %v, want %s with %q", h.Branch.ID, err, kind, words)
	}
	return r
}

func content(t testing.TB, tree *Tree) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range tree.Files() {
		all[name] = string(tree.files[name])
	}
	return all
}

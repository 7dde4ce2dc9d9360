package livetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
	"github.com/pakashop/evenkeel/desired/git"
)

func TestMain(m *testing.M) {
	git.Child(os.Args)
	if rehearse.Init() {
		return
	}
	o := rehearse.Options{Name: "git"}
	if !hosttest.Inside() {
		layer, err := rehearse.Layer("ssh")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		o.Layers = []string{layer}
	}
	hosttest.MainWith(m, o)
}

func run(t testing.TB, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com", "HOME=/root")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// open is a folder that git's user can walk to.
func open(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sshd serves a repository with one branch, to one key.
type sshd struct {
	dir    string
	port   string
	bare   string
	head   string
	client string // the private key, as the credential has it
	known  string // the host's line for known_hosts
}

func start(t *testing.T) *sshd {
	t.Helper()
	s := &sshd{dir: open(t)}
	path := func(name string) string { return filepath.Join(s.dir, name) }
	for _, key := range []string{"host", "client", "stranger"} {
		run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", path(key))
	}
	write(t, path("authorized"), read(t, path("client.pub")))
	s.client = read(t, path("client"))

	s.bare = path("estate.git")
	run(t, "git", "init", "-q", "--bare", "-b", "main", s.bare)
	run(t, "git", "init", "-q", "-b", "main", path("work"))
	s.commit(t, "first\n")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	s.known = "[127.0.0.1]:" + s.port + " " + read(t, path("host.pub"))
	write(t, path("sshd_config"), strings.Join([]string{
		"Port " + s.port, "ListenAddress 127.0.0.1", "HostKey " + path("host"), "AuthorizedKeysFile " + path("authorized"),
		"PermitRootLogin prohibit-password", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no", "StrictModes no", "PidFile none", "",
	}, "\n"))
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", path("sshd_config"))
	var words strings.Builder
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(words.String())
		}
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err == nil {
			c.Close()
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("sshd does not listen: %v: %s", err, words.String())
		}
	}
}

func (s *sshd) commit(t testing.TB, content string) {
	t.Helper()
	work := filepath.Join(s.dir, "work")
	write(t, filepath.Join(work, "a.yaml"), content)
	run(t, "git", "-C", work, "add", "-A")
	run(t, "git", "-C", work, "commit", "-q", "-m", "change")
	run(t, "git", "-C", work, "push", "-q", s.bare, "HEAD:refs/heads/main")
	s.head = run(t, "git", "-C", work, "rev-parse", "HEAD")
}

// options follow the branch as nobody.
func (s *sshd) options(t testing.TB, credentials map[string]string) git.Options {
	t.Helper()
	dir := open(t)
	keys := filepath.Join(dir, "credentials")
	scratch := filepath.Join(dir, "scratch")
	if err := errors.Join(os.Mkdir(keys, 0o700), os.Mkdir(scratch, 0o755)); err != nil {
		t.Fatal(err)
	}
	for name, content := range credentials {
		write(t, filepath.Join(keys, name), content)
	}
	return git.Options{
		Remotes: []string{"ssh://root@127.0.0.1:" + s.port + s.bare}, Branch: "main", User: "nobody",
		Folder: filepath.Join(dir, "git"), Scratch: scratch, Credentials: []string{keys}, Limits: git.Limits{Time: time.Minute},
	}
}

func fetch(t testing.TB, o git.Options, floor ...string) (git.Head, error) {
	t.Helper()
	m, err := git.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h, err := m.Fetch(t.Context(), floor...)
	if left, err := os.ReadDir(o.Scratch); err != nil || len(left) != 0 {
		t.Errorf("of keys and the like is left: %v, %v", left, err)
	}
	return h, err
}

func TestABranchIsFollowedOverSSH(t *testing.T) {
	s := start(t)
	both := map[string]string{"git-ssh-key": s.client, "git-known-hosts": s.known}
	o := s.options(t, both)
	m, err := git.New(o)
	if err != nil {
		t.Fatal(err)
	}
	first := s.head
	for _, content := range []string{"second\n", "third\n"} {
		s.commit(t, content)
		h, err := m.Fetch(t.Context(), first)
		if err != nil || h.Branch.ID != s.head {
			t.Fatalf("got %s, %v, want %s", h.Branch.ID, err, s.head)
		}
		f, err := h.Tree.Open("a.yaml")
		if err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 100)
		n, _ := f.Read(text)
		if string(text[:n]) != content {
			t.Errorf("got %q, want %q", text[:n], content)
		}
		first = s.head
	}
	tree, err := m.Tree(t.Context(), "main")
	if err != nil || tree.Commit.ID != s.head {
		t.Errorf("a look at main: %v, %v", tree, err)
	}

	// A key as an editor or a secret store leaves it; and the short form of the URL,
	// which has no port: sshd's own is taken.
	o = s.options(t, map[string]string{"git-ssh-key": strings.TrimRight(s.client, "\n"), "git-known-hosts": s.known})
	if h, err := fetch(t, o); err != nil || h.Branch.ID != s.head {
		t.Errorf("a key without its last line's end: %s, %v", h.Branch.ID, err)
	}
	o.Remotes = []string{"root@127.0.0.1:" + s.bare}
	var u *git.Unreachable
	if _, err := fetch(t, o); !errors.As(err, &u) || !strings.Contains(err.Error(), "port 22") {
		t.Errorf("the short form: %v, want that nobody listens at port 22", err)
	}
}

// A host that is not known, or a key that does not fit, ends it: nobody is asked, and
// nothing is learned.
func TestSSHAsksNobody(t *testing.T) {
	s := start(t)
	stranger := read(t, filepath.Join(s.dir, "stranger"))
	_, key, _ := strings.Cut(read(t, filepath.Join(s.dir, "stranger.pub")), " ")
	key, _, _ = strings.Cut(key, " ")
	for name, c := range map[string]struct {
		credentials map[string]string
		words       string
	}{
		"no known hosts":     {map[string]string{"git-ssh-key": s.client}, "git-known-hosts"},
		"another host known": {map[string]string{"git-ssh-key": s.client, "git-known-hosts": strings.Replace(s.known, s.port, "1", 1)}, "git-known-hosts"},
		"another key of the host's": {map[string]string{
			"git-ssh-key": s.client, "git-known-hosts": "[127.0.0.1]:" + s.port + " ssh-ed25519 " + key + "\n",
		}, "Host key verification failed"},
		"no key":         {map[string]string{"git-known-hosts": s.known}, "Permission denied"},
		"another key":    {map[string]string{"git-ssh-key": stranger, "git-known-hosts": s.known}, "Permission denied"},
		"what is no key": {map[string]string{"git-ssh-key": "hunter2", "git-known-hosts": s.known}, "Permission denied"},
	} {
		h, err := fetch(t, s.options(t, c.credentials))
		var u *git.Unreachable
		if !errors.As(err, &u) || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %s, %v, want unreachable with %q", name, h.Branch.ID, err, c.words)
		}
	}
	// Root's own keys and settings have no say.
	if err := os.MkdirAll("/root/.ssh", 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, "/root/.ssh/id_ed25519", s.client)
	write(t, "/root/.ssh/known_hosts", s.known)
	write(t, "/root/.ssh/config", "Host *\n\tStrictHostKeyChecking no\n\tProxyCommand touch /lab/evil\n")
	o := s.options(t, nil)
	o.User = ""
	if h, err := fetch(t, o); err == nil {
		t.Errorf("got %s by what lies in root's home", h.Branch.ID)
	}
	if _, err := os.Stat("/lab/evil"); err == nil {
		t.Error("a command of root's own settings was run")
	}
}

// A server that says nothing takes its time, and no more.
func TestAnSSHServerThatSaysNothing(t *testing.T) {
	s := start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := s.options(t, map[string]string{"git-ssh-key": s.client, "git-known-hosts": s.known})
	o.Remotes = append([]string{"ssh://root@" + l.Addr().String() + "/x"}, o.Remotes...)
	o.Limits.Time = 20 * time.Second // spent on the silent one; the other must manage on a busy machine
	if h, err := fetch(t, o); err != nil || h.Branch.ID != s.head || h.Remote != o.Remotes[1] {
		t.Errorf("got %s from %s, %v, want the other remote's", h.Branch.ID, h.Remote, err)
	}
	o.Remotes, o.Limits.Time = o.Remotes[:1], time.Second
	var u *git.Unreachable
	if _, err := fetch(t, o); !errors.As(err, &u) || !strings.Contains(err.Error(), "no answer within 1s") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	m, err := git.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("whoever asks wants it no longer: %v", err)
	}
}

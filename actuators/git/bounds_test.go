package git

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// scratch makes a folder of the test's own of the system's for temporary files.
func scratch(t *testing.T) string {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// A server's hook sees all that runs on this host: no argument, no variable and
// no file of git's has a part of a secret.
func TestNoProcessShowsASecret(t *testing.T) {
	s, good := newServer(t)
	dir := scratch(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	seen := filepath.Join(s.dir, "seen")
	s.hook("pre-receive", `for p in /proc/[0-9]*; do tr '\0' '\n' <$p/cmdline; tr '\0' '\n' <$p/environ; done >`+seen+` 2>/dev/null
find `+dir+` -type f -exec cat {} + >>`+seen+` 2>/dev/null
exit 0
`)
	key, _ := newKey(t, "")
	w := serve(t, s.dir, "keel:hunter2canary")
	c := told(w.URL + "/shop.git")
	c.Credentials = Credentials{Token: w.token, SSHKey: key, SigningKey: key}
	apply(t, w.actuator(), revert(c, good, bad))
	b, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, there := range []string{"remote-https", "GIT_CONFIG_NOSYSTEM=1", w.URL, "partialCloneFilter"} {
		if !strings.Contains(text, there) {
			t.Errorf("the hook has not seen %s: it proves nothing", there)
		}
	}
	for _, secret := range append(secretsOf(c.Credentials).texts, "hunter2", "PRIVATE KEY") {
		if strings.Contains(text, secret) {
			t.Errorf("%s… is to be seen", secret[:min(len(secret), 8)])
		}
	}
	empty(t, dir)
}

// Who waits no longer gets an answer soon, and nothing goes on.
func TestAServerThatDoesNotAnswer(t *testing.T) {
	s, good := newServer(t)
	dir := scratch(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	w := serve(t, s.dir, "")
	asked := make(chan struct{}, 1)
	w.answers(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	began := time.Now()
	_, err := w.actuator().Apply(ctx, revert(told(w.URL+"/shop.git"), good, bad))
	if actuators.KindOf(err) != actuators.Timeout || err == nil {
		t.Errorf("%v: %v", actuators.KindOf(err), err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	empty(t, dir)
	if left := processes(t, w.URL); left != "" {
		t.Errorf("still there: %s", left)
	}
}

// processes lists those whose arguments have a text.
func processes(t *testing.T, text string) string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(all) == 0 {
		t.Fatal("no process is to be seen", err)
	}
	var found []string
	for _, file := range all {
		if b, err := os.ReadFile(file); err == nil && strings.Contains(string(b), text) {
			found = append(found, strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return strings.Join(found, "\n")
}

// What a killed one left behind goes, what another one is at work in stays.
func TestWhatWasLeftBehindGoes(t *testing.T) {
	dir := scratch(t)
	for _, name := range []string{prefix + "old", prefix + "new", "other"} {
		if err := os.MkdirAll(filepath.Join(dir, name, "repository"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * forgotten)
	for _, name := range []string{prefix + "old", "other"} {
		if err := os.Chtimes(filepath.Join(dir, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 || left[0].Name() != prefix+"new" || left[1].Name() != "other" {
		t.Errorf("%v, %v", left, err)
	}
}

// git is as bounded as it is said to be, and gains nothing.
func TestHowGitRuns(t *testing.T) {
	scratch(t)
	w, err := New("1").parse(revert(told("file:///srv/shop.git"), strings.Repeat("a", 40), strings.Repeat("b", 40)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlace(w, w.remotes[0], true, "[alias]\n\tsee = !cat /proc/self/limits /proc/self/status && env\n\tmuch = !head -c 40000000 /dev/zero\n\tstay = !sleep 600 & echo stayed\n")
	if err != nil {
		t.Fatal(err)
	}
	defer p.remove()
	out, err := p.git(t.Context(), "", "see")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			lines[name] = value
		}
		out = strings.ReplaceAll(out, line, strings.Join(strings.Fields(line), " ")+"\n")
	}
	for _, has := range []string{"Max address space 536870912 536870912", "Max file size 1073741824 1073741824", "Max core file size 0 0", "NoNewPrivs: 1"} {
		if !strings.Contains(out, has) {
			t.Errorf("it has not %q:\n%s", has, out)
		}
	}
	if lines["HOME"] != p.dir || lines["GIT_ALLOW_PROTOCOL"] != "file" || lines["GIT_TERMINAL_PROMPT"] != "0" || lines["SSH_AUTH_SOCK"] != "" || lines["TMPDIR"] != p.dir {
		t.Errorf("its variables are %v", lines)
	}
	if _, err := p.git(t.Context(), "", "much"); err == nil || !strings.Contains(err.Error(), "too much") {
		t.Errorf("too long an answer: %v", err)
	}
	if out, err := p.git(t.Context(), "", "stay"); err != nil || out != "stayed\n" {
		t.Errorf("%q, %v", out, err)
	}
	if left := processes(t, "sleep\x00600"); left != "" {
		t.Errorf("still there: %s", left)
	}
}

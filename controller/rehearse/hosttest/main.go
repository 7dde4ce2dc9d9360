// Package hosttest runs tests on a real systemd. A package whose tests need one
// hands over its TestMain:
//
//	func TestMain(m *testing.M) { hosttest.Main(m) }
//
// The test binary then starts itself again, with the same flags and in the same
// folder, as root inside a freshly booted disposable host, and ends with the
// exit code from there. A host that cannot be booted is a failure, never a
// fallback. EVENKEEL_TEST_HOST=none skips such tests by name, for those who edit
// code where no host can be had; nothing that decides about a change sets it.
//
// It imports the standard library and controller/rehearse, and is imported by
// tests alone.
package hosttest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

const (
	skipVar   = "EVENKEEL_TEST_HOST" // "none" skips
	insideVar = "EVENKEEL_TEST_INSIDE"
)

// Inside says whether this process is the test binary inside of a host.
func Inside() bool { return os.Getenv(insideVar) != "" }

// Main runs m's tests inside a fresh host and exits. The host's [rehearse.Host]
// Share is /lab inside.
func Main(m *testing.M) { MainWith(m, rehearse.Options{Name: "test"}) }

// MainWith is Main with a say in what the host is like. Each prepare is given
// the folder that is /lab inside, before any test runs: to build what the tests
// need into it.
func MainWith(m *testing.M, o rehearse.Options, prepare ...func(share string) error) {
	if rehearse.Init() {
		return
	}
	if Inside() {
		os.Exit(m.Run())
	}
	flag.Parse()
	switch {
	case os.Getenv(skipVar) == "none":
		skipAll()
		os.Exit(0)
	case flag.Lookup("test.list").Value.String() != "":
		os.Exit(m.Run()) // a list of names needs no host
	}
	code, err := rerun(o, prepare)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hosttest:", err)
		fmt.Fprintln(os.Stderr, "hosttest: these tests need a disposable host; "+skipVar+"=none skips them")
		code = 1
	}
	os.Exit(code)
}

// Boot boots a host for a test that drives it from outside, and closes it with
// the test. The package's TestMain must call [rehearse.Init] (Main does).
func Boot(t testing.TB, o rehearse.Options) *rehearse.Host {
	t.Helper()
	if os.Getenv(skipVar) == "none" {
		t.Skip(skipVar + "=none: no disposable host wanted")
	}
	h, err := rehearse.Boot(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close host %s: %v", h.Name, err)
		}
	})
	return h
}

// skipAll says which tests are not run, one a line as the testing package would.
func skipAll() {
	list := exec.Command(os.Args[0], "-test.list=.")
	list.Env = append(os.Environ(), skipVar+"=")
	out, err := list.Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hosttest: list the tests:", err)
	}
	for name := range strings.Lines(string(out)) {
		fmt.Printf("--- SKIP: %s (%s=none)\n", strings.TrimSpace(name), skipVar)
	}
}

// rerun boots a host, runs this binary in it and fetches what the run wrote.
func rerun(o rehearse.Options, prepare []func(share string) error) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer stop()
	dir, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	o.Binds = append(o.Binds, visible(dir)...)
	h, err := rehearse.Boot(ctx, o)
	if err != nil {
		return 0, err
	}
	defer h.Close()
	if err := copyExecutable(filepath.Join(h.Share(), "test")); err != nil {
		return 0, err
	}
	for _, f := range prepare {
		if err := f(h.Share()); err != nil {
			return 0, err
		}
	}
	args, outputs := insideArgs(os.Args[1:], h.Share())
	cmd := h.Command(ctx, append([]string{rehearse.ShareInside + "/test"}, args...)...)
	cmd.Env = append(cmd.Env, insideVar+"=1")
	cmd.Env = append(cmd.Env, passedOn(os.Environ())...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	for _, out := range outputs {
		err = errors.Join(err, out.fetch())
	}
	err = errors.Join(err, h.Close())
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// passedOn keeps what tests are commonly steered by.
func passedOn(env []string) (kept []string) {
	for _, e := range env {
		for _, prefix := range []string{"EVENKEEL_", "GO", "CI=", "RAPID_", "UPDATE"} {
			if strings.HasPrefix(e, prefix) {
				kept = append(kept, e)
			}
		}
	}
	return kept
}

// visible binds the folder of the module if a host would not see it by itself:
// it sees the root's own file system, but for the folders that it has of its own.
func visible(dir string) []rehearse.Bind {
	var root, here syscall.Stat_t
	hidden := slices.ContainsFunc([]string{"/tmp/", "/run/", "/dev/"}, func(p string) bool { return strings.HasPrefix(dir, p) })
	if !hidden && (syscall.Stat("/", &root) != nil || syscall.Stat(dir, &here) != nil || root.Dev == here.Dev) {
		return nil
	}
	for d := dir; d != "/"; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return []rehearse.Bind{{Source: d}}
		}
	}
	return []rehearse.Bind{{Source: dir}}
}

func copyExecutable(to string) error {
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

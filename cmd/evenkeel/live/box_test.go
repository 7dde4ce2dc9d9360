package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/audit/recorded"
	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

// patience is how long a test waits for something that must come. It is far
// longer than anything takes: no test passes or fails by being slow.
// EVENKEEL_TEST_PATIENCE shortens it for who waits for a failure.
var patience = patienceOf(os.Getenv("EVENKEEL_TEST_PATIENCE"))

func patienceOf(s string) time.Duration {
	if d, err := time.ParseDuration(s); err == nil {
		return d
	}
	return 90 * time.Second
}

// Where things lie on a host, as the contract says.
const (
	desiredDir = "/etc/evenkeel/desired"
	policyFile = "/etc/evenkeel/policy.yaml"
	stopFile   = "/run/evenkeel/stop"
	socketFile = "/run/evenkeel/evenkeel.sock"
	unitDir    = "/etc/systemd/system"
)

// box is a host with evenkeel's binary on it.
type box struct {
	*testing.T
	host *rehearse.Host
	args []string // for each call of evenkeel, besides

	declared *recorded.Declared // for the judge of the record
}

// boot boots a host of the test's own.
func boot(t *testing.T, name string) box {
	t.Helper()
	h := hosttest.Boot(t, rehearse.Options{
		Name:  name,
		Binds: []rehearse.Bind{{Source: binary, Target: "/usr/local/bin/evenkeel", ReadOnly: true}},
	})
	return newBox(t, h)
}

// newBox is a box whose controller's log is told where the test fails.
func newBox(t *testing.T, h *rehearse.Host) box {
	t.Helper()
	b := box{T: t, host: h, declared: &recorded.Declared{}}
	b.sh("mkdir -p " + desiredDir)
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := h.Command(context.Background(), "/bin/sh", "-c", "journalctl --no-pager -o cat -n 40 -u evenkeel | cut -c 1-500").CombinedOutput()
			t.Logf("the end of evenkeel's log:\n%s", log)
		}
	})
	t.Cleanup(b.judge)
	return b
}

// on is the same host in a subtest.
func (b box) on(t *testing.T) box { return box{t, b.host, b.args, b.declared} }

// result is how a command ended.
type result struct {
	out, err string
	code     int
}

func (b box) command(argv ...string) result {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := b.host.Command(ctx, argv...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.Fatalf("%q: %v", argv, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// try runs a shell line.
func (b box) try(line string) result { b.Helper(); return b.command("/bin/sh", "-c", line) }

// sh runs a shell line that must succeed, and returns what it printed.
func (b box) sh(line string) string {
	b.Helper()
	r := b.try(line)
	if r.code != 0 {
		b.Fatalf("%s: exit %d\n%s%s", line, r.code, r.out, r.err)
	}
	return strings.TrimSpace(r.out)
}

// evenkeel runs a verb.
func (b box) evenkeel(args ...string) result {
	b.Helper()
	return b.command(slices.Concat([]string{"/usr/local/bin/evenkeel"}, args, b.args)...)
}

// later runs a verb with the clocks that count from boot so far ahead, in a time
// namespace of its own.
func (b box) later(by time.Duration, args ...string) result {
	b.Helper()
	s := strconv.Itoa(int(by.Seconds()))
	return b.command(slices.Concat([]string{"unshare", "--time", "--boottime", s, "--monotonic", s, "/usr/local/bin/evenkeel"}, args, b.args)...)
}

// must runs a verb that must end with an exit code.
func (b box) must(code int, args ...string) result {
	b.Helper()
	r := b.evenkeel(args...)
	if r.code != code {
		b.Fatalf("evenkeel %s: exit %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.out, r.err)
	}
	return r
}

// data runs a verb and reads what it printed as JSON.
func (b box) data(into any, args ...string) result {
	b.Helper()
	r := b.evenkeel(args...)
	if err := json.Unmarshal([]byte(r.out), into); err != nil {
		b.Fatalf("evenkeel %s: exit %d: %v\n%s%s", strings.Join(args, " "), r.code, err, r.out, r.err)
	}
	return r
}

// write writes a file on the host, with its folders, at once.
func (b box) write(path, content string) {
	b.Helper()
	at := filepath.Join(b.host.Root(), path)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(at+".new", []byte(content), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(at+".new", at); err != nil {
		b.Fatal(err)
	}
	if path == policyFile {
		b.inForce()
	}
}

// declare puts objects into the desired state, as one file.
func (b box) declare(file string, objects ...string) {
	b.Helper()
	yaml := strings.Join(objects, "---\n")
	alone := filepath.Join(b.TempDir(), file+".yaml")
	if err := os.WriteFile(alone, []byte(yaml), 0o644); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command(binary, "validate", alone).CombinedOutput(); err != nil {
		b.Fatalf("the test declares what is not valid: %s", out)
	}
	b.write(desiredDir+"/"+file+".yaml", yaml)
	b.inForce()
}

// until polls until f has nothing to complain about.
func (b box) until(what string, f func() (complaint string)) {
	b.Helper()
	deadline := time.Now().Add(patience)
	for {
		complaint := f()
		if complaint == "" {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("%s: not after %s: %s", what, patience, complaint)
		}
		time.Sleep(50 * time.Millisecond) // a poll, not a wait: see patience
	}
}

// comes waits until a shell line succeeds.
func (b box) comes(line string) {
	b.Helper()
	b.until(line, func() string {
		if r := b.try(line); r.code != 0 {
			return "exit " + string(rune('0'+r.code%10)) + ": " + r.out + r.err
		}
		return ""
	})
}

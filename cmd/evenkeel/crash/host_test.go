package crash_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/audit/recorded"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/record"
)

// patience is how long a test waits for something that must come. It is far
// longer than anything takes: no test passes or fails by being slow.
const patience = 60 * time.Second

const (
	unitDir  = "/etc/systemd/system"
	wants    = unitDir + "/multi-user.target.wants"
	vendor   = "/usr/lib/systemd/system"
	stopFile = "/run/evenkeel/stop"
)

// box is one declared estate on the host that this process runs in, with a
// record of its own.
type box struct {
	*testing.T
	desired string // the folder of YAML
	state   string // the folder of the record
	witness string // the folder in which units write down what is done to them
	names   *names // the names in watched folders

	declared recorded.Declared // for the judge of the record
}

// newBox returns an empty estate. What its units leave is taken away with it.
func newBox(t *testing.T) *box {
	dir := t.TempDir()
	b := &box{T: t, declared: recorded.Declared{All: true}, desired: filepath.Join(dir, "desired"), state: filepath.Join(dir, "state"), witness: filepath.Join(dir, "witness")}
	for _, d := range append([]string{b.desired, b.witness}, watched...) {
		b.ok(os.MkdirAll(d, 0o755))
	}
	b.ok(os.WriteFile(wants+"/.keep", nil, 0o644)) // systemd removes the folder when it is empty, and the watch with it
	t.Cleanup(b.clear)
	t.Cleanup(b.judge)
	b.names = watch(t, watched...)
	return b
}

// judge audits the record that a test leaves.
func (b *box) judge() {
	b.until("the record can be read", func() string {
		err := recorded.Judge(b.state, &b.declared)
		if errors.Is(err, record.ErrLocked) {
			return err.Error()
		}
		if err != nil {
			b.Error(err)
		}
		return ""
	})
}

// clear removes every unit of a test, all of whose names begin with "crash-".
func (b *box) clear() {
	_ = os.Remove(stopFile)
	_ = exec.Command("systemctl", "kill", "-s", "KILL", "crash-*").Run()
	_ = exec.Command("systemctl", "stop", "crash-*").Run()
	for _, dir := range []string{unitDir, wants, vendor} {
		found, _ := filepath.Glob(dir + "/crash-*")
		for _, f := range found {
			_ = os.RemoveAll(f)
		}
	}
	_ = os.RemoveAll("/etc/crash")
	_ = exec.Command("systemctl", "daemon-reload").Run()
	_ = exec.Command("systemctl", "reset-failed").Run()
}

func (b *box) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// sh runs a command that must succeed, and returns what it printed.
func (b *box) sh(argv ...string) string {
	b.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// try runs a command that may fail.
func (b *box) try(argv ...string) error { return exec.Command(argv[0], argv[1:]...).Run() }

func (b *box) systemctl(args ...string) { b.Helper(); b.sh(append([]string{"systemctl"}, args...)...) }

// put writes a file with its folders, at once.
func (b *box) put(path, content string) {
	b.Helper()
	b.ok(os.MkdirAll(filepath.Dir(path), 0o755))
	b.ok(os.WriteFile(path+".new", []byte(content), 0o644))
	b.ok(os.Rename(path+".new", path))
}

func (b *box) read(path string) string {
	b.Helper()
	c, err := os.ReadFile(path)
	b.ok(err)
	return string(c)
}

// service is one Service in YAML; spec is its spec, indented by two.
func service(name, spec string) string {
	return "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: " + name + "}\nspec:\n" + spec
}

// declare makes the objects all that is declared.
func (b *box) declare(objects ...string) {
	b.Helper()
	b.put(filepath.Join(b.desired, "all.yaml"), strings.Join(objects, "---\n"))
	b.declared.Load(b.desired, read.Options{Policy: desired.BuiltInPolicy()})
}

// unit is a unit file that writes down each start, stop and reload, with more
// lines for [Unit] and [Service].
func (b *box) unit(name, inUnit, inService string) string {
	log := func(what string) string {
		return "/bin/sh -c 'echo " + what + " >>" + filepath.Join(b.witness, name) + "'"
	}
	return "[Unit]\nStartLimitIntervalSec=0\n" + inUnit +
		"\n[Service]\nExecStartPre=" + log("start") + "\nExecStart=/bin/sleep infinity\nExecReload=" + log("reload") +
		"\nExecStopPost=" + log("stop") + "\n" + inService + "\n[Install]\nWantedBy=multi-user.target\n"
}

// inline declares content in YAML.
func inline(indent, content string) string {
	return "|\n" + indent + strings.ReplaceAll(strings.TrimSuffix(content, "\n"), "\n", "\n"+indent) + "\n"
}

// seen counts what a unit wrote down.
func (b *box) seen(unit, what string) int {
	c, err := os.ReadFile(filepath.Join(b.witness, unit))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(c)) {
		if strings.TrimSpace(line) == what {
			n++
		}
	}
	return n
}

// result is how evenkeel ended.
type result struct {
	out, err string
	code     int
	killed   bool
}

func (b *box) command(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, append(args, "--state-dir", b.state)...)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root", "NO_COLOR=1"}, env...)
	return cmd
}

func (b *box) evenkeel(env []string, args ...string) result {
	b.Helper()
	cmd := b.command(env, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.Fatal(err)
	}
	ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return result{stdout.String(), stderr.String(), ws.ExitStatus(), ws.Signaled() && ws.Signal() == syscall.SIGKILL}
}

// apply applies what is declared; it may be told at which point to die.
func (b *box) apply(failpoint string) result {
	b.Helper()
	return b.evenkeel([]string{"EVENKEEL_FAILPOINT=" + failpoint}, "apply", "-f", b.desired, "--timeout", "30s")
}

// converge applies, and demands that the host is then as declared.
func (b *box) converge() {
	b.Helper()
	if r := b.apply(""); r.code != 0 {
		b.Fatalf("apply: exit %d\n%s%s", r.code, r.out, r.err)
	}
	b.inSync()
}

func (b *box) inSync() {
	b.Helper()
	if r := b.evenkeel(nil, "diff", "-f", b.desired); r.code != 0 {
		b.Fatalf("diff: exit %d\n%s%s", r.code, r.out, r.err)
	}
}

// past reads the record: every step, the oldest first, and what was folded.
func (b *box) past() ([]state.Line, *state.Past) {
	b.Helper()
	var s *record.Store
	var err error
	b.until("the record can be read", func() string {
		// The lock of a killed process lasts for as long as anybody looks at its memory.
		if s, err = record.OpenReadOnly(b.state); errors.Is(err, record.ErrLocked) {
			return err.Error()
		}
		return ""
	})
	if errors.Is(err, record.ErrNone) {
		return nil, state.NewPast()
	}
	b.ok(err)
	defer s.Close()
	p := s.Past()
	if p.Distrust != "" {
		b.Fatalf("the record is distrusted: %s", p.Distrust)
	}
	var lines []state.Line
	for l, err := range s.History(record.Filter{}) {
		b.ok(err)
		lines = append(lines, l)
	}
	slices.Reverse(lines)
	return lines, p
}

// until polls until f has nothing to complain about.
func (b *box) until(what string, f func() (complaint string)) {
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
		time.Sleep(2 * time.Millisecond) // a poll, not a wait: see patience
	}
}

// fails kills a unit's process and waits until systemd counts it as failed.
func (b *box) fails(unit string) {
	b.Helper()
	b.systemctl("kill", "-s", "KILL", unit)
	b.becomes(unit, "failed")
}

func (b *box) becomes(unit, active string) {
	b.Helper()
	b.until(unit+" becomes "+active, func() string {
		if is := bus(b.T).active(unit); is != active {
			return "it is " + is
		}
		return ""
	})
}

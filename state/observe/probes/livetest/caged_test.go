package livetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// F43: in a unit with Delegate=yes, as evenkeel's is, nothing that a command
// starts survives it: not a fork bomb, nor a child in a session of its own.
func TestCommandsInACgroupOfTheirOwn(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	run(t, "systemd-run", "--wait", "--pipe", "--quiet", "--unit=like-evenkeel", "-p", "Delegate=yes", "-p", "TasksMax=3000", self, asEvenkeel)
	if took := time.Since(began); took > 50*time.Second {
		t.Errorf("it took %v: the host was busy for long", took)
	}
	if left := sh(t, "pgrep -c -f [c]anary-of-a-probe || true"); left != "0" {
		t.Errorf("%s processes are left", left)
	}
}

// bad are commands that misbehave, and what becomes of them.
var bad = []struct {
	name, script string
	want         string // classes, one of them; empty: it is well
	seconds      int
}{
	{"a fork bomb", `: canary-of-a-probe; b() { b | b & b; }; b`, state.ClassTimeout + state.ClassExit, 2},
	{"a child in a session of its own", `setsid /bin/sh -c ': canary-of-a-probe; sleep 1000' & exit 0`, "", 2},
	{"a daemon", `(setsid /bin/sh -c 'trap "" HUP TERM; : canary-of-a-probe; while :; do sleep 1000; done' &) ; sleep 1000`, state.ClassTimeout, 2},
	{"1 GB of output", `: canary-of-a-probe; head -c 1000000000 /dev/zero; exit 0`, "", 20},
	{"endless output", `: canary-of-a-probe; cat /dev/zero`, state.ClassTimeout, 2},
	{"zombies", `for i in 1 2 3 4 5; do sh -c 'sleep 0 & exec sleep 1000' & done; exit 0`, "", 2},
	{"it stops itself", `kill -STOP $$`, state.ClassTimeout, 2},
}

// caged runs them all, in evenkeel's stead.
func caged() error {
	a := ask.New(ask.Options{})
	var errs []error
	for _, c := range bad {
		p := desired.Probing{Unit: "x.service", Probe: desired.Probe{TimeoutSeconds: c.seconds, Exec: &desired.Exec{Command: []string{"/bin/sh", "-c", c.script}}}}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.seconds)*time.Second)
		s := a.Ask(ctx, p)
		cancel()
		began := time.Now()
		if s.Err != "" || (s.Class == "") != (c.want == "") || !strings.Contains(c.want, s.Class) {
			errs = append(errs, fmt.Errorf("%s: %+v", c.name, s))
		}
		// The host's load is back: a harmless command runs as if nothing had been.
		well := false
		for time.Since(began) < 10*time.Second && !well {
			well = harmless(a)
		}
		if !well {
			errs = append(errs, fmt.Errorf("10 s after %s a harmless command still fails", c.name))
		}
	}
	return errors.Join(append(errs, leftovers(a))...)
}

func harmless(a *ask.Asker) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return a.Ask(ctx, desired.Probing{Unit: "x.service", Probe: desired.Probe{TimeoutSeconds: 1, Exec: &desired.Exec{Command: []string{"/bin/true"}}}}).Good()
}

// leftovers looks for processes and cgroups below our own. What could not be
// removed at once goes before the next command.
func leftovers(a *ask.Asker) error {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return err
	}
	_, path, _ := strings.Cut(strings.TrimSpace(string(text)), "0::")
	own := filepath.Join("/sys/fs/cgroup", path)
	var left []string
	for range 100 {
		if left, _ = filepath.Glob(own + "/evenkeel-probe-*"); len(left) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
		harmless(a)
	}
	procs, err := os.ReadFile(own + "/cgroup.procs")
	if err != nil {
		return err
	}
	if n := len(strings.Fields(string(procs))); n != 1 {
		return fmt.Errorf("%d processes are left besides us", n-1)
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind: %v", left)
	}
	return nil
}

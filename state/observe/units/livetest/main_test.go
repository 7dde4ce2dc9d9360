// Package livetest proves state/observe/bus and state/observe/units on a real
// systemd: one test for each of its truths that the rest of evenkeel rests on.
package livetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/units"
)

func TestMain(m *testing.M) { hosttest.MainWith(m, rehearse.Options{Name: "units"}) }

const unitDir = "/etc/systemd/system"

func clock() state.Time {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return state.Time{Wall: time.Now(), Up: time.Duration(ts.Nano()), Boot: "this"}
}

// run runs a command and fails the test if it fails.
func run(t testing.TB, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// write writes unit files and loads them; they are gone after the test.
func write(t testing.TB, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(unitDir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "systemctl", "daemon-reload")
	t.Cleanup(func() {
		for name := range files {
			exec.Command("systemctl", "stop", filepath.Base(name)).Run()
			os.Remove(filepath.Join(unitDir, name))
		}
		exec.Command("systemctl", "reset-failed").Run()
		run(t, "systemctl", "daemon-reload")
	})
}

func dial(t testing.TB, o bus.Options) *bus.Conn {
	t.Helper()
	c, err := bus.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func observer(t testing.TB) *units.Observer {
	t.Helper()
	return units.New(dial(t, bus.Options{}), clock, units.Options{})
}

// read observes one unit that must be known.
func read(t testing.TB, o *units.Observer, name string) state.Unit {
	t.Helper()
	f := o.Observe(t.Context(), []string{name})[name]
	if !f.Known() {
		t.Fatalf("%s is unknown: %s", name, f.Err)
	}
	return f.Value
}

// eventually polls until ok or ten seconds have passed.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func service(lines ...string) string {
	return "[Service]\n" + strings.Join(lines, "\n") + "\n[Install]\nWantedBy=multi-user.target\n"
}

func sleeper(extra ...string) string {
	return service(append([]string{"ExecStart=/bin/sleep infinity"}, extra...)...)
}

func instance(i int) string { return fmt.Sprintf("evk-%04d.service", i) }

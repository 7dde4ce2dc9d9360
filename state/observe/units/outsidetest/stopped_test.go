// Package outsidetest holds what can only be done to a host from outside: its
// PID 1 is stopped, which no process inside could do.
package outsidetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/systemd"
	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/units"
)

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	os.Exit(m.Run())
}

func clock() state.Time {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return state.Time{Wall: time.Now(), Up: time.Duration(ts.Nano()), Boot: "this"}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// While PID 1 is stopped nobody answers: readings are unknown, acts run into
// their deadline, nothing hangs; when it goes on, so do we.
func TestPID1IsStopped(t *testing.T) {
	host := hosttest.Boot(t, rehearse.Options{Name: "stopped"})
	unit := filepath.Join(host.Root(), "etc/systemd/system/evk-a.service")
	if err := os.WriteFile(unit, []byte("[Service]\nExecStart=/bin/sleep infinity\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, private := range []bool{false, true} {
		t.Run(fmt.Sprintf("private=%v", private), func(t *testing.T) { stopAndGoOn(t, host, private) })
	}
}

func stopAndGoOn(t *testing.T, host *rehearse.Host, private bool) {
	opt := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, opt) })
	c, err := bus.Dial(t.Context(), bus.Options{
		Timeout: 200 * time.Millisecond, PrivateFirst: private,
		SystemSocket:  filepath.Join(host.Root(), "run/dbus/system_bus_socket"),
		PrivateSocket: filepath.Join(host.Root(), "run/systemd/private"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	o := units.New(c, clock, units.Options{Root: host.Root()})
	a := systemd.New(c, systemd.Options{})
	names := []string{"evk-a.service", "basic.target"}
	known := func() bool {
		facts := o.Observe(t.Context(), names)
		return facts[names[0]].Known() && facts[names[1]].Known()
	}
	act := func(verb string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := a.Apply(ctx, actuators.Request{Action: actuators.Action{Actuator: systemd.Name, Verb: verb, Target: names[0]}})
		return err
	}
	if err := act("start"); err != nil || !known() {
		t.Fatalf("at the beginning: %v", err)
	}
	var mu sync.Mutex
	dirty := 0
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := o.Watch(ctx, func([]string, bool) { mu.Lock(); dirty++; mu.Unlock() }); err != nil {
			t.Errorf("watch: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); watching.Wait() })
	if err := act("restart"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is watched", func() bool { mu.Lock(); defer mu.Unlock(); return dirty > 1 })

	goOn := func() { syscall.Kill(host.PID(), syscall.SIGCONT) }
	t.Cleanup(goOn)
	if err := syscall.Kill(host.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for range 10 { // as often as in minutes of an outage; what is unread piles up
		if known() {
			t.Fatal("nobody can have answered")
		}
		if err := act("stop"); actuators.KindOf(err) != actuators.Timeout && actuators.KindOf(err) != actuators.Unavailable {
			t.Fatalf("stop: %v", err)
		}
	}
	if _, err := bus.Dial(t.Context(), bus.Options{
		Timeout: 100 * time.Millisecond, PrivateSocket: filepath.Join(host.Root(), "run/systemd/private"), SystemSocket: "/no/such/socket",
	}); !errors.Is(err, bus.ErrNoServer) {
		t.Errorf("dial: %v", err)
	}
	goOn()
	eventually(t, "everything is known again", known)
	eventually(t, "and can be acted upon", func() bool { return act("start") == nil || act("restart") == nil })
	mu.Lock()
	before := dirty
	mu.Unlock()
	if err := act("restart"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "and watched", func() bool { mu.Lock(); defer mu.Unlock(); return dirty > before })
}

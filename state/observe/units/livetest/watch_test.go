package livetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/units"
)

// noLeaks fails a test that leaves goroutines behind. Call it first, so that it
// runs after every other clean-up.
func noLeaks(t *testing.T) {
	t.Helper()
	opt := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, opt) })
}

// notes gathers what a Watch reports.
type notes struct {
	mu    sync.Mutex
	names map[string]int
	all   int
}

func (n *notes) dirty(names []string, all bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if all {
		n.all++
	}
	for _, name := range names {
		n.names[name]++
	}
}

func (n *notes) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all, n.names = 0, map[string]int{}
}

func (n *notes) sawAll() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all > 0
}

func (n *notes) saw(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names[name] > 0
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return fmt.Sprintf("all %d, %v", n.all, n.names)
}

// watch runs a Watch for the length of the test.
func watch(t *testing.T, o *units.Observer) *notes {
	t.Helper()
	n := &notes{names: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := o.Watch(ctx, n.dirty); err != nil {
			t.Errorf("watch: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	eventually(t, "the watch begins", n.sawAll)
	settle(n)
	return n
}

// settle waits until nothing more is reported, and forgets what was.
func settle(n *notes) {
	for last := ""; last != n.String(); {
		last = n.String()
		time.Sleep(150 * time.Millisecond)
	}
	n.reset()
}

func TestWatchTellsOfWhatWasAskedFor(t *testing.T) {
	for _, private := range []bool{false, true} {
		t.Run(fmt.Sprintf("private=%v", private), func(t *testing.T) {
			noLeaks(t)
			write(t, map[string]string{"evk-seen.service": sleeper(), "evk-foreign.service": sleeper()})
			link := filepath.Join(unitDir, "evk-other.service")
			os.Symlink("evk-seen.service", link)
			t.Cleanup(func() { os.Remove(link) })
			run(t, "systemctl", "daemon-reload")
			o := units.New(dial(t, bus.Options{PrivateFirst: private}), clock, units.Options{})
			asked := []string{"evk-other.service", "evk-absent.service"}
			o.SetNames(asked)
			o.Observe(t.Context(), asked)
			n := watch(t, o)

			// Looking makes no dirt, or each look would cause another: not at a
			// unit that is there, one that is not, nor one that is not loaded.
			for range 5 {
				o.Observe(t.Context(), asked)
			}
			time.Sleep(200 * time.Millisecond)
			if s := n.String(); s != "all 0, map[]" {
				t.Fatalf("looking made dirt: %s", s)
			}
			run(t, "systemctl", "start", "evk-foreign", "evk-seen")
			eventually(t, "a start under another name is reported", func() bool { return n.saw("evk-other.service") })
			settle(n)
			u := read(t, o, "evk-other.service")
			run(t, "kill", "-KILL", fmt.Sprint(u.MainPID))
			eventually(t, "a kill is reported", func() bool { return n.saw("evk-other.service") })
			if n.saw("evk-foreign.service") || n.saw("evk-seen.service") {
				t.Errorf("reported what nobody asked for: %s", n)
			}
			for _, everything := range [][]string{{"daemon-reload"}, {"daemon-reexec"}, {"enable", "evk-foreign"}} {
				settle(n)
				run(t, append([]string{"systemctl"}, everything...)...)
				eventually(t, fmt.Sprint(everything, " makes everything dirty"), n.sawAll)
			}
			run(t, "systemctl", "disable", "evk-foreign")
			settle(n)
			run(t, "systemctl", "restart", "evk-seen")
			eventually(t, "it still sees after all that", func() bool { return n.saw("evk-other.service") })
		})
	}
}

// Thousands of signals of foreign units, and the one that matters among them.
func TestABurstOfForeignSignalsHidesNothing(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{"evk-burst@.service": service("Type=oneshot", "ExecStart=/bin/true"), "evk-mine.service": sleeper()})
	run(t, "systemctl", "start", "evk-mine")
	o := observer(t)
	o.SetNames([]string{"evk-mine.service"})
	u := read(t, o, "evk-mine.service")
	n := watch(t, o)
	c := dial(t, bus.Options{})
	var wg sync.WaitGroup
	for i := range 500 { // each makes at least ten signals
		wg.Go(func() {
			if r, err := c.StartUnit(t.Context(), fmt.Sprintf("evk-burst@%d.service", i)); err != nil || r != "done" {
				t.Errorf("start %d: %s, %v", i, r, err)
			}
		})
		if i == 250 {
			run(t, "kill", "-KILL", fmt.Sprint(u.MainPID))
		}
	}
	wg.Wait()
	eventually(t, "the kill is reported", func() bool { return n.saw("evk-mine.service") })
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.names) != 1 || n.all != 0 {
		t.Errorf("only evk-mine matters: all %d, %v", n.all, n.names)
	}
}

func TestDbusRestarts(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{"evk-dbus.service": sleeper()})
	o := units.New(dial(t, bus.Options{}), clock, units.Options{})
	read(t, o, "evk-dbus.service")
	n := watch(t, o)
	run(t, "systemctl", "restart", "dbus")
	eventually(t, "everything is dirty", n.sawAll)
	settle(n)
	run(t, "systemctl", "start", "evk-dbus")
	eventually(t, "signals come again", func() bool { return n.saw("evk-dbus.service") })
	if u := read(t, o, "evk-dbus.service"); u.Active != "active" {
		t.Errorf("%+v", u)
	}
}

// stopDbus takes the message bus away until the test ends.
func stopDbus(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { run(t, "systemctl", "start", "dbus.socket", "dbus.service") })
	run(t, "systemctl", "stop", "dbus.socket", "dbus.service")
}

// Without a message bus, root still reaches systemd; without that either,
// everything is unknown and nothing was sent.
func TestDbusIsStopped(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{"evk-nobus.service": sleeper()})
	c := dial(t, bus.Options{})
	only := dial(t, bus.Options{PrivateSocket: "/no/such/socket"})
	o := units.New(c, clock, units.Options{})
	blind := units.New(only, clock, units.Options{})
	read(t, o, "evk-nobus.service")
	n := watch(t, o)
	stopDbus(t)
	eventually(t, "the private socket takes over", func() bool {
		return o.Observe(t.Context(), []string{"evk-nobus.service"})["evk-nobus.service"].Known() && c.Via() == "private socket"
	})
	settle(n)
	if r, err := c.StartUnit(t.Context(), "evk-nobus.service"); r != "done" || err != nil {
		t.Errorf("start: %q, %v", r, err)
	}
	eventually(t, "signals come that way too", func() bool { return n.saw("evk-nobus.service") })
	if f := blind.Observe(t.Context(), []string{"evk-nobus.service"})["evk-nobus.service"]; f.Known() || f.At.IsZero() {
		t.Errorf("with no way at all a unit is unknown: %+v", f)
	}
	if _, err := only.StartUnit(t.Context(), "evk-nobus.service"); busName(err) != bus.NameNoServer {
		t.Errorf("start without a way: %v", err)
	}
	run(t, "systemctl", "start", "dbus.socket", "dbus.service")
	eventually(t, "the one with the message bus alone comes back", func() bool {
		return blind.Observe(t.Context(), []string{"evk-nobus.service"})["evk-nobus.service"].Known()
	})
}

// A message bus that hangs is left for the private socket.
func TestDbusHangs(t *testing.T) {
	noLeaks(t)
	c := dial(t, bus.Options{Timeout: 300 * time.Millisecond})
	o := units.New(c, clock, units.Options{})
	read(t, o, "basic.target")
	pid := run(t, "systemctl", "show", "-P", "MainPID", "dbus.service")
	t.Cleanup(func() { exec.Command("kill", "-CONT", pid).Run() })
	run(t, "kill", "-STOP", pid)
	if f := o.Observe(t.Context(), []string{"basic.target"})["basic.target"]; f.Known() {
		t.Errorf("nobody can have answered: %+v", f)
	}
	eventually(t, "the private socket takes over", func() bool {
		return o.Observe(t.Context(), []string{"basic.target"})["basic.target"].Known()
	})
	if via := c.Via(); via != "private socket" {
		t.Errorf("via %q", via)
	}
}

func TestWatchEndsWithItsConnection(t *testing.T) {
	noLeaks(t)
	c, err := bus.Dial(t.Context(), bus.Options{Subscribe: true})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- c.Watch(context.Background(), nil, func([]string, bool) {}) }()
	c.Close()
	if err := <-done; err == nil {
		t.Error("a watch on a closed connection ends with an error")
	}
	if _, _, err := c.Look(t.Context(), []string{"basic.target"}, nil); busName(err) != bus.NameNoServer {
		t.Errorf("a closed connection: %v", err)
	}
}

// Anybody on the message bus may address a signal to us; only systemd's count.
func TestForgedSignals(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{"evk-forged.service": service("ExecStartPre=/bin/sleep 1", "ExecStart=/bin/sleep infinity")})
	c := dial(t, bus.Options{})
	o := units.New(c, clock, units.Options{})
	o.SetNames([]string{"evk-forged.service"})
	n := watch(t, o)
	var us string
	for _, line := range strings.Split(run(t, "busctl", "list", "--unique", "--no-legend"), "\n") {
		if f := strings.Fields(line); len(f) > 1 && f[1] == fmt.Sprint(os.Getpid()) {
			us = f[0]
		}
	}
	emit := func(iface, member string, args ...string) {
		run(t, append([]string{
			"runuser", "-u", "nobody", "--", "busctl", "emit", "--destination=" + us,
			"/org/freedesktop/systemd1", iface, member,
		}, args...)...)
	}
	const manager = "org.freedesktop.systemd1.Manager"
	emit(manager, "JobNew", "uos", "1", "/org/freedesktop/systemd1/job/1", "evk-forged.service")
	emit(manager, "Reloading", "b", "false")
	emit("org.freedesktop.DBus", "NameOwnerChanged", "sss", "org.freedesktop.systemd1", "", us)
	time.Sleep(200 * time.Millisecond)
	if s := n.String(); s != "all 0, map[]" {
		t.Errorf("a forged signal was believed: %s", s)
	}
	done := make(chan string, 1)
	go func() { r, _ := c.StartUnit(t.Context(), "evk-forged.service"); done <- r }()
	var id uint32
	eventually(t, "the start is under way", func() bool { _, _, _, id, _, _ = c.Unit(t.Context(), "evk-forged.service"); return id != 0 })
	emit(manager, "JobRemoved", "uoss", fmt.Sprint(id), fmt.Sprintf("/org/freedesktop/systemd1/job/%d", id), "evk-forged.service", "timeout")
	if r := <-done; r != "done" {
		t.Errorf("a forged end of a job was believed: %q", r)
	}
}

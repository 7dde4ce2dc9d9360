package livetest

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/state/observe/bus"
)

func busName(err error) string {
	var e *bus.Error
	if errors.As(err, &e) {
		return e.Name
	}
	return ""
}

// systemd's word for how a job ended, which is not whether the unit is well.
func TestJobResults(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{
		"evk-good.service":    sleeper(),
		"evk-false.service":   service("ExecStart=/bin/false"),
		"evk-missing.service": service("ExecStart=/no/such/binary"),
		"evk-exit.service":    service("Type=oneshot", "ExecStart=/bin/false"),
		"evk-cond.service":    "[Unit]\nConditionPathExists=/no/such/path\n" + sleeper(),
		"evk-needs.service":   "[Unit]\nRequires=evk-exit.service\nAfter=evk-exit.service\n" + sleeper(),
		"evk-bad.service":     "[Service]\nRestart=what\n",
		"evk-tmo.service":     service("Type=notify", "TimeoutStartSec=200ms", "ExecStart=/bin/sleep infinity"),
		"evk-skip.service":    sleeper("ExecCondition=/bin/false"),
		"evk-assert.service":  "[Unit]\nAssertPathExists=/no/such/path\n" + sleeper(),
		"evk-late.service":    "[Unit]\nJobTimeoutSec=200ms\n" + service("ExecStartPre=/bin/sleep infinity", "TimeoutStartSec=infinity", "ExecStart=/bin/sleep infinity"),
	})
	for _, private := range []bool{false, true} {
		c := dial(t, bus.Options{PrivateFirst: private})
		for unit, want := range map[string]struct{ result, err string }{
			"evk-good.service":    {result: "done"},
			"evk-false.service":   {result: "done"},
			"evk-missing.service": {result: "done"},
			"evk-exit.service":    {result: "failed"},
			"evk-cond.service":    {result: "done"},
			"evk-needs.service":   {result: "dependency"},
			"evk-tmo.service":     {result: "failed"},
			"evk-skip.service":    {result: "done"},
			"evk-assert.service":  {result: "assert"},
			"evk-late.service":    {result: "timeout"},
			"evk-nosuch.service":  {err: "org.freedesktop.systemd1.NoSuchUnit"},
			"evk-bad.service":     {err: "org.freedesktop.systemd1.BadUnitSetting"},
		} {
			result, err := c.StartUnit(t.Context(), unit)
			if result != want.result || busName(err) != want.err {
				t.Errorf("%s: start %s: %q, %v; want %+v", c.Via(), unit, result, err, want)
			}
		}
		run(t, "systemctl", "stop", "evk-good", "evk-late")
		exec.Command("systemctl", "reset-failed").Run()
	}
}

// A start that hangs: at the deadline our own job is canceled, and somebody
// else's, which ours had joined, is not.
func TestTheDeadlineOfAJob(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{"evk-hang.service": service("ExecStartPre=/bin/sleep infinity", "TimeoutStartSec=infinity", "ExecStart=/bin/sleep infinity")})
	t.Cleanup(func() { exec.Command("systemctl", "stop", "evk-hang").Run() })
	for _, private := range []bool{false, true} {
		c := dial(t, bus.Options{PrivateFirst: private})
		start := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := c.StartUnit(ctx, "evk-hang.service")
			return err
		}
		job := func() (uint32, string) {
			_, _, _, id, kind, err := c.Unit(t.Context(), "evk-hang.service")
			if err != nil {
				t.Fatal(err)
			}
			return id, kind
		}
		if err := start(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: our own: %v", c.Via(), err)
		}
		if id, kind := job(); kind == "start" {
			t.Errorf("%s: our job %d is still queued", c.Via(), id)
		}
		run(t, "systemctl", "stop", "evk-hang")
		run(t, "systemctl", "start", "--no-block", "evk-hang")
		before, _ := job()
		if err := start(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: joined: %v", c.Via(), err)
		}
		if after, _ := job(); before == 0 || after != before {
			t.Errorf("%s: somebody's job was %d, is %d", c.Via(), before, after)
		}
		run(t, "systemctl", "stop", "evk-hang")
	}
}

// A caller that goes away leaves its job running.
func TestACanceledCallerCancelsNothing(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{"evk-leave.service": service("ExecStartPre=/bin/sleep 0.5", "ExecStart=/bin/sleep infinity")})
	c := dial(t, bus.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := c.StartUnit(ctx, "evk-leave.service"); !errors.Is(err, context.Canceled) {
		t.Errorf("start: %v", err)
	}
	eventually(t, "it starts all the same", func() bool {
		_, active, _, _, _, err := c.Unit(t.Context(), "evk-leave.service")
		return err == nil && active == "active"
	})
}

// daemon-reexec while a start is waited for. On the system bus the result still
// comes; on the private socket the outcome is unknown, at once.
func TestReexecDuringAStart(t *testing.T) {
	for _, private := range []bool{false, true} {
		t.Run(fmt.Sprintf("private=%v", private), func(t *testing.T) {
			noLeaks(t)
			write(t, map[string]string{"evk-reexec.service": service("ExecStartPre=/bin/sleep 1", "ExecStart=/bin/sleep infinity")})
			c := dial(t, bus.Options{PrivateFirst: private})
			done := make(chan error, 1)
			go func() {
				result, err := c.StartUnit(t.Context(), "evk-reexec.service")
				if err == nil && result != "done" {
					err = errors.New(result)
				}
				done <- err
			}()
			eventually(t, "the start is under way", func() bool {
				_, _, _, _, job, err := c.Unit(t.Context(), "evk-reexec.service")
				return err == nil && job == "start"
			})
			run(t, "systemctl", "daemon-reexec")
			err := <-done
			if !private && err != nil {
				t.Errorf("on the system bus: %v", err)
			}
			if private && !errors.Is(err, bus.ErrDisconnected) {
				t.Errorf("on the private socket: %v", err)
			}
			eventually(t, "the job went on, and the connection is back", func() bool {
				_, active, _, _, _, err := c.Unit(t.Context(), "evk-reexec.service")
				return err == nil && active == "active"
			})
		})
	}
}

// A storm of daemon-reloads by others, while jobs are waited for.
func TestReloadStormDuringJobs(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{"evk-storm@.service": service("Type=oneshot", "ExecStart=/bin/sleep 0.2")})
	c := dial(t, bus.Options{})
	ctx, stop := context.WithCancel(t.Context())
	var storm, jobs sync.WaitGroup
	storm.Go(func() {
		for ctx.Err() == nil {
			exec.Command("systemctl", "daemon-reload").Run()
		}
	})
	for i := range 10 {
		jobs.Go(func() {
			if result, err := c.StartUnit(t.Context(), fmt.Sprintf("evk-storm@%d.service", i)); result != "done" || err != nil {
				t.Errorf("start %d: %q, %v", i, result, err)
			}
		})
	}
	jobs.Wait()
	stop()
	storm.Wait()
}

// PID 1 adds a match rule for each queued job and falls off the message bus at
// the 513th: a connection must never have that many.
func TestManyJobsAtOnce(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{"evk-many@.service": service("Type=oneshot", "ExecStart=/bin/sleep 0.3")})
	c := dial(t, bus.Options{})
	var wg sync.WaitGroup
	for i := range 700 {
		wg.Go(func() {
			if result, err := c.StartUnit(t.Context(), fmt.Sprintf("evk-many@%d.service", i)); result != "done" || err != nil {
				t.Errorf("start %d: %q, %v", i, result, err)
			}
		})
	}
	wg.Wait()
	if g := c.Generation(); g != 1 {
		t.Errorf("the connection was lost %d times", g-1)
	}
}

// The first call on a fresh private connection, right after a reload, may lie
// unread in PID 1's buffer for ever.
func TestTheFirstCallOnAPrivateConnectionIsAnswered(t *testing.T) {
	noLeaks(t)
	for i := range 50 {
		c, err := bus.Dial(t.Context(), bus.Options{PrivateFirst: true})
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if via := c.Via(); via != "private socket" {
			t.Fatalf("%d: via %q", i, via)
		}
		var reload sync.WaitGroup
		if i%2 == 0 {
			err = c.Reload(t.Context())
		} else {
			reload.Go(func() { exec.Command("systemctl", "daemon-reload").Run() })
			_, _, err = c.Look(t.Context(), []string{"basic.target"}, nil)
		}
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
		c.Close()
		reload.Wait()
	}
}

func TestUnitFiles(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{"evk-file.service": sleeper(), "evk-static.service": "[Service]\nExecStart=/bin/sleep infinity\n"})
	c := dial(t, bus.Options{})
	enabled := func() string {
		out, _ := exec.Command("systemctl", "is-enabled", "evk-file").Output()
		return string(out)
	}
	for _, want := range []int{1, 0} {
		install, n, err := c.Enable(t.Context(), "evk-file.service")
		if !install || n != want || err != nil || enabled() != "enabled\n" {
			t.Errorf("enable: %v, %d, %v, %s", install, n, err, enabled())
		}
	}
	for _, want := range []int{1, 0} {
		if n, err := c.Disable(t.Context(), "evk-file.service"); n != want || err != nil || enabled() != "disabled\n" {
			t.Errorf("disable: %d, %v, %s", n, err, enabled())
		}
	}
	if install, n, err := c.Enable(t.Context(), "evk-static.service"); install || n != 0 || err != nil {
		t.Errorf("enable a static one: %v, %d, %v", install, n, err)
	}
	if n, err := c.Mask(t.Context(), "evk-file.service"); n != 0 || busName(err) != "org.freedesktop.systemd1.UnitExists" {
		t.Errorf("mask over a file: %d, %v (%s)", n, err, busName(err))
	}
	for _, want := range []int{1, 0} {
		if n, err := c.Mask(t.Context(), "evk-nofile.service"); n != want || err != nil {
			t.Errorf("mask: %d, %v", n, err)
		}
	}
	for _, want := range []int{1, 0} {
		if n, err := c.Unmask(t.Context(), "evk-nofile.service"); n != want || err != nil {
			t.Errorf("unmask: %d, %v", n, err)
		}
	}
}

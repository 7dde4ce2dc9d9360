// Package livetest proves the systemd actuator on a real systemd.
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

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/systemd"
	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
	"github.com/pakashop/evenkeel/state/observe/bus"
)

var _ systemd.Manager = (*bus.Conn)(nil)

func TestMain(m *testing.M) { hosttest.MainWith(m, rehearse.Options{Name: "systemd"}) }

const unitDir = "/etc/systemd/system"

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
		if err := os.WriteFile(filepath.Join(unitDir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "systemctl", "daemon-reload")
	t.Cleanup(func() {
		for name := range files {
			exec.Command("systemctl", "kill", "-s", "KILL", name).Run()
			exec.Command("systemctl", "stop", name).Run()
			os.Remove(filepath.Join(unitDir, name))
		}
		exec.Command("systemctl", "reset-failed").Run()
		run(t, "systemctl", "daemon-reload")
	})
}

func service(lines ...string) string {
	return "[Service]\n" + strings.Join(lines, "\n") + "\n[Install]\nWantedBy=multi-user.target\n"
}

const forever = "ExecStart=/bin/sleep infinity"

func actuator(t testing.TB) *systemd.Actuator {
	t.Helper()
	c, err := bus.Dial(t.Context(), bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return systemd.New(c, systemd.Options{})
}

func request(verb, unit string) actuators.Request {
	return actuators.Request{Action: actuators.Action{Actuator: systemd.Name, Verb: verb, Target: unit}}
}

// act is one Apply and what it should come to; kind is empty where it succeeds.
type act struct {
	verb, unit string
	changed    bool
	kind       string
}

func (a act) check(t *testing.T, act *systemd.Actuator) {
	t.Helper()
	res, err := act.Apply(t.Context(), request(a.verb, a.unit))
	kind := ""
	if err != nil {
		kind = actuators.KindOf(err).String()
		if !strings.Contains(err.Error(), a.unit) {
			t.Errorf("the error does not name the unit: %v", err)
		}
	}
	if kind != a.kind || res.Changed != a.changed {
		t.Errorf("%s %s: changed %v, %q (%v); want changed %v, %q", a.verb, a.unit, res.Changed, kind, err, a.changed, a.kind)
	}
}

// Each verb, twice where it is idempotent, and what each refuses.
func TestVerbs(t *testing.T) {
	opt := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, opt) })
	write(t, map[string]string{
		"evk-a.service":        service(forever, "ExecReload=/bin/true"),
		"evk-noreload.service": service(forever),
		"evk-static.service":   "[Service]\n" + forever + "\n",
		"evk-exit.service":     service("Type=oneshot", "ExecStart=/bin/false"),
		"evk-once.service":     service("Type=oneshot", "ExecStart=/bin/true"),
		"evk-needs.service":    "[Unit]\nRequires=evk-exit.service\nAfter=evk-exit.service\n" + service(forever),
		"evk-bad.service":      "[Service]\nRestart=what\n",
		"evk-tpl@.service":     service(forever),
	})
	os.Symlink("/dev/null", filepath.Join(unitDir, "evk-masked.service"))
	t.Cleanup(func() { os.Remove(filepath.Join(unitDir, "evk-masked.service")) })
	run(t, "systemctl", "daemon-reload")
	a := actuator(t)
	for _, step := range []act{
		{"start", "evk-a.service", true, ""},
		{"start", "evk-a.service", false, ""},
		{"reload", "evk-a.service", true, ""},
		{"restart", "evk-a.service", true, ""},
		{"stop", "evk-a.service", true, ""},
		{"stop", "evk-a.service", false, ""},
		{"reload", "evk-a.service", false, "conflict"},
		{"restart", "evk-a.service", true, ""}, // starts what is down
		{"enable", "evk-a.service", true, ""},
		{"enable", "evk-a.service", false, ""},
		{"disable", "evk-a.service", true, ""},
		{"disable", "evk-a.service", false, ""},
		{"reset-failed", "evk-a.service", false, ""},
		{"start", "evk-noreload.service", true, ""},
		{"reload", "evk-noreload.service", false, "invalid"},
		{"enable", "evk-static.service", false, "refused"},
		{"start", "evk-exit.service", false, "failed"},
		{"reset-failed", "evk-exit.service", true, ""},
		{"start", "evk-needs.service", false, "failed"},
		{"start", "evk-once.service", true, ""},
		{"start", "evk-bad.service", false, "failed"},
		{"start", "evk-masked.service", false, "refused"},
		{"restart", "evk-masked.service", false, "refused"},
		{"enable", "evk-masked.service", false, "refused"},
		{"start", "evk-absent.service", false, "not-found"},
		{"stop", "evk-absent.service", false, "not-found"},
		{"enable", "evk-absent.service", false, "not-found"},
		{"reset-failed", "evk-absent.service", false, "not-found"},
		{"mask", "evk-a.service", false, "conflict"}, // never over a file
		{"mask", "evk-new.service", true, ""},
		{"mask", "evk-new.service", false, ""},
		{"unmask", "evk-new.service", true, ""},
		{"unmask", "evk-new.service", false, ""},
		{"daemon-reload", "", true, ""},
		{"start", `evk-tpl@a\x20b.service`, true, ""},
		{"stop", `evk-tpl@a\x20b.service`, true, ""},
		{"start", "evk-tpl@.service", false, "invalid"},
		{"start", "../x.service", false, "invalid"},
		{"start", "evk-a", false, "invalid"},
		{"explode", "evk-a.service", false, "invalid"},
		{"daemon-reload", "evk-a.service", false, "invalid"},
	} {
		step.check(t, a)
	}
}

// systemd calls the start of a missing binary done. Whether it has failed by the
// time that the actuator looks is a race; that it is no longer up a moment later
// is not, and that is why an actuator's word is not proof.
func TestAStartThatIsDoneAndFails(t *testing.T) {
	write(t, map[string]string{"evk-missing.service": service("ExecStart=/no/such/binary")})
	a := actuator(t)
	res, err := a.Apply(t.Context(), request("start", "evk-missing.service"))
	if kind := actuators.KindOf(err); err != nil && kind != actuators.Failed || err == nil && !res.Changed {
		t.Errorf("%+v, %v", res, err)
	}
	for run(t, "systemctl", "show", "-P", "ActiveState", "evk-missing") != "failed" {
		time.Sleep(5 * time.Millisecond)
	}
}

func TestArgumentsOfPlansAreIgnoredAndOthersRefused(t *testing.T) {
	write(t, map[string]string{"evk-args.service": service(forever)})
	a := actuator(t)
	r := request("start", "evk-args.service")
	r.Args = map[string]string{"declared": "abc", "why": "Stale"}
	if res, err := a.Apply(t.Context(), r); err != nil || !res.Changed {
		t.Errorf("%+v, %v", res, err)
	}
	r.Args = map[string]string{"mode": "replace"}
	if _, err := a.Apply(t.Context(), r); actuators.KindOf(err) != actuators.Invalid {
		t.Errorf("an unknown argument: %v", err)
	}
}

// A human's slow stop is under way: whatever we want, it goes on to its end.
func TestAHumansStopIsAConflict(t *testing.T) {
	write(t, map[string]string{"evk-slow.service": service(forever, "ExecStop=/bin/sleep 0.5")})
	a := actuator(t)
	run(t, "systemctl", "start", "evk-slow")
	human := exec.Command("systemctl", "stop", "evk-slow")
	if err := human.Start(); err != nil {
		t.Fatal(err)
	}
	for run(t, "systemctl", "show", "-P", "ActiveState", "evk-slow") != "deactivating" {
		time.Sleep(5 * time.Millisecond)
	}
	for _, verb := range []string{"start", "restart", "reload"} {
		act{verb, "evk-slow.service", false, "conflict"}.check(t, a)
	}
	if err := human.Wait(); err != nil {
		t.Errorf("the human's stop: %v", err)
	}
	if is := run(t, "systemctl", "show", "-P", "ActiveState", "evk-slow"); is != "inactive" {
		t.Errorf("after the human's stop the unit is %s", is)
	}
}

func TestAStartThatHangsIsGivenUp(t *testing.T) {
	write(t, map[string]string{"evk-hang.service": service("ExecStartPre=/bin/sleep infinity", "TimeoutStartSec=infinity", forever)})
	a := actuator(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := a.Apply(ctx, request("start", "evk-hang.service"))
	if actuators.KindOf(err) != actuators.Timeout {
		t.Errorf("start: %v", err)
	}
	if jobs := run(t, "systemctl", "list-jobs", "--no-legend"); strings.Contains(jobs, "evk-hang.service start") {
		t.Errorf("our job is still queued: %s", jobs)
	}
}

// Nothing was done where there is no way to systemd; nobody knows where the way
// was lost on the way.
func TestTheWayToSystemd(t *testing.T) {
	write(t, map[string]string{"evk-way.service": service("ExecStartPre=/bin/sleep 1", forever)})
	c, err := bus.Dial(t.Context(), bus.Options{PrivateFirst: true, SystemSocket: "/no/such/socket"})
	if err != nil {
		t.Fatal(err)
	}
	a := systemd.New(c, systemd.Options{})
	done := make(chan error, 1)
	go func() {
		_, err := a.Apply(t.Context(), request("start", "evk-way.service"))
		done <- err
	}()
	for run(t, "systemctl", "show", "-P", "ActiveState", "evk-way") != "activating" {
		time.Sleep(5 * time.Millisecond)
	}
	run(t, "systemctl", "daemon-reexec")
	if err := <-done; actuators.KindOf(err) != actuators.Unknown {
		t.Errorf("a start whose connection died: %v", err)
	}
	c.Close()
	if _, err := a.Apply(t.Context(), request("start", "evk-way.service")); actuators.KindOf(err) != actuators.Unavailable {
		t.Errorf("a start without connection: %v", err)
	}
}

// Starts run side by side: each of these ends only when all have begun.
func TestStartsRunSideBySide(t *testing.T) {
	meet := filepath.Join(t.TempDir(), "meet")
	if err := os.Mkdir(meet, 0o755); err != nil {
		t.Fatal(err)
	}
	wait := `/bin/sh -c 'touch ` + meet + `/%i; until [ $(ls ` + meet + ` | wc -l) -ge 19 ]; do sleep 0.02; done'`
	write(t, map[string]string{"evk-par@.service": service("ExecStartPre="+wait, forever)})
	a := actuator(t)
	var wg sync.WaitGroup
	for i := range 19 {
		wg.Go(func() {
			if res, err := a.Apply(t.Context(), request("start", fmt.Sprintf("evk-par@%d.service", i))); err != nil || !res.Changed {
				t.Errorf("start %d: %+v, %v", i, res, err)
			}
		})
	}
	wg.Wait()
	run(t, "systemctl", "stop", "evk-par@*.service")
}

// Budget E: nineteen starts at once.
func BenchmarkStart19(b *testing.B) {
	write(b, map[string]string{"evk-bench@.service": service(forever)})
	a := actuator(b)
	for b.Loop() {
		var wg sync.WaitGroup
		for i := range 19 {
			wg.Go(func() {
				if _, err := a.Apply(b.Context(), request("start", fmt.Sprintf("evk-bench@%d.service", i))); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		b.StopTimer()
		run(b, "systemctl", "stop", "evk-bench@*.service")
		b.StartTimer()
	}
}

package livetest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
	"github.com/pakashop/evenkeel/actuators/systemd"
)

// show prints a property of a unit; Look functions compare it.
func show(property, unit string) func(*testing.T) string {
	return func(t *testing.T) string { return run(t, "systemctl", "show", "-P", property, unit) }
}

func isEnabled(unit string) func(*testing.T) string {
	return func(*testing.T) string {
		out, _ := exec.Command("systemctl", "is-enabled", unit).Output()
		return string(out)
	}
}

// do runs systemctl before a sample.
func do(args ...string) func(*testing.T) {
	return func(t *testing.T) { run(t, append([]string{"systemctl"}, args...)...) }
}

// link is what enable and mask make, without the daemon-reload of systemctl.
func link(target, name string) func(*testing.T) {
	return func(t *testing.T) {
		path := filepath.Join(unitDir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
}

const wanted = "multi-user.target.wants/evk-c.service"

// contract is a fresh world for each case: the same unit files, nothing
// running, enabled, masked or failed.
func contract(t *testing.T) func(*testing.T) actuatortest.Subject {
	reloads := filepath.Join(t.TempDir(), "reloads")
	write(t, map[string]string{
		"evk-c.service":    service(forever, "ExecReload=/bin/sh -c 'echo >> "+reloads+"'"),
		"evk-fail.service": service("Type=oneshot", "ExecStart=/bin/false"),
	})
	a := actuator(t)
	return func(t *testing.T) actuatortest.Subject {
		t.Cleanup(func() {
			// On the same connection, so that what a case has sent and not
			// waited for is over before its traces are removed.
			if _, err := a.Apply(context.Background(), request("reset-failed", "evk-c.service")); err != nil {
				t.Error(err)
			}
			exec.Command("systemctl", "stop", "evk-c.service").Run()
			os.Remove(filepath.Join(unitDir, wanted))
			os.Remove(filepath.Join(unitDir, "evk-mask.service"))
			exec.Command("systemctl", "reset-failed").Run()
		})
		return subject(a, reloads)
	}
}

func subject(a *systemd.Actuator, reloads string) actuatortest.Subject {
	const unit = "evk-c.service"
	return actuatortest.Subject{
		Actuator: a,
		Samples: []actuatortest.Sample{
			{Request: request("start", unit), Look: show("ActiveState", unit)},
			{Request: request("stop", unit), Before: do("start", unit), Look: show("ActiveState", unit)},
			{Request: request("restart", unit), Before: do("start", unit), Look: show("MainPID", unit), Repeats: true},
			{Request: request("reload", unit), Before: do("start", unit), Repeats: true, Look: func(*testing.T) string {
				b, _ := os.ReadFile(reloads)
				return string(b)
			}},
			{Request: request("enable", unit), Look: isEnabled(unit)},
			{Request: request("disable", unit), Before: link("../evk-c.service", wanted), Look: isEnabled(unit)},
			{Request: request("mask", "evk-mask.service"), Look: isEnabled("evk-mask.service")},
			{Request: request("unmask", "evk-mask.service"), Before: link("/dev/null", "evk-mask.service"), Look: isEnabled("evk-mask.service")},
			{Request: request("daemon-reload", ""), Look: systemUnitsLoaded, Repeats: true},
			{Request: request("reset-failed", "evk-fail.service"), Look: show("ActiveState", "evk-fail.service"), Before: func(t *testing.T) {
				if exec.Command("systemctl", "start", "evk-fail").Run() == nil {
					t.Fatal("evk-fail should fail")
				}
			}},
		},
		Failing: []actuatortest.Failing{
			{Name: "a unit that is not there", Request: request("start", "evk-absent.service"), Kind: actuators.NotFound},
			{Name: "a unit that fails", Request: request("start", "evk-fail.service"), Kind: actuators.Failed},
			{Name: "no unit", Request: request("start", "evk-c"), Kind: actuators.Invalid},
			{Name: "a target where none belongs", Request: request("daemon-reload", unit), Kind: actuators.Invalid},
		},
	}
}

func systemUnitsLoaded(t *testing.T) string {
	return run(t, "systemctl", "show", "-P", "UnitsLoadTimestampMonotonic")
}

func TestContract(t *testing.T) { actuatortest.Run(t, contract(t)) }

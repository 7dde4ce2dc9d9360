package livetest

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/units"
)

// Every way in which a unit can fail, three times, which is its start limit: the
// last start that it allows is told from the first that it refuses.
func TestAStartThatIsRefusedIsToldFromOneThatFails(t *testing.T) {
	const burst = 3
	for name, lines := range map[string][]string{
		"exit-code": {"Type=oneshot", "ExecStart=/bin/false"},
		"pre":       {"ExecStartPre=/bin/false", "ExecStart=/bin/true"},
		"missing":   {"Type=exec", "ExecStart=/no/such/binary"},
		"timeout":   {"Type=notify", "ExecStart=/bin/sleep infinity", "TimeoutStartSec=50ms"},
		"signal":    {"Type=oneshot", "ExecStart=/bin/sh -c 'kill -KILL $$'"},
		"resources": {"EnvironmentFile=/no/such/file", "ExecStart=/bin/true"},
	} {
		unit := "evk-often-" + name + ".service"
		t.Run(name, func(t *testing.T) {
			write(t, map[string]string{unit: limit(burst, lines...)})
			for n := 1; n <= burst+2; n++ {
				exec.Command("systemctl", "start", unit).Run()
				tell(t, unit, n > burst && name != "resources")
			}
		})
		t.Run(name+", restarted by systemd", func(t *testing.T) {
			if lines[0] == "Type=oneshot" {
				lines = lines[1:]
			}
			write(t, map[string]string{unit: limit(burst, append(lines, "Restart=always", "RestartSec=0")...)})
			exec.Command("systemctl", "start", unit).Run()
			tell(t, unit, true)
			exec.Command("systemctl", "start", unit).Run()
			tell(t, unit, true)
			for _, what := range []string{"daemon-reload", "daemon-reexec"} {
				run(t, "systemctl", what)
				tell(t, unit, true)
			}
			run(t, "systemctl", "reset-failed", unit)
			if u := read(t, observer(t), unit); u.StartLimited() {
				t.Errorf("it was reset, and yet: %+v", u)
			}
		})
	}
}

func limit(burst int, lines ...string) string {
	return fmt.Sprintf("[Unit]\nStartLimitBurst=%d\nStartLimitIntervalSec=1h\n", burst) + service(lines...)
}

// tell waits until a unit has failed, and compares what a reading makes of it.
func tell(t *testing.T, unit string, limited bool) {
	t.Helper()
	o := units.New(dial(t, bus.Options{}), clock, units.Options{})
	eventually(t, unit+" fails", func() bool { return read(t, o, unit).Active == "failed" })
	if u := read(t, o, unit); u.StartLimited() != limited {
		t.Errorf("refused: %v, want %v: %+v", !limited, limited, u)
	}
}

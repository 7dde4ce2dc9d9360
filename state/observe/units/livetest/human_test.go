package livetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pakashop/evenkeel/state/observe/bus"
)

// Somebody cancels our job: systemd says so.
func TestACanceledJob(t *testing.T) {
	noLeaks(t)
	write(t, map[string]string{"evk-called.service": service("ExecStartPre=/bin/sleep infinity", "TimeoutStartSec=infinity", "ExecStart=/bin/sleep infinity")})
	c := dial(t, bus.Options{})
	ended := make(chan string, 1)
	go func() {
		result, err := c.StartUnit(t.Context(), "evk-called.service")
		ended <- fmt.Sprint(result, " ", err)
	}()
	eventually(t, "the start is under way", func() bool {
		_, _, _, job, kind, err := c.Unit(t.Context(), "evk-called.service")
		return err == nil && kind == "start" && exec.Command("systemctl", "cancel", fmt.Sprint(job)).Run() == nil
	})
	if got := <-ended; got != "canceled <nil>" {
		t.Errorf("the job ended with %s", got)
	}
	run(t, "systemctl", "kill", "-s", "KILL", "evk-called")
}

// humans is how many jobs of a human's are not to be replaced.
const humans = 100

// humansJobs has a human queue a job for each of many units at once, which end only
// when let go.
func humansJobs(t *testing.T, verb string, unit func(gate string) string) (names []string, letGo func()) {
	t.Helper()
	gate := filepath.Join(t.TempDir(), "go")
	write(t, map[string]string{"evk-his@.service": unit("/bin/sh -c 'until test -e " + gate + "; do sleep 0.1; done'")})
	for i := range humans {
		names = append(names, fmt.Sprintf("evk-his@%d.service", i))
	}
	t.Cleanup(func() { exec.Command("systemctl", "stop", "evk-his@*.service").Run() })
	if verb == "stop" {
		run(t, append([]string{"systemctl", "start"}, names...)...)
	}
	run(t, append([]string{"systemctl", verb, "--no-block"}, names...)...)
	return names, func() {
		if err := os.WriteFile(gate, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// refuses demands that systemd lets no job of ours replace those that are queued.
func refuses(t *testing.T, names []string, tries map[string]func(context.Context, string) (string, error)) {
	t.Helper()
	refused := 0
	for _, name := range names {
		for verb, try := range tries {
			result, err := try(t.Context(), name)
			if busName(err) == "org.freedesktop.systemd1.TransactionIsDestructive" {
				refused++
				continue
			}
			t.Errorf("%s %s against a human's job: %q, %v", verb, name, result, err)
		}
	}
	t.Logf("%d of %d refused", refused, len(names)*len(tries))
}

// end waits until all units have ended as the human wanted.
func end(t *testing.T, c *bus.Conn, names []string, want string) {
	t.Helper()
	for _, name := range names {
		eventually(t, name+" is "+want, func() bool {
			_, active, _, job, _, err := c.Unit(t.Context(), name)
			return err == nil && job == 0 && active == want
		})
	}
}

// A human's slow stops and starts: ours are refused, his go on to their end, each
// of them.
func TestAHumansJobIsNeverReplaced(t *testing.T) {
	noLeaks(t)
	c := dial(t, bus.Options{})
	t.Run("stop", func(t *testing.T) {
		names, letGo := humansJobs(t, "stop", func(gate string) string { return sleeper("ExecStop=" + gate) })
		refuses(t, names, map[string]func(context.Context, string) (string, error){"start": c.StartUnit, "restart": c.RestartUnit})
		letGo()
		end(t, c, names, "inactive")
	})
	t.Run("start", func(t *testing.T) {
		names, letGo := humansJobs(t, "start", func(gate string) string { return sleeper("ExecStartPre=" + gate) })
		refuses(t, names, map[string]func(context.Context, string) (string, error){"stop": c.StopUnit})
		letGo()
		end(t, c, names, "active")
	})
	t.Run("start, of what conflicts with ours", func(t *testing.T) {
		write(t, map[string]string{"evk-ours@.service": "[Unit]\nConflicts=evk-his@%i.service\n" + sleeper()})
		names, letGo := humansJobs(t, "start", func(gate string) string { return sleeper("ExecStartPre=" + gate) })
		var ours []string
		for i := range humans {
			ours = append(ours, fmt.Sprintf("evk-ours@%d.service", i))
		}
		refuses(t, ours, map[string]func(context.Context, string) (string, error){"start": c.StartUnit, "restart": c.RestartUnit})
		letGo()
		end(t, c, names, "active")
	})
}

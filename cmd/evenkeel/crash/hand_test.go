package crash_test

import (
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/pakashop/evenkeel/controller/api"
)

// controller runs evenkeel until the test ends it, or a failpoint does.
type controller struct {
	cmd *exec.Cmd
	log bytes.Buffer
}

// runs starts the controller, which may be told at which point to die, and
// returns when it answers.
func (b *box) runs(failpoint string) *controller {
	b.Helper()
	c := &controller{cmd: b.command([]string{"EVENKEEL_FAILPOINT=" + failpoint}, "run", "-f", b.desired)}
	c.cmd.Stdout, c.cmd.Stderr = &c.log, &c.log
	b.ok(c.cmd.Start())
	b.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
	b.until("the controller answers", func() string {
		if r := b.evenkeel(nil, "status"); r.code != 0 {
			return r.out + r.err
		}
		return ""
	})
	return c
}

// dies waits until the controller was killed at its failpoint.
func (b *box) dies(c *controller) {
	b.Helper()
	_ = c.cmd.Wait()
	if ws := c.cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != syscall.SIGKILL {
		b.Fatalf("it ended by itself: %v\n%s", c.cmd.ProcessState, c.log.Bytes())
	}
}

// What a human asked for comes about, once, whenever evenkeel dies over it; the
// command that he typed waits until it has, and says so.
func TestWhatAHumanAskedForSurvivesTheController(t *testing.T) {
	for _, c := range []struct {
		verb, actuator string
		starts, stops  int // what the unit writes down of it
		active         string
	}{
		{"stop", "systemd.stop", 0, 1, "inactive"},
		{"restart", "systemd.restart", 1, 1, "active"},
	} {
		for _, point := range []string{"guard.before", "guard.after", "intent.before", "intent.after", c.actuator + ".before", c.actuator + ".after", "outcome.before", "outcome.after"} {
			t.Run(c.verb+" "+point, func(t *testing.T) {
				b := newBox(t)
				b.declare(b.x("", ""))
				b.converge()
				starts, stops := b.seen("crash-x", "start"), b.seen("crash-x", "stop")
				first := b.runs(point)
				typed := make(chan result)
				go func() { typed <- b.evenkeel(nil, c.verb, "crash-x") }()
				b.dies(first)
				b.runs("")
				// The guard begins while the answer to the request is on its way.
				if r := <-typed; (r.code != 0 || !strings.Contains(r.out, "done    Service/crash-x  "+c.verb)) && (point != "guard.before" || r.code != 2) {
					t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
				}
				did := func() [2]int { return [2]int{b.seen("crash-x", "start") - starts, b.seen("crash-x", "stop") - stops} }
				b.until("it comes about", func() string {
					v, err := api.NewClient("/run/evenkeel/evenkeel.sock").View(t.Context())
					b.ok(err)
					if len(v.Past.Asks)+len(v.Past.Flight) > 0 {
						return "it is not settled"
					}
					return ""
				})
				b.becomes("crash-x.service", c.active)
				if want := [2]int{c.starts, c.stops}; did() != want {
					t.Errorf("starts and stops: %v, want %v", did(), want)
				}
			})
		}
	}
}

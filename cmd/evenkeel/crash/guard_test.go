package crash_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pakashop/evenkeel/state"
)

// applyWhile applies, stops evenkeel at a point, changes the world there, and
// lets it go on to its end.
func (b *box) applyWhile(point string, change func()) result {
	b.Helper()
	cmd := b.command([]string{"EVENKEEL_FAILSTOP=" + point}, "apply", "-f", b.desired, "--timeout", "30s")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	b.ok(cmd.Start())
	defer cmd.Process.Kill() // a test that fails meanwhile leaves nothing behind
	stopped := func() string {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/stat")
		if err != nil {
			return err.Error()
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		switch rest[0] {
		case 'T':
			return ""
		case 'Z':
			b.Fatalf("%s was not reached: it has ended\n%s%s", point, stdout.Bytes(), stderr.Bytes())
		}
		return "it is " + rest[:1]
	}
	b.until("evenkeel stops at "+point, stopped)
	change()
	b.ok(cmd.Process.Signal(syscall.SIGCONT))
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.Fatal(err)
	}
	return result{out: stdout.String(), err: stderr.String(), code: cmd.ProcessState.ExitCode()}
}

// steps counts the steps of one verb that were begun since a reading.
func (b *box) steps(since []state.Line, verb string) (n int) {
	b.Helper()
	now, _ := b.past()
	for _, l := range now[len(since):] {
		if l.Actuator+"."+l.Verb == verb {
			n++
		}
	}
	return n
}

// heldFor demands that an apply left something undone, and said why.
func (b *box) heldFor(r result, why state.Reason) {
	b.Helper()
	if r.code != 1 || !strings.Contains(r.out, string(why)) {
		b.Errorf("exit %d, want 1 and a hold %s\n%s%s", r.code, why, r.out, r.err)
	}
}

// Between the plan and the act a human does himself what was planned: it is not
// done once more.
func TestWhatAHumanDidMeanwhileIsNotDoneAgain(t *testing.T) {
	b := newBox(t)
	conf := func(content string) string {
		return b.x("", "  files: [{path: /etc/crash/x.conf, content: "+content+"}]\n")
	}
	b.declare(conf("one"))
	b.converge()
	b.declare(conf("two"))
	starts := b.seen("crash-x", "start")
	// The first guard is that of the file, the second that of the restart.
	r := b.applyWhile("guard.before@2", func() { b.systemctl("restart", "crash-x.service") })
	if r.code != 0 {
		t.Fatalf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	if got := b.seen("crash-x", "start") - starts; got != 1 {
		t.Errorf("it was started %d times, want once, by the human", got)
	}
	b.inSync()
}

// A unit is masked between the plan and the act: nothing is begun.
func TestAMaskThatComesMeanwhileStands(t *testing.T) {
	b := newBox(t)
	b.put(vendor+"/crash-m.service", b.unit("crash-m", "", ""))
	b.systemctl("daemon-reload")
	b.declare(service("crash-m", spec+"  boot: ignored\n"))
	before, _ := b.past()
	r := b.applyWhile("guard.before", func() { b.systemctl("mask", "crash-m.service") })
	b.heldFor(r, state.Masked)
	if n := b.steps(before, "systemd.start"); n != 0 {
		t.Errorf("%d starts were begun, want none", n)
	}
	if b.seen("crash-m", "start") != 0 {
		t.Error("a masked unit was started")
	}
}

// A dependency dies between the plan and the act: the dependent is not started
// before the dependency is well again.
func TestADependencyThatDiesMeanwhileComesFirst(t *testing.T) {
	b := newBox(t)
	base := service("crash-base", "  limits: {restarts: 1, per: 1h, backoff: [0s]}\n  unitFile:\n    content: "+
		inline("      ", strings.Replace(b.unit("crash-base", "", ""), "ExecStart=/bin/sleep infinity", "ExecStart=/bin/sleep infinity\nExecCondition=/usr/bin/test ! -e /etc/crash/broken", 1)))
	b.declare(base)
	b.converge()
	b.declare(base, b.x("", "  dependsOn: [{name: crash-base, kind: requires}]\n"))
	before, _ := b.past()
	// The guards before it are those of the file and of the daemon-reload.
	r := b.applyWhile("guard.before@3", func() {
		b.put("/etc/crash/broken", "")
		b.fails("crash-base.service")
	})
	for _, l := range b.since(before) {
		if l.Verb == "start" && l.Object == "Service/crash-x" {
			t.Errorf("the dependent was started: %s\n%s", l.Reason, r.out)
		}
	}
	b.heldFor(r, state.DependencySick)
}

// since reads what was begun since a reading.
func (b *box) since(before []state.Line) []state.Line {
	b.Helper()
	now, _ := b.past()
	return now[len(before):]
}

// A file is edited between the plan and the act: what is overwritten is what
// was last seen there, and it is kept.
func TestAnEditThatComesMeanwhileIsNotLost(t *testing.T) {
	for _, point := range []string{"guard.before", "guard.after", "file.write.before"} {
		t.Run(point, func(t *testing.T) {
			b := newBox(t)
			b.declare(b.x("", "  state: stopped\n  files: [{path: /etc/crash/x.conf, content: declared}]\n"))
			b.converge()
			b.put("/etc/crash/x.conf", "an older edit")
			before, _ := b.past()
			r := b.applyWhile(point, func() { b.put("/etc/crash/x.conf", "a human's newest version") })
			done := 0
			for _, l := range b.since(before) {
				switch {
				case l.Verb != "write" || l.Target != "/etc/crash/x.conf":
				case l.Outcome == state.Done:
					done++
					kept := b.kept(l.Displaced)
					if !strings.Contains(kept, "a human's newest version") {
						t.Errorf("what was displaced is %q", kept)
					}
				case point == "guard.before":
					// The guard has seen it: nothing that is doomed is even begun.
					t.Errorf("a write was begun that ended %s: %s", l.Outcome, l.Detail)
				}
			}
			if done != 1 {
				t.Errorf("%d writes were done, want 1\n%s%s", done, r.out, r.err)
			}
			b.inSync()
		})
	}
}

// The declaration moves on, from one version of evenkeel's own to the next; in
// the last moment before the write a human edits the file: his version is kept.
func TestAnEditDuringADeclaredChangeIsKept(t *testing.T) {
	b := newBox(t)
	conf := func(content string) string {
		return b.x("", "  state: stopped\n  files: [{path: /etc/crash/x.conf, content: "+content+"}]\n")
	}
	b.declare(conf("one"))
	b.converge()
	b.declare(conf("two"))
	before, _ := b.past()
	b.applyWhile("file.write.before", func() { b.put("/etc/crash/x.conf", "a human's") })
	lines := b.since(before)
	if len(lines) == 0 || lines[0].Outcome != state.StepRefused {
		t.Fatalf("the first write should be refused:%s", b.show(lines, nil))
	}
	if last := lines[len(lines)-1]; last.Outcome != state.Done || !strings.Contains(b.kept(last.Displaced), "a human's") {
		t.Errorf("the human's version is not kept:%s", b.show(lines, nil))
	}
	b.inSync()
}

// kept is what was kept under an ID.
func (b *box) kept(id string) string {
	b.Helper()
	r := b.evenkeel(nil, "displaced", "show", id)
	if r.code != 0 {
		b.Fatalf("displaced show %s: exit %d: %s", id, r.code, r.err)
	}
	return r.out
}

// At the last moment before a write, something else than a file appears in its
// place: it stays.
func TestAWriteReplacesNothingButTheFileItSaw(t *testing.T) {
	const path = unitDir + "/crash-x.service"
	for _, c := range []struct{ name, link string }{{"a mask", "/dev/null"}, {"a link", "/etc/crash/target"}} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t)
			b.put("/etc/crash/target", "not evenkeel's")
			b.declare(b.x("", "  state: stopped\n"))
			b.applyWhile("file.write.before", func() { b.ok(os.Symlink(c.link, path)) })
			if to, err := os.Readlink(path); err != nil || to != c.link {
				t.Errorf("there is %q, %v; want the link to %s", to, err, c.link)
			}
			if got := b.read("/etc/crash/target"); got != "not evenkeel's" {
				t.Errorf("it was written through the link: %q", got)
			}
		})
	}
}

// The kill switch is set after the intent, right before the act: the act is
// refused.
func TestTheKillSwitchStopsAnActAtTheLastMoment(t *testing.T) {
	b := newBox(t)
	b.declare(b.x("", "  boot: ignored\n"))
	b.converge()
	b.fails("crash-x.service")
	before, _ := b.past()
	starts := b.seen("crash-x", "start")
	r := b.applyWhile("intent.after", func() { b.put(stopFile, "") })
	if got := b.seen("crash-x", "start") - starts; got != 0 {
		t.Errorf("it was started %d times under the kill switch", got)
	}
	if lines := b.since(before); len(lines) != 1 || lines[0].Outcome != state.StepRefused {
		t.Errorf("want one step, refused:%s", b.show(lines, nil))
	}
	b.heldFor(r, state.KillSwitch)
}

// Whoever stops a unit by hand means it.
func TestAStopByHandStands(t *testing.T) {
	b := newBox(t)
	b.declare(b.x("", ""))
	b.converge()
	b.systemctl("stop", "crash-x.service")
	starts := b.seen("crash-x", "start")
	b.heldFor(b.apply(""), state.ManualStop)
	if got := b.seen("crash-x", "start") - starts; got != 0 {
		t.Errorf("it was started %d times", got)
	}
}

// A repository that was emptied stops nothing and removes nothing.
func TestAShrunkenRepositoryStopsNothing(t *testing.T) {
	b := newBox(t)
	other := service("crash-o", spec+"  unitFile:\n    content: "+inline("      ", b.unit("crash-o", "", "")))
	b.declare(b.x("", ""), other)
	b.converge()
	b.declare(other)
	b.heldFor(b.apply(""), state.Shrunk)
	if b.seen("crash-x", "stop") != 0 {
		t.Error("crash-x was stopped")
	}
	if _, err := os.Stat(unitDir + "/crash-x.service"); err != nil {
		t.Error(err)
	}
}

// On the word of a record that was emptied nothing is done.
func TestAnEmptiedRecordIsNotActedOn(t *testing.T) {
	b := newBox(t)
	b.declare(b.x("", ""))
	b.converge()
	b.fails("crash-x.service")
	starts := b.seen("crash-x", "start")
	b.ok(os.Truncate(filepath.Join(b.state, "evenkeel.db"), 0))
	b.heldFor(b.apply(""), state.StoreUntrusted)
	if got := b.seen("crash-x", "start") - starts; got != 0 {
		t.Errorf("it was started %d times", got)
	}
}

// What comes first is up before what needs it begins, and of what disturbs
// something one is done at a time.
func TestOrderAndLanes(t *testing.T) {
	b := newBox(t)
	log := filepath.Join(b.witness, "order")
	slow := func(name, rev string) string {
		says := func(what string) string {
			return "/bin/sh -c 'sleep 0.2; echo " + what + " " + name + " >>" + log + "'"
		}
		unit := "[Service]\nExecStartPre=/bin/sh -c 'echo begins " + name + " >>" + log + "'\nExecStartPre=" + says("up") +
			"\nExecStart=/bin/sleep infinity\nEnvironment=REV=" + rev + "\n[Install]\nWantedBy=multi-user.target\n"
		more := ""
		if name != "crash-a" {
			more = "  dependsOn: [{name: crash-a, kind: requires}]\n"
		}
		return service(name, spec+more+"  unitFile:\n    content: "+inline("      ", unit))
	}
	both := func(rev string) { b.declare(slow("crash-a", rev), slow("crash-b", rev), slow("crash-c", rev)) }
	both("1")
	b.converge()
	lines := strings.Split(strings.TrimSpace(b.read(log)), "\n")
	if len(lines) != 6 || !slices.Equal(lines[:2], []string{"begins crash-a", "up crash-a"}) {
		t.Errorf("they did not start in order: %q", lines)
	}
	b.put(log, "")
	both("2")
	b.converge()
	lines = strings.Split(strings.TrimSpace(b.read(log)), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		if name, ok := strings.CutPrefix(lines[i], "begins "); !ok || lines[i+1] != "up "+name {
			t.Errorf("more than one was restarted at a time: %q", lines)
			break
		}
	}
	if len(lines) != 6 {
		t.Errorf("want three restarts: %q", lines)
	}
}

// No job of evenkeel's ever replaces one that is queued.
func TestJobsAreQueuedInModeFail(t *testing.T) {
	b := newBox(t)
	w := bus(t)
	before := w.jobModes()
	b.declare(b.x("", ""))
	b.converge()
	b.declare(b.x("Nice=3", ""))
	b.converge()
	b.declare(b.x("Nice=3", "  state: stopped\n"))
	b.converge()
	after := w.jobModes()
	if got := after["fail"] - before["fail"]; got != 3 {
		t.Errorf("%d jobs in mode fail, want 3: a start, a restart and a stop", got)
	}
	delete(after, "fail")
	delete(before, "fail")
	for mode, n := range after {
		if n != before[mode] {
			t.Errorf("%d jobs in mode %s", n-before[mode], mode)
		}
	}
}

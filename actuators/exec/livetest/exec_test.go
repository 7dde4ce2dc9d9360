package livetest

import (
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
	"github.com/pakashop/evenkeel/actuators/exec"
	"github.com/pakashop/evenkeel/actuators/host"
)

func subject(t *testing.T) actuatortest.Subject {
	note := program(t, "note", `echo once >>"$1"`)
	dir := folder(t)
	file, keyed := dir+"/effects", dir+"/keyed"
	look := func(*testing.T) string { return text(file) }
	once := run("nobody", note, keyed)
	once.Key = "case-7 rung-1"
	return actuatortest.Subject{
		Actuator: exec.New(exec.Options{Version: "1", State: dir + "/state"}),
		Config:   map[string]any{"state": dir + "/state"},
		Samples: []actuatortest.Sample{
			{Request: run("nobody", note, file), Look: look, Repeats: true},
			{Name: "with a key", Request: once, Look: func(*testing.T) string { return text(keyed) }},
		},
		Failing: []actuatortest.Failing{
			{Name: "exit 3", Request: run("nobody", program(t, "three", "exit 3")), Kind: actuators.Failed},
			{Name: "no such program", Request: run("nobody", "/usr/local/bin/none"), Kind: actuators.Failed},
			{Name: "no such user", Request: run("somebody", "/bin/true"), Kind: actuators.Failed},
			{Name: "no path", Request: run("nobody", "true"), Kind: actuators.Invalid},
			{Name: "too long", Request: within("2h", run("nobody", "/bin/true")), Kind: actuators.Invalid},
		},
	}
}

func TestContract(t *testing.T) {
	actuatortest.Run(t, subject)
	actuatortest.RunProcess(t, host.Spec{Name: exec.Name, Role: exec.Name}, subject)
	until(t, "systemd has forgotten all runs", func() bool { return units(t) == "" })
}

// The program sees what its user sees at boot, and nothing of evenkeel's.
func TestWhatAProgramSees(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	look := program(t, "look", `
echo "user $(id -un) groups $(id -Gn)"
echo "folder $(pwd)"
echo "privileges $(grep NoNewPrivs /proc/self/status | tr -d '\t')"
echo "oom $(cat /proc/self/oom_score_adj)"
echo "session $(ps -o pid=,sid= $$ | awk '{print $1 == $2}')"
read line && echo "input $line" || echo "input none"
env`)
	res, err := newActuator(t).Apply(t.Context(), run("backup", look))
	if err != nil {
		t.Fatal(err)
	}
	out := res.Data["output"]
	for _, want := range []string{"user backup groups backup\n", "folder /\n", "privileges NoNewPrivs:1\n", "oom 0\n", "session 1\n", "input none\n", "USER=backup\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(out, "hunter2") || strings.Contains(out, "EVENKEEL") || t.Failed() {
		t.Errorf("it sees:\n%s", out)
	}
}

// There is no shell and no expansion: arguments arrive to the letter.
func TestArgumentsArriveToTheLetter(t *testing.T) {
	args := []string{"$HOME", "${HOME}", "$$", "%n %% %h", "a b", "", `"'\`, "; id", "*", "-e", "line\nbreak", "é ∞", "@x", "!x", "|x", ":x"}
	show := program(t, "show", `for a; do printf '[%s]' "$a"; done`)
	res, err := newActuator(t).Apply(t.Context(), run("nobody", show, args...))
	if err != nil {
		t.Fatal(err)
	}
	if want := "[" + strings.Join(args, "][") + "]"; res.Data["output"] != want {
		t.Errorf("they arrive as %q, want %q", res.Data["output"], want)
	}
}

func TestHowAProgramEnds(t *testing.T) {
	a := newActuator(t)
	secret := program(t, "secret", "printf 'first\\n\\033[31mlast \\007words\\n' >&2; exit 7")
	for name, tt := range map[string]struct {
		request actuators.Request
		says    string
	}{
		"an exit code":          {run("nobody", secret), `exit 7 after `},
		"its last words":        {run("nobody", secret), `it said "[31mlast words"`},
		"a signal":              {run("nobody", program(t, "abrt", "kill -ABRT $$")), "ended by signal 6"},
		"a polite signal":       {run("nobody", program(t, "term", "kill -TERM $$")), "ended by signal 15"},
		"its time is over":      {within("200ms", run("nobody", "/bin/sleep", "infinity")), "ended by its timeout of 200ms"},
		"it ends politely then": {within("200ms", run("nobody", program(t, "polite", "trap 'exit 0' TERM; while :; do sleep 0.01; done"))), "ended by its timeout of 200ms"},
		"it is not there":       {run("nobody", "/usr/local/bin/none"), "it cannot be executed"},
		"it is a folder":        {run("nobody", "/usr/local/bin"), "it cannot be executed"},
		"it may not be run":     {run("nobody", private(t)), "it cannot be executed"},
		"nobody is that":        {run("somebody", "/bin/true"), "there is no user somebody"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.Apply(t.Context(), tt.request)
			if actuators.KindOf(err) != actuators.Failed || err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want that it says %q", err, tt.says)
			}
		})
	}
	res, err := a.Apply(t.Context(), run("nobody", "/bin/echo", "hello"))
	if err != nil || !strings.HasPrefix(res.Detail, "exit 0 after ") || !strings.HasSuffix(res.Detail, ", 6 bytes of output") || res.Data["output"] != "hello\n" {
		t.Errorf("%+v, %v", res, err)
	}
	until(t, "systemd has forgotten all runs", func() bool { return units(t) == "" })
}

func private(t *testing.T) string {
	path := program(t, "private", "true")
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// F43, F52: whatever a program does, all of it is over in time.
func TestNothingOutlivesItsRun(t *testing.T) {
	a := newActuator(t)
	for name, tt := range map[string]struct {
		text  string
		kind  actuators.Kind
		ok    bool
		least time.Duration
	}{
		"a child in a session of its own":      {text: "setsid sleep 7777 & exit 0", ok: true},
		"one that holds the output":            {text: "setsid sh -c 'sleep 7777; echo late' & exit 0", ok: true},
		"one that ignores what it is told":     {text: "setsid sh -c 'trap \"\" TERM; : >$0/deaf; while :; do sleep 7777; done' $1 & until [ -e $1/deaf ]; do sleep 0.01; done", ok: true},
		"a daemon, twice forked":               {text: "(setsid sh -c '(sleep 7777 &)' &) ; exit 0", ok: true},
		"it hangs":                             {text: "sleep 7777", kind: actuators.Failed},
		"it hangs and ignores what it is told": {text: "trap '' TERM; while :; do sleep 7777; done", kind: actuators.Failed},
		"a fork bomb":                          {text: "bomb() { bomb 7777 | bomb 7777 & }; bomb 7777; sleep 7777", kind: actuators.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := a.Apply(t.Context(), within("1s", run("nobody", program(t, "unruly", tt.text), folder(t))))
			if tt.ok != (err == nil) || err != nil && actuators.KindOf(err) != tt.kind {
				t.Errorf("%v", err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if left := append(processes(t, "7777"), processes(t, "/unruly")...); len(left) > 0 {
				t.Errorf("left behind: %s", strings.Join(left, "; "))
			}
		})
	}
}

// What systemd is told bounds a run, whether or not this kernel lets it.
func TestWhatBoundsARun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = newActuator(t).Apply(ctx, within("1m", run("nobody", "/bin/sleep", "7777")))
	}()
	t.Cleanup(func() { cancel(); <-done })
	until(t, "it runs", func() bool { return strings.Contains(units(t), " running ") })
	name, _, _ := strings.Cut(units(t), " ")
	out, err := osexec.Command("systemctl", "show", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"TasksMax=256", "MemoryMax=1073741824", "LimitNPROC=1024", "LimitCORE=0", "CPUWeight=20", "RuntimeMaxUSec=1min", "TimeoutStopUSec=5s",
		"KillMode=control-group", "NoNewPrivileges=yes", "User=nobody", "StandardInput=null", "CollectMode=inactive-or-failed",
	} {
		if !strings.Contains("\n"+string(out), "\n"+want+"\n") {
			t.Errorf("systemd does not say %s", want)
		}
	}
}

// Of a gigabyte of output the end is kept, and nobody waits for the rest.
func TestOutputIsBounded(t *testing.T) {
	flood := program(t, "flood", `head -c 1G /dev/zero | tr '\0' x; echo; echo the end`)
	res, err := newActuator(t).Apply(t.Context(), run("nobody", flood))
	if err != nil {
		t.Fatal(err)
	}
	out := res.Data["output"]
	if len(out) != 60<<10 || !strings.HasSuffix(out, "xxx\nthe end\n") || res.Data["written"] != fmt.Sprint(1<<30+1+8) {
		t.Errorf("%d bytes are kept of %s, ending %q", len(out), res.Data["written"], out[max(0, len(out)-20):])
	}
	binary := program(t, "binary", `head -c 200000 /dev/urandom`)
	res, err = newActuator(t).Apply(t.Context(), run("nobody", binary))
	if err != nil || len(res.Data["output"]) > 60<<10 {
		t.Errorf("%d bytes, %v", len(res.Data["output"]), err)
	}
}

// Who asked has gone: so does the program.
func TestTheEndOfTheContextEndsTheProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := newActuator(t).Apply(ctx, within("1h", run("nobody", "/bin/sleep", "7777")))
		done <- err
	}()
	until(t, "it runs", func() bool { return len(processes(t, "sleep 7777")) > 0 })
	cancel()
	if err := <-done; actuators.KindOf(err) != actuators.Timeout {
		t.Errorf("%v", err)
	}
	if left := processes(t, "sleep 7777"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// launched is the actuator as a plugin process, and its process id.
func launched(t *testing.T, state string) (actuators.Actuator, func() int) {
	t.Helper()
	dir, err := os.MkdirTemp("", "exec-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h, err := host.New([]host.Spec{{Name: exec.Name, Role: exec.Name, Config: map[string]any{"state": state}}}, host.Options{Folder: dir, Scratch: true, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	a, err := h.Actuator(exec.Name)
	if err != nil {
		t.Fatal(err)
	}
	return a, func() int { return h.Status()[0].PID }
}

// F51: the plugin is killed while a program runs. Nobody knows how that ends, it
// ends all the same, and by its Key it is not done twice.
func TestThePluginIsKilledInTheMiddle(t *testing.T) {
	dir := folder(t)
	slow := program(t, "slow", `echo once >>"$1"; exec sleep 7777`)
	a, pid := launched(t, dir+"/state")
	r := within("2s", run("nobody", slow, dir+"/effects"))
	r.Key = "case-1 rung-2"
	done := make(chan error, 1)
	go func() {
		_, err := a.Apply(t.Context(), r)
		done <- err
	}()
	until(t, "it runs", func() bool { return text(dir+"/effects") != "" })
	if err := syscall.Kill(pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-done; actuators.KindOf(err) != actuators.Unknown {
		t.Errorf("%v: %v", actuators.KindOf(err), err)
	}
	again := func() error {
		var err error
		until(t, "the plugin is back", func() bool {
			_, err = a.Apply(t.Context(), r)
			return actuators.KindOf(err) != actuators.Unavailable
		})
		return err
	}
	if err := again(); actuators.KindOf(err) != actuators.Unknown || !strings.Contains(err.Error(), "nobody knows how it ended") {
		t.Errorf("while it runs: %v", err)
	}
	until(t, "it ended by its own timeout", func() bool { return len(processes(t, "sleep 7777")) == 0 })
	if err := again(); actuators.KindOf(err) != actuators.Unknown {
		t.Errorf("after its end: %v", err)
	}
	if got := text(dir + "/effects"); got != "once\n" {
		t.Errorf("its effect happened %q", got)
	}
}

// What a Key has done is remembered over restarts of the plugin, what failed
// too, and what was never run is not held against it.
func TestOneKeyIsOneEffect(t *testing.T) {
	dir := folder(t)
	note := program(t, "note", `echo once >>"$1"; exit $2`)
	for name, tt := range map[string]struct {
		request actuators.Request
		kind    actuators.Kind
		ok      bool
		effects string
	}{
		"done":      {request: run("nobody", note, dir+"/done", "0"), ok: true, effects: "once\n"},
		"failed":    {request: run("nobody", note, dir+"/failed", "3"), kind: actuators.Failed, effects: "once\n"},
		"never run": {request: run("nobody", "relative", dir+"/never"), kind: actuators.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			tt.request.Key = name
			for range 3 {
				a, _ := launched(t, filepath.Join(dir, "state"))
				res, err := a.Apply(t.Context(), tt.request)
				if tt.ok != (err == nil) || err != nil && actuators.KindOf(err) != tt.kind {
					t.Errorf("%+v, %v", res, err)
				}
			}
			if got := text(filepath.Join(dir, name)); got != tt.effects {
				t.Errorf("its effect happened %q", got)
			}
		})
	}
}

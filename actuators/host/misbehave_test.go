package host

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// freeze stops a process, and waits until each of its threads is stopped.
func freeze(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for running := true; running; {
		running = false
		stats, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
		for _, stat := range stats {
			text, _ := os.ReadFile(stat)
			_, after, _ := bytes.Cut(text, []byte(") "))
			running = running || !bytes.HasPrefix(after, []byte("T"))
		}
	}
}

// F51: whether the effect happened is unknown, so nothing is tried again
// here; and the next call gets a new process, once the backoff is over.
func TestAPluginThatCrashesInTheMiddle(t *testing.T) {
	why := map[string]string{"crash": "exit status 7", "panic": `exit status 2, it said "panic: no such disk"`}
	for _, verb := range []string{"crash", "panic"} {
		t.Run(verb, func(t *testing.T) {
			h, p := good(t, Options{Backoff: time.Millisecond})
			effects := filepath.Join(folder(t), "effects")
			pid := detail(t, p, "pid")
			_, err := p.Apply(t.Context(), do(verb, effects))
			if actuators.KindOf(err) != actuators.Unknown {
				t.Errorf("kind %v: %v, want unknown", actuators.KindOf(err), err)
			}
			if text, err := os.ReadFile(effects); verb == "crash" && string(text) != "once\n" {
				t.Errorf("its effect happened %q %v, want once", text, err)
			}
			dead(t, number(t, pid))
			var again actuators.Result
			for again, err = p.Apply(t.Context(), do("pid")); actuators.KindOf(err) == actuators.Unavailable && err != nil; again, err = p.Apply(t.Context(), do("pid")) {
				time.Sleep(time.Millisecond)
			}
			if err != nil || again.Detail == pid {
				t.Errorf("after the crash: %+v %v", again, err)
			}
			if s := h.Status()[0]; s.Crashes != 1 || s.State != "running" || s.Error != why[verb] {
				t.Errorf("status %+v", s)
			}
		})
	}
}

func TestAPluginThatKeepsCrashingIsQuarantinedAndOthersWork(t *testing.T) {
	h := hosting(t, Options{Backoff: time.Microsecond, Crashes: 3}, Spec{Name: "dies", Role: "dies"}, Spec{Name: "good", Role: "good"})
	var err error
	for range 3 {
		_, err = h.plugins["dies"].Info(t.Context())
		if actuators.KindOf(err) != actuators.Unavailable {
			t.Fatalf("kind %v: %v", actuators.KindOf(err), err)
		}
		time.Sleep(time.Millisecond)
	}
	_, err = h.plugins["dies"].Info(t.Context())
	if actuators.KindOf(err) != actuators.Unavailable || !strings.Contains(err.Error(), "is quarantined after 3 crashes") {
		t.Errorf("%v: %v", actuators.KindOf(err), err)
	}
	s := h.Status()[0]
	if s.State != "quarantined" || s.Crashes != 3 || time.Until(s.Until) < 50*time.Minute {
		t.Errorf("status %+v", s)
	}
	detail(t, h.plugins["good"], "pid")
}

// F52, in three forms: it does not heed its deadline; it is frozen and cannot
// answer; it is frozen and is to be stopped.
func TestAPluginThatHangs(t *testing.T) {
	t.Parallel()
	t.Run("it returns at the end of the caller's patience", func(t *testing.T) {
		t.Parallel()
		_, p := good(t, Options{})
		pid := detail(t, p, "pid")
		began := filepath.Join(folder(t), "began")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for _, err := os.Stat(began); err != nil; _, err = os.Stat(began) {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		_, err := p.Apply(ctx, do("hang", began))
		if actuators.KindOf(err) != actuators.Timeout {
			t.Errorf("kind %v: %v", actuators.KindOf(err), err)
		}
		if again := detail(t, p, "pid"); again != pid {
			t.Errorf("it still answered others, and was ended at once")
		}
		dead(t, number(t, pid)) // the wire ends it when the hung call outlives its deadline for long
	})
	t.Run("one that is frozen is killed", func(t *testing.T) {
		t.Parallel()
		h, p := good(t, Options{StopTimeout: 50 * time.Millisecond})
		pid := number(t, detail(t, p, "pid"))
		freeze(t, pid)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := p.Apply(ctx, do("pid")); actuators.KindOf(err) != actuators.Timeout {
			t.Errorf("kind %v: %v", actuators.KindOf(err), err)
		}
		dead(t, pid)
		for h.Status()[0].Crashes == 0 {
			time.Sleep(time.Millisecond)
		}
	})
	t.Run("closing does not wait for one that is frozen", func(t *testing.T) {
		t.Parallel()
		h, p := good(t, Options{StopTimeout: 50 * time.Millisecond})
		pid := number(t, detail(t, p, "pid"))
		freeze(t, pid)
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		dead(t, pid)
	})
}

func TestTheChildrenOfAPluginDieWithIt(t *testing.T) {
	t.Run("those in its group", func(t *testing.T) {
		h, p := good(t, Options{})
		child := number(t, detail(t, p, "child"))
		h.Close()
		dead(t, child)
	})
	t.Run("closing does not wait for those that fled", func(t *testing.T) {
		dir := folder(t)
		h, p := good(t, Options{Folder: dir})
		child := number(t, detail(t, p, "escaped-child"))
		h.Close()
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("Close gave up, and left %v", left)
		}
		syscall.Kill(child, syscall.SIGKILL)
	})
	t.Run("those that fled, in a cgroup", func(t *testing.T) {
		parent := cgroupV2(t)
		h, p := good(t, Options{Cgroup: parent})
		if parent == "" {
			t.Log("no cgroup v2 that this user may write to: nothing more to prove")
			return
		}
		child := number(t, detail(t, p, "escaped-child"))
		h.Close()
		dead(t, child)
		if left, _ := filepath.Glob(filepath.Join(parent, "*good*")); left != nil {
			t.Errorf("left behind: %v", left)
		}
	})
}

// cgroupV2 makes a cgroup for the test, empty where it cannot.
func cgroupV2(t *testing.T) string {
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
			continue
		}
		if dir, err := os.MkdirTemp(root, "evenkeel-test-"); err == nil {
			t.Cleanup(func() { os.Remove(dir) })
			return dir
		}
	}
	return ""
}

// F53: each is told apart in one clear line, and leaves nothing behind.
func TestPluginsThatDoNotComeUp(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"dies":             "it ended before it said where to call it: exit status 1",
		"dies-talking":     `exit status 1, it said "panic: no such disk"`,
		"silent":           "no answer within",
		"garbage":          `its first line is no handshake: \x1b[31mHello, I am a plugin`,
		"endless":          "its first line is no handshake: xxxx",
		"netrpc":           `unsupported plugin protocol "netrpc"`,
		"another-version":  "Plugin version: 99",
		"elsewhere":        `it wants to be called at tcp "127.0.0.1:22"`,
		"somebodys-socket": `it wants to be called at unix "/run/dbus/system_bus_socket"`,
		"without-tls":      "",
		"deaf":             "",
		"liar":             `it calls itself "somebody-else"`,
	}
	for role, want := range tests {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			h := hosting(t, Options{Folder: dir, StartTimeout: 3 * time.Second}, Spec{Name: role, Role: role})
			_, err := h.plugins[role].Info(t.Context())
			if actuators.KindOf(err) != actuators.Unavailable || !strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\n\x1b\x07") || len(err.Error()) > 500 {
				t.Errorf("kind %v: %q, want it to say %q", actuators.KindOf(err), err, want)
			}
			h.Close()
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestAGigabyteWithoutEndOfLineIsNotKept(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, p := good(t, Options{})
	if _, err := p.Apply(t.Context(), do("print")); err != nil {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
		t.Errorf("%d bytes were allocated for it", n)
	}
}

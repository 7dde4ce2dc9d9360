package ask

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

func command(argv ...string) desired.Probing {
	return unitProbe(desired.Probe{Exec: &desired.Exec{Command: argv}})
}

func shell(text string) desired.Probing { return command("/bin/sh", "-c", text) }

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		name  string
		probe desired.Probing
		want  Sample
	}{
		{"well", command("/bin/true"), Sample{}},
		{"not", command("/bin/false"), failed(state.ClassExit, "exit 1")},
		{"with a word", shell("echo; echo '  cannot reach\tthe queue  ' >&2; echo more; exit 3"), Sample{Class: state.ClassExit, Detail: "exit 3", Words: "cannot reach the queue"}},
		{"no shell", command("/bin/echo", "$HOME;", "exit", "1"), Sample{}},
		{"killed", shell("kill -SEGV $$"), failed(state.ClassExit, "killed by SIGSEGV")},
		{"it hangs", shell("sleep 100"), failed(state.ClassTimeout, "/bin/sh did not end within 1s")},
		{"it hangs, and will not die", shell("trap '' TERM INT HUP; while :; do sleep 100; done"), failed(state.ClassTimeout, "/bin/sh did not end within 1s")},
		{"it leaves a child that holds its output", shell("sleep 100 & exit 0"), Sample{}},
		{"no program", command("/nonesuch"), unknown("run /nonesuch: no such file or directory")},
		{"no program, but a folder", command("/etc"), unknown("run /etc: permission denied")},
		{"nobody by default", shell(`[ "$(id -un):$(id -G)" = "nobody:$(id -g nobody)" ]`), Sample{}},
		{"nothing of evenkeel's environment", shell(`[ -z "$CANARY" ] && [ "$PWD" = / ]`), Sample{}},
		{"no input", shell("read x && exit 1; exit 0"), Sample{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CANARY", "secret")
			if got := once(t, New(Options{}), c.probe); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v; want %+v", got, c.want)
			}
		})
	}
}

// The bounds are set from outside as soon as it has begun. For another user's
// process that takes CAP_SYS_RESOURCE, which evenkeel has and a test may not have.
func TestTheBoundsOfACommand(t *testing.T) {
	probe := shell(`sleep 0.2; echo "$(ulimit -c) $(ulimit -t) $(ulimit -d) $(cat /proc/self/oom_score_adj)"; exit 1`)
	probe.User = "root"
	if got := once(t, New(Options{}), probe); got.Words != "0 2 1048576 1000" {
		t.Errorf("%+v", got)
	}
}

func TestACommandRunsAsWhomPolicyNames(t *testing.T) {
	probe := shell(`[ "$(id -un)" = daemon ]`)
	probe.User = "daemon"
	if got := once(t, New(Options{}), probe); !got.Good() {
		t.Errorf("%+v", got)
	}
	probe.User = "nosuchuser"
	if got := once(t, New(Options{}), probe); got.Err != "there is no user nosuchuser to run the command" {
		t.Errorf("%+v", got)
	}
}

// Much output is read and thrown away: the command must not wait for us, and
// we must not keep it.
func TestMuchOutput(t *testing.T) {
	probe := shell("head -c 100000000 /dev/zero | tr '\\0' x; exit 1")
	probe.Probe.TimeoutSeconds = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := once(t, New(Options{}), probe)
	runtime.ReadMemStats(&after)
	if got.Detail != "exit 1" || len(got.Words) > maxWords+len("…") {
		t.Errorf("%+v", got)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 { // counting the processes of a busy host is part of it
		t.Errorf("it took %d KiB of memory", n>>10)
	}
}

// What a command started dies with it, and nothing is left unburied.
func TestWhatACommandLeavesBehind(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"exit 0", "sleep 100"} {
		pid := filepath.Join(dir, "pid")
		probe := shell("sleep 100 & echo $! >" + pid + "; " + end)
		probe.Probe.TimeoutSeconds = 3 // a busy machine starts a shell late
		once(t, New(Options{}), probe)
		text, err := os.ReadFile(pid)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		for range 100 {
			if dead(n) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n == 0 || !dead(n) {
			t.Errorf("%s: its child %d lives on", end, n)
		}
		_ = os.Remove(pid)
	}
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err == nil && info.Signo != 0 {
		t.Errorf("a dead child is left: %+v", info)
	}
}

// dead tells whether a process has ended, its burial aside.
func dead(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func TestWhoseCgroup(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/system.slice/evenkeel.service", 0o755); err != nil {
		t.Fatal(err)
	}
	proc := dir + "/self"
	for _, c := range []struct{ text, want string }{
		{"0::/system.slice/evenkeel.service\n", ""}, // nobody left it to us
		{"1:name=systemd:/x\n0::/nonesuch\n", ""},
		{"", ""},
	} {
		if err := os.WriteFile(proc, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := delegated(proc, dir); got != c.want {
			t.Errorf("%q: %q", c.text, got)
		}
	}
}

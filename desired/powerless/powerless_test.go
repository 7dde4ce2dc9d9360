package powerless_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired/powerless"
)

const role = "child-of-a-test"

var bounds = powerless.Limits{Memory: 512 << 20, Files: 64, Tasks: 4096, FileSize: 1 << 20, Processor: 10}

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == role {
		fmt.Print(child())
		return
	}
	os.Exit(m.Run())
}

// child does what a child does, and says what comes of it.
func child() string {
	if err := powerless.Shut(); err != nil {
		return err.Error()
	}
	if err := bounds.Hold(); err != nil {
		return err.Error()
	}
	if err := powerless.Check("go on"); err != nil {
		return err.Error()
	}
	var say strings.Builder
	for what, l := range map[string]int{
		"files": unix.RLIMIT_NOFILE, "tasks": unix.RLIMIT_NPROC, "size": unix.RLIMIT_FSIZE, "time": unix.RLIMIT_CPU,
		"core": unix.RLIMIT_CORE, "locked": unix.RLIMIT_MEMLOCK, "memory": unix.RLIMIT_DATA,
	} {
		var is unix.Rlimit
		if err := unix.Getrlimit(l, &is); err != nil {
			return err.Error()
		}
		fmt.Fprintf(&say, "%s %d %d\n", what, is.Cur, is.Max)
	}
	groups, err := os.Getgroups()
	dumpable, err2 := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	oom, err3 := os.ReadFile("/proc/self/oom_score_adj")
	fmt.Fprintf(&say, "groups %d %v\ndumpable %d %v\noom %s %v\n", len(groups), err, dumpable, err2, strings.TrimSpace(string(oom)), err3)
	return say.String()
}

// started is what a child says that is started so, from a thread of its own.
func started(t *testing.T, forswear bool, as *syscall.SysProcAttr) (said string) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if forswear {
			if err := powerless.Forswear(); err != nil {
				done <- err
				return
			}
		}
		cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{"test", role}, Dir: "/", Env: []string{}, SysProcAttr: as}
		out, err := cmd.CombinedOutput()
		said = string(out)
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return said
}

// A child goes on only if nothing is left to it, and none can get it back.
func TestCheck(t *testing.T) {
	who, err := powerless.Nobody("run")
	if err != nil {
		t.Fatal(err)
	}
	const refused = "it still has rights, and will not go on"
	if got := started(t, false, &syscall.SysProcAttr{Credential: who}); got != refused {
		t.Errorf("without forswearing rights it says %q", got)
	}
	if os.Geteuid() == 0 {
		if who == nil || who.Uid == 0 || who.Gid == 0 || len(who.Groups) != 0 {
			t.Fatalf("nobody is %+v", who)
		}
		if got := started(t, true, nil); got != refused {
			t.Errorf("as root it says %q", got)
		}
		// A user without rights, but with a capability: it was given after they were forsworn.
		more := &syscall.SysProcAttr{Credential: who, AmbientCaps: []uintptr{unix.CAP_NET_RAW}}
		if got := started(t, true, more); got != refused {
			t.Errorf("with a capability it says %q", got)
		}
	}
	said := started(t, true, &syscall.SysProcAttr{Credential: who})
	want := []string{"files 64 64\n", "tasks 4096 4096\n", "size 1048576 1048576\n", "time 10 10\n", "core 0 0\n", "locked 0 0\n", "dumpable 0 <nil>\n", "oom 1000 <nil>\n"}
	if !powerless.Raced {
		want = append(want, "memory 536870912 536870912\n")
	}
	if who != nil {
		want = append(want, "groups 0 <nil>\n")
	}
	for _, w := range want {
		if !strings.Contains(said, w) {
			t.Errorf("it does not say %q:\n%s", w, said)
		}
	}
}

// What a thread has forsworn the kernel knows.
func TestForswear(t *testing.T) {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := powerless.Forswear()
		if err == nil {
			on, err2 := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
			if err = err2; on != 1 {
				err = fmt.Errorf("no_new_privs is %d", on)
			}
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

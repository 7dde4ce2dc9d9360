package git

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// childArgument is what this program gets as its first argument when a Mirror
// starts it to become git.
const childArgument = "git-child"

// Child becomes git in a process that a Mirror started to be it, and does not
// return then. main calls it first, with os.Args: limits can be put on a process
// without a moment in which it runs without them only by the process itself.
func Child(args []string) {
	if len(args) < 4 || args[1] != childArgument {
		return
	}
	fmt.Fprintln(os.Stderr, "fatal: start git:", become(args[2], args[3:]))
	os.Exit(127)
}

// bounds of one process of git's, and of what it starts.
type bounds struct {
	memory int64 // bytes of address space
	file   int64 // bytes of a file that it writes
	cpu    int64 // seconds
	tasks  int64 // of its user, in all; negative: no limit
}

func (b bounds) String() string {
	return fmt.Sprintf("%d,%d,%d,%d", b.memory, b.file, b.cpu, b.tasks)
}

// become puts the limits on this process and executes a program in it.
func become(limits string, argv []string) error {
	// What no_new_privs is said of is a thread, and the one that executes counts.
	runtime.LockOSThread()
	if err := limit(limits); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	unix.Umask(0o077)
	// If memory runs out, this is what may go; it is no matter if that cannot be said.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	return syscall.Exec(argv[0], argv, os.Environ())
}

func limit(limits string) error {
	words := strings.Split(limits, ",")
	what := []int{unix.RLIMIT_AS, unix.RLIMIT_FSIZE, unix.RLIMIT_CPU, unix.RLIMIT_NPROC}
	if len(words) != len(what) {
		return errors.New("not as many limits as there are")
	}
	for i, w := range words {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			return err
		}
		if n < 0 {
			continue
		}
		if err := unix.Setrlimit(what[i], &unix.Rlimit{Cur: uint64(n), Max: uint64(n)}); err != nil {
			return fmt.Errorf("limit resource %d to %d: %w", what[i], n, err)
		}
	}
	return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}

// tasksOf counts the threads of a user: the kernel's limit is for all of them
// together. Root has no limit.
func tasksOf(uid uint32) int64 {
	if uid == 0 {
		return -1
	}
	all, err := os.ReadDir("/proc")
	if err != nil {
		return -1
	}
	tasks := int64(0)
	for _, d := range all {
		if n := d.Name(); n[0] < '0' || n[0] > '9' {
			continue
		}
		var st unix.Stat_t
		if unix.Stat("/proc/"+d.Name(), &st) == nil && st.Uid == uid {
			threads, _ := os.ReadDir("/proc/" + d.Name() + "/task")
			tasks += int64(len(threads))
		}
	}
	return tasks
}

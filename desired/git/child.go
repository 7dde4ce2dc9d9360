package git

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

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
	tasks  int64 // of its user, beside those that are there
}

func (b bounds) String() string {
	return fmt.Sprintf("%d,%d,%d,%d", b.memory, b.file, b.cpu, b.tasks)
}

func parseBounds(text string) (b bounds, err error) {
	words := strings.Split(text, ",")
	into := []*int64{&b.memory, &b.file, &b.cpu, &b.tasks}
	if len(words) != len(into) {
		return b, errors.New("not as many limits as there are")
	}
	for i, w := range words {
		if *into[i], err = strconv.ParseInt(w, 10, 64); err != nil {
			return b, err
		}
	}
	return b, nil
}

// childEnvironment keeps Go's runtime from starting threads of its own accord in
// the moment before it is git.
var childEnvironment = []string{"GOMAXPROCS=1", "GOGC=off"}

// become puts the limits on this process and executes a program in it. Go's runtime
// takes more address space than git may have and dies where it gets no more, so
// from the first limit on there is nothing but system calls.
func become(limits string, argv []string) error {
	b, err := parseBounds(limits)
	if err != nil {
		return err
	}
	// What no_new_privs is said of is a thread, and the one that executes counts.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	unix.Umask(0o077)
	// If memory runs out, this is what may go; it is no matter if that cannot be said.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	env := slices.DeleteFunc(os.Environ(), func(e string) bool { return slices.Contains(childEnvironment, e) })
	program, err := syscall.BytePtrFromString(argv[0])
	if err != nil {
		return err
	}
	args, err := syscall.SlicePtrFromStrings(argv)
	if err != nil {
		return err
	}
	vars, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	list := []rlimit{
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, 1024},
		{unix.RLIMIT_CPU, uint64(b.cpu)},
		{unix.RLIMIT_FSIZE, uint64(b.file)},
		{unix.RLIMIT_NPROC, unix.RLIM_INFINITY},
		{unix.RLIMIT_AS, uint64(b.memory)},
	}
	if n := tasksOf(uint32(os.Geteuid())); n >= 0 {
		list[4].most = uint64(n + b.tasks)
	}
	for i := range list { // what is less already stays
		var now unix.Rlimit
		if err := unix.Getrlimit(list[i].what, &now); err != nil {
			return err
		}
		list[i].most = min(list[i].most, now.Max)
	}
	return execute(list, program, args, vars)
}

// rlimit is one limit, soft and hard.
type rlimit struct {
	what int
	most uint64
}

func execute(list []rlimit, program *byte, args, vars []*byte) error {
	// What was handed to this process is nothing for git. An old kernel cannot say so.
	_, _, _ = syscall.RawSyscall(unix.SYS_CLOSE_RANGE, 3, ^uintptr(0)>>32, unix.CLOSE_RANGE_CLOEXEC)
	for i := range list {
		both := [2]uint64{list[i].most, list[i].most}
		if _, _, errno := syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, uintptr(list[i].what), uintptr(unsafe.Pointer(&both)), 0, 0, 0); errno != 0 {
			return errno
		}
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(program)), uintptr(unsafe.Pointer(&args[0])), uintptr(unsafe.Pointer(&vars[0])))
	return errno
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

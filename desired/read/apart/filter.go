//go:build amd64 || arm64

package apart

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired/powerless"
)

// calls are all that the child may call of the kernel: what Go needs to run, and
// to read and write what is open. The rest is refused, opening anything, starting
// programs and sockets among it.
var calls = append([]uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_CLOSE, unix.SYS_FSTAT, unix.SYS_LSEEK, unix.SYS_FCNTL,
	unix.SYS_MMAP, unix.SYS_MPROTECT, unix.SYS_MUNMAP, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK, unix.SYS_MREMAP,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ,
	unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES, unix.SYS_GETTIMEOFDAY,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2, unix.SYS_PIPE2, unix.SYS_PPOLL,
	unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID, unix.SYS_GETEGID,
	unix.SYS_GETRANDOM, unix.SYS_UNAME, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
}, callsHere...)

// Where the kernel puts what a filter looks at (struct seccomp_data).
const (
	atCall  = 0
	atArch  = 4
	atFirst = 16 // the low half of the first argument; both machines are little-endian
)

const (
	allow  = unix.SECCOMP_RET_ALLOW
	refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	noSuch = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

func load(at uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
}

func ret(what uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what}
}

// unless passes over the next n instructions unless what was loaded is a value.
func unless(value uint32, n uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: n}
}

// program is the filter.
func program(pid uint32) []unix.SockFilter {
	p := []unix.SockFilter{
		load(atArch),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: machine, Jt: 1},
		ret(unix.SECCOMP_RET_KILL_PROCESS),
		load(atCall),
	}
	for _, call := range calls {
		p = append(p, unless(call, 1), ret(allow))
	}
	return append(p,
		// A thread, and no process. What else there is to clone with hides it.
		unless(unix.SYS_CLONE, 4), load(atFirst),
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: unix.CLONE_THREAD, Jf: 1}, ret(allow), ret(refuse),
		unless(unix.SYS_CLONE3, 1), ret(noSuch),
		// Signals to its own threads, by which Go moves goroutines on.
		unless(unix.SYS_TGKILL, 3), load(atFirst), unless(pid, 1), ret(allow),
		ret(refuse))
}

// filter has the kernel refuse every other call, in all threads. A kernel that
// has no filters does without: all else holds all the same.
func filter() error {
	if powerless.Raced {
		return nil
	}
	p := program(uint32(unix.Getpid()))
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	tid, _, no := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(p)
	switch {
	case no == unix.ENOSYS || no == unix.EINVAL:
		return nil
	case no != 0:
		return fmt.Errorf("filter its calls: %w", no)
	case tid != 0:
		return errors.New("filter its calls: not in all threads")
	}
	return nil
}

//go:build failpoints

package failpoint

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// point is one moment that was asked for, and how often it came.
type point struct {
	name  string
	times int64
	hits  atomic.Int64
}

var kill, stop = parse("EVENKEEL_FAILPOINT"), parse("EVENKEEL_FAILSTOP")

func parse(variable string) *point {
	name, n, found := strings.Cut(os.Getenv(variable), "@")
	p := &point{name: name, times: 1}
	if found {
		i, _ := strconv.ParseInt(n, 10, 64)
		p.times = max(1, i)
	}
	return p
}

func (p *point) now(at string) bool { return at == p.name && p.hits.Add(1) == p.times }

// Hit says that the process has come to a named moment, and ends or stops it
// there if that is what was asked for.
func Hit(at string) {
	if stop.now(at) {
		halt()
	}
	if kill.now(at) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// halt stops the process. The signal goes to this very thread, which takes it
// before it returns from here: one to the process might be taken by another
// while this one still ran.
func halt() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, _, _ = syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGSTOP))
}

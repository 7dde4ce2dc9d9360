package rehearse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// ErrUnavailable is what [Boot] wraps when this machine cannot carry a
// disposable host at all: no root, no namespaces, no overlay, no cgroup2, no
// systemd. The text around it says which.
var ErrUnavailable = errors.New("no disposable host can be had here")

// Options says what a host is like. The zero value is a bare host of this
// machine's root with a loopback and nothing else.
type Options struct {
	Name    string        // hostname; default "host"
	Layers  []string      // folders laid over the machine's root, the first one topmost
	Address string        // "10.77.0.2/24" on eth0, joined to Network; default none
	Network string        // hosts of one process with one Network name share a bridge; default "default"
	Memory  int64         // bytes for all that runs inside; 0 is no limit
	Tasks   int64         // processes and threads inside; 0 is no limit
	Disk    int64         // bytes that may be written inside; default 4 GiB
	Share   string        // a folder outside that is /lab inside; default a fresh one that ends with the host
	Binds   []Bind        // other folders and files from outside
	Unmask  []string      // units to leave alone of those that a host masks
	Wait    time.Duration // how long a boot may take; default 30s
}

// Bind is a folder or a file of the machine that a host sees as it is.
type Bind struct {
	Source   string // outside; absolute
	Target   string // inside; absolute; default Source
	ReadOnly bool
}

// Limits says which limits are in force, and of those that were asked for and
// are not, why.
type Limits struct {
	Memory  int64    // bytes; 0 is none
	Tasks   int64    // 0 is none
	Missing []string // "memory: no such controller …"
}

// Host is a booted host. Close it; if its owner dies without closing it, the
// kernel ends it at once and the next [Boot] or [Sweep] clears away what is left.
type Host struct {
	Name   string
	Limits Limits

	dir    string
	share  string
	pid    int
	lock   *os.File
	res    resources
	done   chan struct{} // closed when PID 1 has ended and was reaped
	closer sync.Once
	err    error
}

// PID is the host's systemd as seen from outside.
func (h *Host) PID() int { return h.pid }

// Root is the host's file system as seen from outside, valid until it ends.
func (h *Host) Root() string { return fmt.Sprintf("/proc/%d/root", h.pid) }

// Share is the folder outside that is /lab inside.
func (h *Host) Share() string { return h.share }

// Done is closed when the host has ended, by Close or by itself (a poweroff or
// a reboot inside ends it).
func (h *Host) Done() <-chan struct{} { return h.done }

// Cgroup is the host's folder in the machine's cgroup2 hierarchy.
func (h *Host) Cgroup() string { return h.res.Cgroups[0] }

// Command prepares argv to run inside the host as root, with a plain
// environment (add to Env as you like). Dir means the folder of that name
// inside, or / if there is none. When ctx ends the command is killed; what it
// has started in the background lives on until the host ends. An empty argv
// gives a command that says so when it is started.
func (h *Host) Command(ctx context.Context, argv ...string) *exec.Cmd {
	job, err := json.Marshal(enterJob{PID: h.pid, Cgroups: h.res.enter(), Argv: argv})
	if err == nil && len(argv) == 0 {
		err = errors.New("run a command in a host: no command given")
	}
	cmd := exec.CommandContext(ctx, selfExe, roleEnter, string(job))
	cmd.Env = insideEnv()
	cmd.Cancel = func() error { return cmd.Process.Signal(sigAbandon) }
	cmd.WaitDelay = 2 * time.Second
	cmd.Err = err
	return cmd
}

const insidePath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// insideEnv is what a login on the host would have, and the few things of the
// caller's that belong to the terminal rather than to the machine.
func insideEnv() []string {
	env := []string{
		insidePath,
		"HOME=/root", "USER=root", "LOGNAME=root", "LANG=C.UTF-8", "SYSTEMD_PAGER=",
	}
	for _, name := range []string{"TERM", "NO_COLOR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// Close powers the host off, gives it three seconds, then kills whatever is
// left, and clears everything away. Closing twice is fine and says the same.
func (h *Host) Close() error {
	h.closer.Do(func() {
		select {
		case <-h.done:
		default:
			_ = syscall.Kill(h.pid, sigPowerOff)
			select {
			case <-h.done:
			case <-time.After(3 * time.Second):
			}
		}
		h.err = h.clear()
	})
	return h.err
}

// clear ends the host without ceremony and removes what it had outside.
func (h *Host) clear() error {
	var errs []error
	if h.pid > 0 {
		_ = syscall.Kill(h.pid, syscall.SIGKILL)
	}
	errs = append(errs, h.res.killAll())
	<-h.done
	unlock, err := lockBase()
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	defer unlock()
	errs = append(errs, h.res.remove(), os.RemoveAll(h.dir), h.lock.Close())
	return errors.Join(errs...)
}

// logTail is the last of what the host's first process said before it could
// write to a journal.
func (h *Host) logTail() string {
	b, err := os.ReadFile(filepath.Join(h.dir, "log"))
	if err != nil {
		return ""
	}
	return string(b[max(0, len(b)-2000):])
}

// sigPowerOff is SIGRTMIN+4, systemd's "start poweroff.target".
const sigPowerOff = syscall.Signal(34 + 4)

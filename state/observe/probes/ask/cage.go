package ask

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cagePrefix is in the name of every cgroup that holds a command.
const cagePrefix = "evenkeel-probe-"

// cage is a cgroup for one command and all that it starts. A nil cage does nothing.
type cage struct {
	dir  string
	file *os.File
}

// cages are made below the cgroup that systemd left to evenkeel (Delegate=yes);
// without one there are none, and process groups must do.
type cages struct {
	once   sync.Once
	parent string

	mu   sync.Mutex
	left []string // what could not be removed yet
}

func (c *cages) make() (*cage, error) {
	c.once.Do(func() {
		if c.parent == "" {
			c.parent = delegated("/proc/self/cgroup", "/sys/fs/cgroup")
		}
	})
	if c.parent == "" {
		return nil, nil
	}
	c.sweep()
	dir, err := os.MkdirTemp(c.parent, cagePrefix)
	if err != nil {
		return nil, fmt.Errorf("make a cgroup for the command: %s", plain(err))
	}
	f, err := os.Open(dir)
	if err != nil {
		os.Remove(dir)
		return nil, fmt.Errorf("open a cgroup for the command: %s", plain(err))
	}
	return &cage{dir: dir, file: f}, nil
}

// delegated finds the cgroup v2 folder of this process, if it is ours to divide.
func delegated(proc, root string) string {
	text, err := os.ReadFile(proc)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		dir := filepath.Join(root, path)
		for _, attr := range []string{"user.delegate", "trusted.delegate"} {
			value := make([]byte, 8)
			if n, err := unix.Getxattr(dir, attr, value); err == nil && string(value[:n]) == "1" {
				return dir
			}
		}
	}
	return ""
}

func (c *cage) kill() {
	if c != nil {
		_ = os.WriteFile(filepath.Join(c.dir, "cgroup.kill"), []byte("1"), 0)
	}
}

// remove takes a cage away. What was in it may need a moment to be buried; if
// that takes longer, it is tried again before the next command.
func (c *cages) remove(one *cage) {
	if one == nil {
		return
	}
	one.file.Close()
	for wait := time.Millisecond; wait <= 64*time.Millisecond; wait *= 2 {
		if gone(one.dir) {
			return
		}
		time.Sleep(wait)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = append(c.left, one.dir)
}

func (c *cages) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = slices.DeleteFunc(c.left, gone)
}

func gone(dir string) bool {
	err := os.Remove(dir)
	return err == nil || os.IsNotExist(err)
}

// attributes of a command: a group of its own, killed with the thread that
// started it, in its cage.
func attributes(c *cage, who *syscall.Credential) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: who}
	if c != nil {
		a.UseCgroupFD, a.CgroupFD = true, int(c.file.Fd())
	}
	return a
}

// What a command may use beyond what its user does already.
const (
	maxTasks  = 64
	maxMemory = 1 << 30
)

// tame bounds a command that has just begun: how many processes its user may
// have meanwhile, its memory and time on a processor; and it is the first to go
// when memory runs out. It has begun already: what it does in its first moments
// is bounded by its end alone.
func tame(pid, tasks, seconds int) {
	limit := func(what int, n uint64) {
		_ = unix.Prlimit(pid, what, &unix.Rlimit{Cur: n, Max: n}, nil)
	}
	if tasks >= 0 {
		limit(unix.RLIMIT_NPROC, uint64(tasks+maxTasks))
	}
	limit(unix.RLIMIT_CPU, uint64(max(1, seconds)+1))
	limit(unix.RLIMIT_DATA, maxMemory)
	limit(unix.RLIMIT_CORE, 0)
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("1000"), 0)
}

// tasksOf counts the threads of a user: the kernel's limit is for all of them
// together. Root has no limit.
func tasksOf(who *syscall.Credential) int {
	if who.Uid == 0 {
		return -1
	}
	all, err := os.ReadDir("/proc")
	if err != nil {
		return -1
	}
	tasks := 0
	for _, d := range all {
		if n := d.Name(); n[0] < '0' || n[0] > '9' {
			continue
		}
		var st unix.Stat_t
		if unix.Stat("/proc/"+d.Name(), &st) == nil && st.Uid == who.Uid {
			threads, _ := os.ReadDir("/proc/" + d.Name() + "/task")
			tasks += len(threads)
		}
	}
	return tasks
}

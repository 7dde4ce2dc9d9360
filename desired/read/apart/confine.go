package apart

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxMemory    = 512 << 20
	maxProcessor = 10 * time.Second
	maxFiles     = 16
	maxTasks     = 4096 // of its user in all, of which it has some ten; much else may run as nobody
)

// confine gives up what the start could not take, and refuses to go on with any
// right that is left. It comes before the first byte is read.
func confine() error {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) // it goes first when memory runs out
	// Whoever else runs as this user must not look into its memory.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("shut its memory: %w", err)
	}
	inherited()
	for _, l := range limits() {
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.most, Max: l.most}); err != nil {
			return fmt.Errorf("limit its %s: %w", l.name, err)
		}
	}
	if err := powerless(); err != nil {
		return err
	}
	return filter()
}

// limit is one of the kernel's.
type limit struct {
	name string
	what int
	most uint64
}

// limits bound the process. Memory is bounded by what it may write to: Go takes
// far more of the address space than of memory.
func limits() []limit {
	all := []limit{
		{"open files", unix.RLIMIT_NOFILE, maxFiles},
		{"tasks", unix.RLIMIT_NPROC, maxTasks},
		{"files' size", unix.RLIMIT_FSIZE, 0},
		{"time", unix.RLIMIT_CPU, uint64(maxProcessor / time.Second)},
		{"core", unix.RLIMIT_CORE, 0},
		{"locked memory", unix.RLIMIT_MEMLOCK, 0},
	}
	if !raced {
		all = append(all, limit{"memory", unix.RLIMIT_DATA, maxMemory})
	}
	return all
}

// inherited closes what whoever started evenkeel left open, but not what Go
// itself waits by.
func inherited() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err == nil && !strings.HasPrefix(to, "anon_inode:[event") {
			_ = unix.Close(fd)
		}
	}
}

var errPowerful = errors.New("it still has rights, and will not read")

// powerless refuses root, capabilities, and the way to either.
func powerless() error {
	if unix.Getuid() == 0 || unix.Geteuid() == 0 {
		return errPowerful
	}
	var caps [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &caps[0]); err != nil {
		return fmt.Errorf("look at its capabilities: %w", err)
	}
	if caps[0].Effective|caps[1].Effective|caps[0].Permitted|caps[1].Permitted != 0 {
		return errPowerful
	}
	if on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || on != 1 {
		return errPowerful
	}
	return nil
}

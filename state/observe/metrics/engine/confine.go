package engine

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	maxMemoryHard = 512 << 20
	maxFile       = 256 << 20
	maxFiles      = 1024
	maxTasks      = 4096 // of its user in all; much else may run as nobody
	folder        = 3    // the descriptor under which it is given its folder
)

// confine gives up what the start could not take, goes into the folder that it is
// given, which it could not find by its path, and refuses to go on with any right
// that is left.
func confine() error {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) // it goes first when memory runs out
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("shut its memory: %w", err)
	}
	if err := unix.Fchdir(folder); err != nil {
		return fmt.Errorf("enter its folder: %w", err)
	}
	_ = unix.Close(folder)
	unix.Umask(0o077)
	for _, l := range limits() {
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.most, Max: l.most}); err != nil {
			return fmt.Errorf("limit its %s: %w", l.name, err)
		}
	}
	return powerless()
}

// limit is one of the kernel's.
type limit struct {
	name string
	what int
	most uint64
}

// limits bound the process. Memory is bounded by what it may write to: Go takes far
// more of the address space than of memory.
func limits() []limit {
	all := []limit{
		{"open files", unix.RLIMIT_NOFILE, maxFiles},
		{"tasks", unix.RLIMIT_NPROC, maxTasks},
		{"files' size", unix.RLIMIT_FSIZE, maxFile},
		{"core", unix.RLIMIT_CORE, 0},
		{"locked memory", unix.RLIMIT_MEMLOCK, 0},
	}
	if !raced {
		all = append(all, limit{"memory", unix.RLIMIT_DATA, maxMemoryHard})
	}
	return all
}

var errPowerful = errors.New("it still has rights, and will not evaluate")

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

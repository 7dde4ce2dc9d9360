package powerless

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Shut lets this process go first when memory runs out, and lets nobody look into it,
// whoever else runs as this user.
func Shut() error {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("shut its memory: %w", err)
	}
	return nil
}

// Limits bound this process. None can be raised again.
type Limits struct {
	Memory    uint64 // bytes that it may write to: Go takes far more of the address space than of memory
	Files     uint64 // that are open
	Tasks     uint64 // of its user in all; much else may run as nobody
	FileSize  uint64 // bytes; 0: it writes no file
	Processor uint64 // seconds; 0: as long as it lives
}

// Hold sets the limits. A core is never left, and no memory locked.
func (l Limits) Hold() error {
	type limit struct {
		name string
		what int
		most uint64
	}
	all := []limit{
		{"open files", unix.RLIMIT_NOFILE, l.Files},
		{"tasks", unix.RLIMIT_NPROC, l.Tasks},
		{"files' size", unix.RLIMIT_FSIZE, l.FileSize},
		{"core", unix.RLIMIT_CORE, 0},
		{"locked memory", unix.RLIMIT_MEMLOCK, 0},
	}
	if l.Processor > 0 {
		all = append(all, limit{"time", unix.RLIMIT_CPU, l.Processor})
	}
	if !Raced {
		all = append(all, limit{"memory", unix.RLIMIT_DATA, l.Memory})
	}
	for _, one := range all {
		if err := unix.Setrlimit(one.what, &unix.Rlimit{Cur: one.most, Max: one.most}); err != nil {
			return fmt.Errorf("limit its %s: %w", one.name, err)
		}
	}
	return nil
}

// Check refuses root, capabilities, and the way to either. What the process will not
// do with them, "read" say, is for the error.
func Check(what string) error {
	powerful := fmt.Errorf("it still has rights, and will not %s", what)
	if unix.Getuid() == 0 || unix.Geteuid() == 0 {
		return powerful
	}
	var caps [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &caps[0]); err != nil {
		return fmt.Errorf("look at its capabilities: %w", err)
	}
	if caps[0].Effective|caps[1].Effective|caps[0].Permitted|caps[1].Permitted != 0 {
		return powerful
	}
	if on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || on != 1 {
		return powerful
	}
	return nil
}

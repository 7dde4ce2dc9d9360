package git

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const scratchName = "evenkeel-git-"

// scratch makes a folder for one session, and locks it as long as it is used. Those
// of processes that were killed are cleared away: keys lie in them.
func scratch(within string, who *syscall.Credential) (dir string, lock *os.File, err error) {
	if within == "" {
		within = os.TempDir()
	}
	if err := reaches(who, within); err != nil {
		return "", nil, err
	}
	sweep(within)
	for range 10 {
		if dir, err = os.MkdirTemp(within, scratchName); err != nil {
			break
		}
		if lock, err = locked(dir); err == nil {
			return dir, lock, nil
		}
		_ = os.Remove(dir) // somebody sweeps at this very moment
	}
	return "", nil, fmt.Errorf("make a folder for git: %w", err)
}

// locked opens a folder that nobody else has open so.
func locked(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func sweep(within string) {
	left, err := filepath.Glob(filepath.Join(within, scratchName+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		var st unix.Stat_t
		if unix.Lstat(dir, &st) != nil || int(st.Uid) != os.Geteuid() {
			continue
		}
		if lock, err := locked(dir); err == nil {
			_ = os.RemoveAll(dir)
			lock.Close()
		}
	}
}

package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const scratchName = "evenkeel-scratch-"

// scratch makes a folder for one session, and locks it as long as it is used. Those
// of processes that were killed are cleared away: keys lie in them.
func scratch(within string, who *syscall.Credential) (dir string, lock *os.File, err error) {
	if within, err = reachable(within, who); err != nil {
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

// reachable is the folder that was asked for, or one in memory, or one for temporary
// files: the first to which git's user can walk.
func reachable(within string, who *syscall.Credential) (string, error) {
	if within != "" {
		return within, reaches(who, within)
	}
	var errs []error
	for _, dir := range []string{"/dev/shm", os.TempDir(), "/tmp"} {
		err := reaches(who, dir)
		if err == nil {
			err = unix.Access(dir, unix.W_OK|unix.X_OK)
		}
		if err == nil {
			return dir, nil
		}
		errs = append(errs, err)
	}
	return "", fmt.Errorf("find a folder for git: %w", errors.Join(errs...))
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

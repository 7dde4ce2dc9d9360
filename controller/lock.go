package controller

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ErrRunning says that another evenkeel acts on this host.
var ErrRunning = errors.New("another evenkeel is running on this host")

// HostLock is the right to act on this host. The kernel takes it back when the
// process ends, however it ends.
type HostLock struct{ files []*os.File }

// lockName is the file, in each folder, that is locked.
const lockName = "controller.lock"

// Lock takes the right to act: a lock in the runtime folder, which every
// evenkeel of this host shares, and one beside the record, which also holds off
// one in another mount namespace. It returns ErrRunning if another has it.
func Lock(folders ...string) (*HostLock, error) {
	l := &HostLock{}
	for _, dir := range folders {
		if err := l.take(dir); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

func (l *HostLock) take(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("open the lock: %w", err)
	}
	l.files = append(l.files, f)
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return ErrRunning
		}
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}

// Close gives the right back.
func (l *HostLock) Close() {
	for _, f := range l.files {
		_ = f.Close()
	}
	l.files = nil
}

// WaitLock waits until the right to act is free, passively; waiting is called
// once if it is not free at once. It returns ctx's error when ctx ends.
func WaitLock(ctx context.Context, waiting func(), folders ...string) (*HostLock, error) {
	said := false
	for {
		l, err := Lock(folders...)
		if !errors.Is(err, ErrRunning) {
			return l, err
		}
		if !said {
			waiting()
			said = true
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

package files

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// racy is how long a file must have been left alone before a reading of it is
// kept. Within it a second change can leave the same times: the kernel stamps
// with the clock of its last tick.
const racy = 20 * time.Millisecond

// stamp is the identity of what lies at a path. While it is the same, the
// content is: every change of content, mode or owner moves ctime.
type stamp struct {
	dev, ino     uint64
	mode         uint32
	uid, gid     uint32
	size         int64
	mtime, ctime unix.Timespec
}

func stampOf(st *unix.Stat_t) stamp {
	return stamp{
		dev: st.Dev, ino: st.Ino, mode: st.Mode, uid: st.Uid, gid: st.Gid,
		size: st.Size, mtime: st.Mtim, ctime: st.Ctim,
	}
}

// kind is the part of the mode that says what it is.
func (s stamp) kind() uint32 { return s.mode & unix.S_IFMT }

func (s stamp) changed() time.Time { return time.Unix(s.ctime.Unix()).UTC() }

// settled tells whether a reading that began at a wall clock time may be kept.
func (s stamp) settled(at time.Time) bool { return at.Sub(s.changed()) > racy }

// gone tells whether an error says that nothing lies at a path.
func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) }

// lstat is the stamp of what lies at a path, a link not followed.
func lstat(path string) (stamp, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Lstat(path, &st) })
	return stampOf(&st), err
}

// stat is the stamp of what a path leads to.
func stat(path string) (stamp, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Stat(path, &st) })
	return stampOf(&st), err
}

// retry repeats a system call that a signal cut short.
func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

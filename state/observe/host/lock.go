package host

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// locked tells whether a process holds an exclusive lock on a file, without
// taking it. A file that is not there is not locked.
func locked(path string) (bool, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := unix.Open(path, flags, 0)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return false, nil
	case errors.Is(err, unix.EACCES):
		return listed(path)
	case err != nil:
		return false, err
	}
	defer unix.Close(fd)
	// A reader's lock conflicts with a writer's only. The query by open file
	// description sees locks of either sort, those of this process too.
	lk := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &lk); err != nil {
		return false, err
	}
	return lk.Type != unix.F_UNLCK, nil
}

// maxLocks bounds what is read of the kernel's list, in bytes.
const maxLocks = 1 << 20

// listed looks for a file in the kernel's list of locks, for whoever may not
// open it.
func listed(path string) (bool, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return false, err
	}
	f, err := os.Open("/proc/locks")
	if err != nil {
		return false, err
	}
	defer f.Close()
	want := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	sc := bufio.NewScanner(io.LimitReader(f, maxLocks))
	for sc.Scan() {
		// 1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF
		field := strings.Fields(sc.Text())
		if len(field) >= 6 && field[1] != "->" && field[3] == "WRITE" && field[5] == want {
			return true, nil
		}
	}
	return false, sc.Err()
}

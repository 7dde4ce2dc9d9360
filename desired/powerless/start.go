package powerless

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// users are those who have no rights, the first that there is.
var users = []string{"evenkeel", "nobody"}

// Nobody is who a child is: root becomes somebody without rights, and whoever has none
// stays who he is. What it is for, "read it" say, is for the error.
func Nobody(what string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range users {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 && gid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}}, nil
		}
	}
	return nil, fmt.Errorf("there is no user evenkeel and no user nobody who could %s", what)
}

// Forswear makes this thread, and whatever is started from it, unable to gain a
// right: neither by a setuid program nor by one with capabilities. The thread cannot
// take it back, so it must be locked, and end with what it was for.
func Forswear() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("give up capabilities: %w", err)
	}
	return nil
}

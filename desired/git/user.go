package git

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// userOf finds a user by name or number. Nil is this process' own.
func userOf(name string) (*syscall.Credential, error) {
	if name == "" {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return nil, fmt.Errorf("there is no user %s for git to run as: useradd --system %s", name, name)
		}
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("the user %s has no number", name)
	}
	if int(uid) == os.Geteuid() && int(gid) == os.Getegid() {
		return nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("git is to run as %s, which takes root", name)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}}, nil
}

// give hands a file or a folder over to whom git runs as.
func give(name string, who *syscall.Credential) error {
	if who == nil {
		return nil
	}
	return os.Lchown(name, int(who.Uid), int(who.Gid))
}

// reaches says which folder above a path a user cannot walk through.
func reaches(who *syscall.Credential, name string) error {
	if who == nil {
		return nil
	}
	for dir := name; ; dir = filepath.Dir(dir) {
		fi, err := os.Stat(dir)
		if err != nil {
			return err
		}
		st, ok := fi.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("%s: no owner", dir)
		}
		mode := fi.Mode().Perm()
		switch {
		case st.Uid == who.Uid:
			mode >>= 6
		case st.Gid == who.Gid || slices.Contains(who.Groups, st.Gid):
			mode >>= 3
		}
		if mode&1 == 0 {
			return fmt.Errorf("git runs as user %d, who cannot walk through %s to %s: choose another folder, or chmod o+x %s", who.Uid, dir, name, dir)
		}
		if dir == "/" {
			return nil
		}
	}
}

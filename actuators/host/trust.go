package host

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// trusted refuses a path that somebody other than root could replace: each
// folder above it must be root's, writable for root alone, and no link.
// With scratch, folders of this user and sticky ones (/tmp) are good too.
func trusted(path string, scratch bool) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if real != path {
		return fmt.Errorf("%s is reached through a symbolic link: give %s", path, real)
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		fi, err := os.Lstat(dir)
		if err != nil {
			return err
		}
		if err := private(dir, fi, scratch); err != nil {
			return err
		}
		if dir == "/" {
			return nil
		}
	}
}

// private refuses what is not root's, or is writable for others.
func private(path string, fi fs.FileInfo, scratch bool) error {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: no owner", path)
	}
	if st.Uid != 0 && !(scratch && int(st.Uid) == os.Geteuid()) {
		return fmt.Errorf("%s belongs to user %d and must be root's: chown root %s", path, st.Uid, path)
	}
	if fi.Mode().Perm()&0o022 != 0 && !(scratch && fi.Mode()&fs.ModeSticky != 0) {
		return fmt.Errorf("%s can be written by others (%v): chmod go-w %s", path, fi.Mode().Perm(), path)
	}
	return nil
}

package install

import (
	"os"
	"path/filepath"
	"syscall"
)

// Changeable names what of a program's path others than root can change: the
// program or a folder above it; empty: nothing. A unit that runs it as root
// would make them root.
func Changeable(program string) string {
	for p := filepath.Clean(program); ; p = filepath.Dir(p) {
		i, err := os.Stat(p)
		if err != nil {
			return p
		}
		st, ok := i.Sys().(*syscall.Stat_t)
		sticky := i.IsDir() && i.Mode()&os.ModeSticky != 0
		if ok && st.Uid != 0 || i.Mode().Perm()&0o022 != 0 && !sticky {
			return p
		}
		if p == "/" {
			return ""
		}
	}
}

package apart

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired/powerless"
)

// limits of a child, which has some ten tasks.
var limits = powerless.Limits{Memory: 512 << 20, Files: 16, Tasks: 4096, Processor: 10}

// confine gives up what the start could not take, and refuses to go on with any
// right that is left. It comes before the first byte is read.
func confine() error {
	if err := powerless.Shut(); err != nil {
		return err
	}
	inherited()
	if err := limits.Hold(); err != nil {
		return err
	}
	if err := powerless.Check("read"); err != nil {
		return err
	}
	return filter()
}

// inherited closes what whoever started evenkeel left open, but not what Go
// itself waits by.
func inherited() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err == nil && !strings.HasPrefix(to, "anon_inode:[event") {
			_ = unix.Close(fd)
		}
	}
}

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cgroupPrefix is in the name of all that is ours to kill.
const cgroupPrefix = "evenkeel-plugin-"

// OwnCgroup is the cgroup v2 folder of this process, for Options.Cgroup, if
// systemd left it to us (Delegate=yes in the unit); else it is empty.
func OwnCgroup() string {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		dir := filepath.Join("/sys/fs/cgroup", path)
		for _, attr := range []string{"user.delegate", "trusted.delegate"} {
			value := make([]byte, 8)
			if n, err := unix.Getxattr(dir, attr, value); err == nil && string(value[:n]) == "1" {
				return dir
			}
		}
	}
	return ""
}

// cgroup holds one plugin and all that it starts, whatever session or group
// they flee to. A nil cgroup does nothing.
type cgroup struct {
	dir  string
	file *os.File
}

// newCgroup makes a child of parent; an empty parent gives nil.
func newCgroup(parent, name string) (*cgroup, error) {
	if parent == "" {
		return nil, nil
	}
	dir, err := os.MkdirTemp(parent, cgroupPrefix+name+"-")
	if err != nil {
		return nil, fmt.Errorf("make a cgroup: %w", err)
	}
	f, err := os.Open(dir)
	if err != nil {
		os.Remove(dir)
		return nil, fmt.Errorf("open a cgroup: %w", err)
	}
	return &cgroup{dir: dir, file: f}, nil
}

// kill ends everything in it (Linux 5.14; before that only the process group
// is killed).
func (c *cgroup) kill() {
	if c != nil {
		_ = os.WriteFile(filepath.Join(c.dir, "cgroup.kill"), []byte("1"), 0)
	}
}

// remove takes it away once it is empty, for which it waits up to a second.
func (c *cgroup) remove() {
	if c == nil {
		return
	}
	c.file.Close()
	for range 100 {
		if err := os.Remove(c.dir); err == nil || os.IsNotExist(err) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// sweepCgroups kills and removes what an earlier host left behind.
func sweepCgroups(parent string) {
	if parent == "" {
		return
	}
	left, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range left {
		if e.IsDir() && strings.HasPrefix(e.Name(), cgroupPrefix) {
			dir := filepath.Join(parent, e.Name())
			_ = os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0)
			_ = os.Remove(dir)
		}
	}
}

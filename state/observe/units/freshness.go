package units

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pakashop/evenkeel/state/observe/bus"
)

// freshness is the knowledge that no unit needs a daemon-reload because nothing
// in systemd's unit folders has changed since systemd read them. NeedDaemonReload
// is by far the dearest property: PID 1 looks at every file and folder of the
// unit. For many units it is cheaper to look at all of them once ourselves.
type freshness struct {
	known     bool
	generated map[string]bool // units made by generators, from files elsewhere
}

// covers tells that the unit certainly needs no reload.
func (f freshness) covers(id string) bool { return f.known && !f.generated[id] }

const (
	// freshFrom is the number of units from which the folders are looked at.
	freshFrom = 12
	// freshMargin is how much older than systemd's reading a change must be to
	// count as read: file systems date changes by the kernel's tick, which is 10 ms
	// at most.
	freshMargin = 20 * time.Millisecond
	// freshLimit bounds the number of files that are looked at.
	freshLimit = 20000
)

func (o *Observer) freshness(ctx context.Context, n int) (freshness, error) {
	if n < freshFrom {
		return freshness{}, nil
	}
	r, err := o.bus.Get(ctx, []bus.Property{managerProp("UnitsLoadTimestamp"), managerProp("UnitPath")})
	if err != nil {
		return freshness{}, err
	}
	loaded, _ := r[0].Value.(uint64)
	folders, _ := r[1].Value.([]string)
	if loaded == 0 || len(folders) == 0 {
		return freshness{}, nil
	}
	s := scan{root: o.opts.Root, before: time.UnixMicro(int64(loaded)).Add(-freshMargin), left: freshLimit, seen: map[[2]uint64]bool{}, generated: map[string]bool{}}
	for _, f := range folders {
		if !s.folder(f) {
			return freshness{}, nil
		}
	}
	return freshness{known: true, generated: s.generated}, nil
}

func managerProp(name string) bus.Property {
	return bus.Property{Path: bus.ManagerPath, Interface: bus.ManagerInterface, Name: name}
}

// scan looks for a change in the unit folders.
type scan struct {
	root      string
	before    time.Time
	left      int
	seen      map[[2]uint64]bool // folders, by device and inode: /lib may be /usr/lib
	generated map[string]bool
}

// folder tells that nothing in a folder of units, or of drop-ins, is young.
func (s *scan) folder(path string) bool {
	full := filepath.Join(s.root, path)
	if s.again(full) {
		return true
	}
	generator := strings.Contains(path, "/generator")
	if !generator && !s.old(full) {
		return false
	}
	entries, err := os.ReadDir(full)
	if err != nil {
		return os.IsNotExist(err)
	}
	for _, e := range entries {
		if generator {
			if !s.made(e.Name()) {
				return false
			}
			continue
		}
		if !s.entry(path, e) {
			return false
		}
	}
	return true
}

func (s *scan) again(folder string) bool {
	var st syscall.Stat_t
	if syscall.Stat(folder, &st) != nil {
		return false
	}
	id := [2]uint64{st.Dev, st.Ino}
	again := s.seen[id]
	s.seen[id] = true
	return again
}

// made notes a unit that a generator made. Generators run with every reload, so
// that their files are always young, and what they made them from lies
// elsewhere. It is false for drop-ins that belong to many units at once.
func (s *scan) made(name string) bool {
	unit, dropIns := strings.CutSuffix(name, ".d")
	if dropIns && badName(unit) != "" || strings.Contains(unit, "-.") {
		return false
	}
	s.generated[unit] = true
	return true
}

func (s *scan) entry(folder string, e os.DirEntry) bool {
	path := filepath.Join(folder, e.Name())
	switch {
	case !e.IsDir():
		return s.old(filepath.Join(s.root, path))
	case strings.HasSuffix(path, ".d"):
		return s.folder(path)
	}
	return true // .wants and .requires: links that are no content
}

// old tells that neither a path nor what it points to has changed lately. What
// is not there is old: its absence shows in its folder.
func (s *scan) old(path string) bool {
	if s.left--; s.left < 0 {
		return false
	}
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		return err == syscall.ENOENT
	}
	if !s.settled(&st) {
		return false
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFLNK {
		return true
	}
	if err := syscall.Stat(path, &st); err != nil {
		return err == syscall.ENOENT
	}
	return st.Mode&syscall.S_IFMT == syscall.S_IFCHR || s.settled(&st) // a mask points to a device
}

func (s *scan) settled(st *syscall.Stat_t) bool {
	return time.Unix(st.Ctim.Unix()).Before(s.before)
}

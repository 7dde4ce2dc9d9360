package files

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tripwire tells with one system call that some folders, and the ways to them,
// are as they were when they were last looked at.
//
// Silence is proof, not a hint: the kernel puts an event into the queue before
// the call that changes a folder returns, and a folder is watched before it is
// looked at. What the queue cannot tell is excluded otherwise: the kernel's
// table of mounts says when something may have been mounted over a folder, and
// folders on file systems that can change without this kernel's knowledge make
// the tripwire unsure; then it is never silent. The one exception is an overlay
// whose layers somebody changes behind its back, which the kernel leaves
// undefined; that is seen when silence has lasted for longest.
//
// A nil tripwire is never silent. It is not safe for concurrent use.
type tripwire struct {
	queue  int // inotify
	mounts int // /proc/self/mountinfo: the kernel marks it when the table changes
	buf    []byte

	set    bool      // all folders were looked at with their watches in place
	looked time.Time // when that began
	laid   time.Time // when the watches were last made anew
	moved  bool      // a watched folder may no longer be what lies at its path
	unsure bool      // not everything that matters can be watched

	covered map[string]bool // by path: it and the way to it are watched
	paths   map[string]bool // watched, by path without links; true: names on a way are looked up in it
	watches map[int32]bool  // the same by watch
	former  map[int32]bool  // watches of before, not removed yet
}

// longest is how long silence is believed before everything is looked at again.
const longest = 30 * time.Second

func newTripwire() (*tripwire, error) {
	queue, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch folders: %w", err)
	}
	mounts, err := openQuietly("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		_ = unix.Close(queue)
		return nil, fmt.Errorf("watch mounts: %w", err)
	}
	return &tripwire{queue: queue, mounts: mounts, buf: make([]byte, 16<<10), moved: true, former: make(map[int32]bool)}, nil
}

func (w *tripwire) close() {
	_ = unix.Close(w.queue)
	_ = unix.Close(w.mounts)
}

// silent tells that nothing has changed since begin.
func (w *tripwire) silent() bool {
	if w == nil || !w.set || time.Since(w.looked) >= longest {
		return false
	}
	queued, quiet := w.poll()
	return quiet && !queued
}

// poll tells whether events are queued, and that nothing was mounted or
// unmounted since it was last asked.
func (w *tripwire) poll() (queued, quiet bool) {
	fds := []unix.PollFd{{Fd: int32(w.queue), Events: unix.POLLIN}, {Fd: int32(w.mounts), Events: unix.POLLPRI}}
	err := retry(func() error { _, err := unix.Poll(fds, 0); return err })
	quiet = err == nil && fds[1].Revents == 0
	w.moved = w.moved || !quiet
	return fds[0].Revents != 0, quiet
}

// begin forgets what has happened so far. Whoever calls it names with cover and
// watch each folder that he is about to look at, then calls end; without end
// there is no silence.
func (w *tripwire) begin() {
	if w == nil {
		return
	}
	w.set, w.looked = false, time.Now()
	w.drain()
	if !w.moved && (!w.unsure || time.Since(w.laid) < longest) {
		return
	}
	w.laid, w.moved, w.unsure = time.Now(), false, false
	maps.Copy(w.former, w.watches)
	w.covered, w.paths, w.watches = make(map[string]bool), make(map[string]bool), make(map[int32]bool)
}

// maxDrain bounds how often the queue is read. What is left breaks the silence
// once more, and no harm is done.
const maxDrain = 64

// drain empties the queue. Where a folder came or went, where anything did on
// the way to one, or where events were lost, the watches are to be made anew;
// files that come and go leave them as they are.
func (w *tripwire) drain() {
	const folders = unix.IN_ISDIR | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_UNMOUNT | unix.IN_IGNORED
	for range maxDrain {
		if queued, _ := w.poll(); !queued {
			return
		}
		n, err := unix.Read(w.queue, w.buf)
		if err != nil {
			w.moved = true
			return
		}
		for e := range events(w.buf[:n]) {
			lookup, ours := w.watches[e.watch]
			if ours && (lookup || e.mask&folders != 0) || e.mask&unix.IN_Q_OVERFLOW != 0 {
				w.moved = true
			}
		}
	}
}

// cover watches a folder that may come into being or be replaced, by a link
// too: each folder in which a name on the way to it is looked up is watched
// first. dir is absolute.
func (w *tripwire) cover(dir string) {
	if w == nil || w.covered[dir] {
		return
	}
	w.covered[dir] = true
	at, rest := "/", strings.Split(dir, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." || name == ".." {
			at = path.Join(at, name) // at has no link in it
			continue
		}
		w.add(at, true)
		next := path.Join(at, name)
		if w.paths[next] {
			at = next
			continue
		}
		dest, err := os.Readlink(next)
		switch {
		case errors.Is(err, unix.EINVAL): // no link
			at = next
		case gone(err):
			return // its coming is an event in at
		case err != nil || links == maxFollow:
			w.unsure = true
			return
		default:
			if links++; path.IsAbs(dest) {
				at = "/"
			}
			rest = append(strings.Split(dest, "/"), rest...)
		}
	}
	w.add(at, false)
}

// watch watches a folder whose parent is covered.
func (w *tripwire) watch(dir string) {
	if w != nil {
		w.add(dir, false)
	}
}

// add watches one folder. lookup says that a name on the way is looked up in it.
func (w *tripwire) add(dir string, lookup bool) {
	if was, ok := w.paths[dir]; ok && (was || !lookup) {
		return
	}
	w.paths[dir] = lookup
	id, err := unix.InotifyAddWatch(w.queue, dir, comings|unix.IN_ATTRIB|unix.IN_ONLYDIR)
	if gone(err) {
		return // its coming is an event in its parent
	}
	if err != nil || !tellsAll(dir) {
		w.unsure = true
	}
	if err == nil {
		w.watches[int32(id)] = w.watches[int32(id)] || lookup
	}
}

// end says that everything was looked at.
func (w *tripwire) end() {
	if w == nil {
		return
	}
	for id := range w.former {
		if _, ok := w.watches[id]; !ok {
			_, _ = unix.InotifyRmWatch(w.queue, uint32(id)) // the kernel may have done so
		}
	}
	clear(w.former)
	w.set = !w.unsure
}

// tellsAll says whether every change of a folder is an event: it lies on a file
// system that only this kernel changes.
func tellsAll(dir string) bool {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Statfs(dir, &st) }); err != nil {
		return false
	}
	switch uint32(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.SQUASHFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC:
		return true
	}
	return false
}

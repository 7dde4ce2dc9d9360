package files

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// quiet is how long a batch of changes waits for the next one while a file is
// being written, and patience how long it waits at most. An editor writes in
// several steps; a file that was changed by hand should lie as declared again
// within 3 ms.
const (
	quiet    = time.Millisecond
	patience = 2 * time.Millisecond
)

// Watcher reports changes of files and folders, of those too that do not exist
// yet. It watches folders, never files: a file that is replaced is another one,
// and a watch on it goes blind. Every folder on the way down to a path is
// watched, for nothing but the next name.
//
// It is a hint, not a promise: where the kernel grants no more watches, or a
// link deeper than the last folder moves, only looking again tells.
type Watcher struct {
	log   *slog.Logger
	queue *os.File // inotify

	mu      sync.Mutex // guards what follows
	want    map[string]bool
	folders map[string]*folder
	byWatch map[int32][]string
	told    map[string]bool // folders that could not be watched, and were logged
}

// folder is a folder on the way to something.
type folder struct {
	watch int32 // of inotify; noWatch: it could not be watched
	all   bool  // each of its entries is reported
	names map[string]role
}

const noWatch = -1

// role says what a name within a folder leads to.
type role struct {
	wanted bool // it is a path that is to be reported
	above  bool // paths that are to be reported lie below it
}

// NewWatcher returns a Watcher of nothing. Close it, whether it ran or not.
func NewWatcher(log *slog.Logger) (*Watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	return &Watcher{
		log: log, queue: os.NewFile(uintptr(fd), "inotify"),
		want: make(map[string]bool), folders: make(map[string]*folder),
		byWatch: make(map[int32][]string), told: make(map[string]bool),
	}, nil
}

// Close ends all watching. A Run that is under way returns.
func (w *Watcher) Close() error { return w.queue.Close() }

// Set replaces what is watched: paths, and folders of which each entry counts.
// All are absolute and clean. What was changed before Set returned is not
// reported: look at it afterwards.
func (w *Watcher) Set(paths, folders []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.folders
	w.folders, w.want = make(map[string]*folder, len(old)), make(map[string]bool, len(paths)+len(folders))
	w.enlist(paths, folders)
	for dir, f := range old {
		if n, ok := w.folders[dir]; ok && (n.leaf() == f.leaf() || f.leaf()) {
			n.watch = f.watch
		} else if !ok {
			w.unwatch(dir, f)
		}
	}
	w.arm("/")
}

// Add watches more than what Set named, until the next Set.
func (w *Watcher) Add(paths, folders []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.enlist(paths, folders) {
		w.arm("/")
	}
}

// enlist notes what is wanted, and tells whether anything is new.
func (w *Watcher) enlist(paths, folders []string) bool {
	news := false
	for _, p := range paths {
		if !w.want[p] {
			w.want[p], news = true, true
			w.descend(p, role{wanted: true})
		}
	}
	for _, d := range folders {
		if f := w.folders[d]; f != nil && f.all {
			continue
		}
		w.want[d] = true
		w.descend(d, role{wanted: true, above: true})
		f := w.folder(d)
		f.all, news = true, true
		f.rearm()
	}
	return news
}

// descend notes each name on the way down to a path, whose own role is r.
func (w *Watcher) descend(p string, r role) {
	name := path.Base(p)
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		f := w.folder(dir)
		was := f.names[name]
		if r.wanted && !f.leaf() {
			f.rearm()
		}
		f.names[name] = role{was.wanted || r.wanted, was.above || r.above}
		if dir == "/" || was.above && !r.wanted {
			return
		}
		name, r = path.Base(dir), role{above: true}
	}
}

func (w *Watcher) folder(dir string) *folder {
	f := w.folders[dir]
	if f == nil {
		f = &folder{watch: noWatch, names: make(map[string]role)}
		w.folders[dir] = f
	}
	return f
}

// leaf tells whether changes within entries count, not merely their coming and
// going.
func (f *folder) leaf() bool {
	if f.all {
		return true
	}
	for _, r := range f.names {
		if r.wanted {
			return true
		}
	}
	return false
}

// rearm asks for the folder to be watched anew, with another mask. The kernel
// gives the same watch for the same folder.
func (f *folder) rearm() { f.watch = noWatch }

const (
	comings = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
	changes = unix.IN_MODIFY | unix.IN_CLOSE_WRITE | unix.IN_ATTRIB
)

// arm watches each folder at and below dir that is not watched.
func (w *Watcher) arm(dir string) {
	for _, d := range slices.Sorted(maps.Keys(w.folders)) {
		f := w.folders[d]
		if f.watch != noWatch || !within(d, dir) {
			continue
		}
		mask := uint32(comings | unix.IN_ONLYDIR | unix.IN_MASK_ADD | unix.IN_EXCL_UNLINK)
		if f.leaf() {
			mask |= changes
		}
		id, err := w.addWatch(d, mask)
		if err != nil {
			if !gone(err) && !w.told[d] {
				w.told[d] = true
				w.log.Warn("a folder cannot be watched; its changes are found only by looking again", "folder", d, "error", err)
			}
			continue
		}
		f.watch = id
		if !slices.Contains(w.byWatch[f.watch], d) {
			w.byWatch[f.watch] = append(w.byWatch[f.watch], d)
		}
	}
}

// unwatch forgets the watch of one folder.
func (w *Watcher) unwatch(dir string, f *folder) {
	if f.watch == noWatch {
		return
	}
	rest := slices.DeleteFunc(w.byWatch[f.watch], func(d string) bool { return d == dir })
	if len(rest) > 0 {
		w.byWatch[f.watch] = rest
	} else {
		delete(w.byWatch, f.watch)
		w.removeWatch(f.watch)
	}
	f.watch = noWatch
}

func (w *Watcher) addWatch(dir string, mask uint32) (id int32, err error) {
	id = noWatch
	raw, err := w.queue.SyscallConn()
	if err != nil {
		return id, err
	}
	closed := raw.Control(func(fd uintptr) {
		var n int
		n, err = unix.InotifyAddWatch(int(fd), dir, mask)
		id = int32(n)
	})
	return id, errors.Join(closed, err)
}

// removeWatch drops a watch. An error says that the kernel, or Close, did so
// already.
func (w *Watcher) removeWatch(id int32) {
	raw, err := w.queue.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(id)) })
}

// within tells whether a path is dir or lies below it.
func within(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}

// Run calls dirty with the paths that changed, sorted, until ctx ends or the
// Watcher is closed; then it returns nil. In folders of which each entry
// counts the path is that of the entry. No paths means that anything may have
// changed. What comes while dirty runs is gathered for its next call.
func (w *Watcher) Run(ctx context.Context, dirty func(paths []string)) error {
	stop := context.AfterFunc(ctx, func() { _ = w.queue.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	b := newBatch()
	buf := make([]byte, 64<<10)
	for ctx.Err() == nil {
		if until := b.due(); ctx.Err() == nil {
			_ = w.queue.SetReadDeadline(until) // never fails: inotify can be polled
		}
		if ctx.Err() != nil {
			return nil // ended between the two lines above
		}
		n, err := w.queue.Read(buf)
		switch {
		case errors.Is(err, os.ErrClosed):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			if paths, ok := b.take(); ok {
				dirty(paths)
			}
		case err != nil:
			return fmt.Errorf("watch files: %w", err)
		default:
			w.digest(buf[:n], &b)
		}
	}
	return nil
}

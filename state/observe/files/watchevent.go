package files

import (
	"encoding/binary"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// batch gathers changes until they are reported together.
type batch struct {
	paths       map[string]bool
	all         bool
	begun       map[string]bool // paths that somebody has begun to write, and not closed
	first, last time.Time
}

func newBatch() batch { return batch{paths: make(map[string]bool), begun: make(map[string]bool)} }

func (b *batch) add(p string) {
	b.touch()
	b.paths[p] = true
}

// progress notes whether more is to be expected of a path: a file that was made
// or written to is closed soon, as a rule.
func (b *batch) progress(p string, mask uint32) {
	if mask&(unix.IN_CREATE|unix.IN_MODIFY) != 0 && mask&unix.IN_ISDIR == 0 {
		b.begun[p] = true
	} else {
		delete(b.begun, p)
	}
}

func (b *batch) addAll() {
	b.touch()
	b.all = true
}

func (b *batch) touch() {
	b.last = time.Now()
	if b.first.IsZero() {
		b.first = b.last
	}
}

// due is when the batch is to be reported; zero: there is nothing to report.
func (b *batch) due() time.Time {
	if b.first.IsZero() {
		return time.Time{}
	}
	if len(b.begun) == 0 {
		return b.first // nobody is in the middle of anything
	}
	if soon, late := b.last.Add(quiet), b.first.Add(patience); soon.Before(late) {
		return soon
	}
	return b.first.Add(patience)
}

// take empties the batch. ok is false where there was nothing in it.
func (b *batch) take() (paths []string, ok bool) {
	if b.first.IsZero() {
		return nil, false
	}
	if !b.all {
		paths = slices.Sorted(maps.Keys(b.paths))
	}
	*b = newBatch()
	return paths, true
}

// event is what the kernel says of one watched folder: of an entry of it, or,
// where name is empty, of the folder itself.
type event struct {
	watch int32
	mask  uint32
	name  string
}

// events takes apart what was read from inotify.
func events(buf []byte) iter.Seq[event] {
	return func(yield func(event) bool) {
		for len(buf) >= unix.SizeofInotifyEvent {
			end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[12:]))
			if end > len(buf) {
				return
			}
			name, _, _ := strings.Cut(string(buf[unix.SizeofInotifyEvent:end]), "\x00")
			e := event{int32(binary.NativeEndian.Uint32(buf)), binary.NativeEndian.Uint32(buf[4:]), name}
			if buf = buf[end:]; !yield(e) {
				return
			}
		}
	}
}

// digest puts what the kernel reported into the batch.
func (w *Watcher) digest(buf []byte, b *batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for e := range events(buf) {
		if e.mask&unix.IN_Q_OVERFLOW != 0 {
			w.again("/")
			b.addAll()
			continue
		}
		for _, dir := range slices.Clone(w.byWatch[e.watch]) {
			w.event(dir, e.name, e.mask, b)
		}
	}
}

// event handles one change in one folder.
func (w *Watcher) event(dir, name string, mask uint32, b *batch) {
	f := w.folders[dir]
	if f == nil {
		return
	}
	switch {
	case mask&(unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_IGNORED) != 0:
		// The folder is no longer what lies at this path.
		w.again(dir)
		w.below(dir, b)
		return
	case name == "":
		return // its own attributes
	}
	full := strings.TrimSuffix(dir, "/") + "/" + name
	r := f.names[name]
	if r.above && mask&comings != 0 {
		w.again(full)
		w.below(full, b)
	}
	if r.wanted || f.all && name[0] != '.' {
		b.add(full)
		b.progress(full, mask)
	}
}

// again watches everything at and below a path anew: it may be another folder.
func (w *Watcher) again(p string) {
	for dir, f := range w.folders {
		if within(dir, p) {
			w.unwatch(dir, f)
		}
	}
	w.arm(p)
}

// below reports every wanted path at or below p.
func (w *Watcher) below(p string, b *batch) {
	for q := range w.want {
		if within(q, p) {
			b.add(q)
		}
	}
}

package files

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/state"
)

type cachedDir struct {
	stamp stamp
	dir   state.Dir
}

// Dirs lists folders, by absolute path. A folder that does not exist is a Dir
// that does not exist, not an error. A link to a folder is followed, as systemd
// follows a linked drop-in folder. Names that begin with TempPrefix are left out.
func (o *Observer) Dirs(ctx context.Context, paths []string) map[string]state.Fact[state.Dir] {
	facts := make(map[string]state.Fact[state.Dir], len(paths))
	for _, p := range paths {
		if _, ok := facts[p]; ok {
			continue
		}
		f := state.Fact[state.Dir]{At: o.now()}
		var err error
		if f.Value, err = o.dir(ctx, p); err != nil {
			f.Err = err.Error()
		}
		facts[p] = f
	}
	return facts
}

func (o *Observer) dir(ctx context.Context, path string) (state.Dir, error) {
	if err := ctx.Err(); err != nil {
		return state.Dir{}, fmt.Errorf("list %s: %w", path, err)
	}
	s, err := stat(path)
	if gone(err) || err == nil && s.kind() != unix.S_IFDIR {
		return state.Dir{}, nil
	}
	if err != nil {
		return state.Dir{}, fmt.Errorf("list %s: %w", path, err)
	}
	o.mu.Lock()
	c, ok := o.dirs[path]
	o.mu.Unlock()
	if ok && c.stamp == s {
		c.dir.Names = slices.Clone(c.dir.Names)
		return c.dir, nil
	}
	began := o.now().Wall
	list, err := list(path, o.opt.MaxEntries)
	if gone(err) {
		return state.Dir{}, nil
	}
	if err != nil {
		return state.Dir{}, err
	}
	d := state.Dir{Exists: true, Changed: s.changed()}
	for _, e := range list {
		d.Names = append(d.Names, e.Name())
	}
	if s.settled(began) {
		o.keepDir(path, cachedDir{stamp: s, dir: d})
		d.Names = slices.Clone(d.Names)
	}
	return d, nil
}

func (o *Observer) keepDir(path string, c cachedDir) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.dirs) >= maxCached {
		clear(o.dirs)
	}
	o.dirs[path] = c
}

// list returns the entries of a folder in order of their names, without
// evenkeel's own temporary files, and refuses a folder that is too long.
func list(path string, limit int) ([]os.DirEntry, error) {
	f, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	defer f.Close()
	entries, err := f.ReadDir(limit + 1)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	if len(entries) > limit {
		return nil, fmt.Errorf("list %s: it has more than %d entries", path, limit)
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), TempPrefix) })
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// folder describes a folder that is watched as if it were a file. Its Digest
// is that of its listing: a line an entry of name, mode, size and times of
// last modification (of a link: its target), not of what lies deeper. That
// finds a release that was unpacked anew without reading all of it.
func (o *Observer) folder(ctx context.Context, path string, s stamp) (state.File, error) {
	entries, err := list(path, o.opt.MaxEntries)
	if err != nil {
		return state.File{}, err
	}
	var b strings.Builder
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return state.File{}, fmt.Errorf("list %s: %w", path, err)
		}
		name := path + "/" + e.Name()
		es, err := lstat(name)
		if gone(err) {
			continue
		}
		if err != nil {
			return state.File{}, fmt.Errorf("list %s: %w", path, err)
		}
		target := ""
		if es.kind() == unix.S_IFLNK {
			target, _ = os.Readlink(name) // gone since: the next look tells
		}
		size := es.size
		if es.kind() == unix.S_IFDIR {
			size = 0 // differs between file systems, and says nothing
		}
		fmt.Fprintf(&b, "%q %o %d %d.%09d %q\n", e.Name(), es.mode, size, es.mtime.Sec, es.mtime.Nsec, target)
	}
	f := o.describe(state.Folder, s)
	f.Size = 0
	f.Digest = state.Digest([]byte(b.String()))
	return f, nil
}

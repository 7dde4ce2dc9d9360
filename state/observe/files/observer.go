package files

import (
	"context"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/state"
)

// TempPrefix begins the names of the temporary files that evenkeel writes
// beside its targets. They are not listed and not reported.
const TempPrefix = ".evenkeel-"

// maxCached bounds how many readings are kept; far more than any host declares.
const maxCached = 16384

// Observer reads files and folders. What has not changed since its last
// reading is not read again. It is safe for concurrent use.
type Observer struct {
	now    func() state.Time
	opt    Options
	owners *owners

	mu    sync.Mutex // guards what follows
	files map[string]cachedFile
	dirs  map[string]cachedDir
}

// Options are the limits of an Observer; the zero value is useful.
type Options struct {
	MaxSize    int64  // the largest file that is hashed, in bytes; 0: 64 MiB
	MaxEntries int    // the longest folder that is listed; 0: 10,000
	Passwd     string // names of users; empty: /etc/passwd
	Group      string // names of groups; empty: /etc/group

	// Name is how content with a SHA-256 is called at a path; nil: by that. It
	// is asked each time, so that it may change its mind.
	Name func(path, digest string) string
}

type cachedFile struct {
	stamp  stamp
	digest string
}

// New returns an Observer that stamps its facts with now.
func New(now func() state.Time, o Options) *Observer {
	if o.MaxSize == 0 {
		o.MaxSize = 64 << 20
	}
	if o.MaxEntries == 0 {
		o.MaxEntries = 10_000
	}
	if o.Passwd == "" {
		o.Passwd = "/etc/passwd"
	}
	if o.Group == "" {
		o.Group = "/etc/group"
	}
	if o.Name == nil {
		o.Name = func(_, digest string) string { return digest }
	}
	return &Observer{
		now: now, opt: o, owners: newOwners(o.Passwd, o.Group),
		files: make(map[string]cachedFile), dirs: make(map[string]cachedDir),
	}
}

// Observe reads what lies at each of the absolute paths, by path. A path where
// nothing lies is a File of kind Absent, not an error. It returns early, with
// errors in the facts that are left, when ctx ends.
func (o *Observer) Observe(ctx context.Context, paths []string) map[string]state.Fact[state.File] {
	facts := make(map[string]state.Fact[state.File], len(paths))
	o.owners.refresh()
	for _, p := range paths {
		if _, ok := facts[p]; ok {
			continue
		}
		f := state.Fact[state.File]{At: o.now()}
		var err error
		if f.Value, err = o.file(ctx, p); err != nil {
			f.Err = err.Error()
		}
		facts[p] = f
	}
	return facts
}

// file reads one path.
func (o *Observer) file(ctx context.Context, path string) (state.File, error) {
	if err := ctx.Err(); err != nil {
		return state.File{}, fmt.Errorf("read %s: %w", path, err)
	}
	s, err := lstat(path)
	if gone(err) {
		return state.File{}, nil
	}
	if err != nil {
		return state.File{}, fmt.Errorf("look at %s: %w", path, err)
	}
	switch s.kind() {
	case unix.S_IFREG:
		return o.regular(ctx, path, s)
	case unix.S_IFLNK:
		return o.symlink(path, s)
	case unix.S_IFDIR:
		return o.folder(ctx, path, s)
	}
	return o.describe(state.Other, s), nil
}

// describe is the part of a File that lstat alone knows.
func (o *Observer) describe(kind state.FileKind, s stamp) state.File {
	return state.File{
		Kind: kind, Mode: s.mode & 0o7777, Size: s.size, Changed: s.changed(),
		Owner: o.owners.user(s.uid), Group: o.owners.group(s.gid), UID: s.uid, GID: s.gid,
	}
}

func (o *Observer) symlink(path string, s stamp) (state.File, error) {
	target, err := os.Readlink(path)
	if err != nil {
		return state.File{}, fmt.Errorf("read the link %s: %w", path, err)
	}
	f := o.describe(state.Symlink, s)
	f.Link = target
	return f, nil
}

// regular returns the cached reading of a file that has not changed, or reads
// it. The names of its owners are looked up each time: they can change alone.
func (o *Observer) regular(ctx context.Context, path string, s stamp) (state.File, error) {
	o.mu.Lock()
	c, ok := o.files[path]
	o.mu.Unlock()
	if ok && c.stamp == s {
		f := o.describe(state.Regular, s)
		f.Digest = o.opt.Name(path, c.digest)
		return f, nil
	}
	began := o.now().Wall
	digest, s, err := hash(ctx, path, o.opt.MaxSize)
	if gone(err) {
		return state.File{}, nil
	}
	if err != nil {
		return state.File{}, err
	}
	f := o.describe(state.Regular, s)
	f.Digest = o.opt.Name(path, digest)
	if s.settled(began) {
		o.keep(path, cachedFile{stamp: s, digest: digest})
	}
	return f, nil
}

func (o *Observer) keep(path string, c cachedFile) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.files) >= maxCached {
		clear(o.files)
	}
	o.files[path] = c
}

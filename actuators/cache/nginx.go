package cache

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
)

// nginxStore is a folder in which nginx keeps responses: files named by the MD5
// of their key, in up to three levels of folders named by its last digits.
type nginxStore struct {
	wish
	root *os.File
}

// deepest is how many levels of folders nginx knows.
const deepest = 3

// openNginx opens the folder itself, whoever may have put a link in its way.
func openNginx(w wish) (*nginxStore, error) {
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, w.spec.Nginx.Path, &how)
	if err != nil {
		return nil, plainFile("open "+w.spec.Nginx.Path, err)
	}
	return &nginxStore{w, os.NewFile(uintptr(fd), w.spec.Nginx.Path)}, nil
}

func (n *nginxStore) close() error { return n.root.Close() }

func (n *nginxStore) count(ctx context.Context) (found, error) {
	f := found{unit: "cached responses"}
	err := n.walk(ctx, func(_ *os.File, e entry) (bool, error) {
		f.of++
		if n.wants(e) {
			f.match++
		}
		return true, nil
	})
	return f, err
}

func (n *nginxStore) flush(ctx context.Context, limit int) (done int, err error) {
	err = n.walk(ctx, func(dir *os.File, e entry) (bool, error) {
		if !n.wants(e) {
			return true, nil
		}
		// A name is removed and never what a link points at.
		switch err := unix.Unlinkat(int(dir.Fd()), e.name, 0); {
		case err == nil:
			done++
		case errors.Is(err, fs.ErrNotExist): // nginx was faster
		case errors.Is(err, unix.EBUSY): // something is mounted there
		default:
			return false, plainFile("remove "+dir.Name()+"/"+e.name, err)
		}
		return done < limit, nil
	})
	return done, err
}

// entry is one response.
type entry struct {
	name    string
	written time.Time
}

func (n *nginxStore) wants(e entry) bool { return n.idle == 0 || time.Since(e.written) >= n.idle }

// walk shows each response with its folder to do, until do has had enough.
func (n *nginxStore) walk(ctx context.Context, do func(*os.File, entry) (more bool, err error)) error {
	again, err := within(n.root, ".") // of its own, to be read from the start
	if err != nil {
		return plainFile("open "+n.root.Name(), err)
	}
	defer again.Close()
	_, err = walker{ctx, do}.folder(again, nil)
	return err
}

type walker struct {
	ctx context.Context
	do  func(*os.File, entry) (bool, error)
}

// folder walks one folder; levels are the names of the folders that led to it.
// Whatever nginx would not have put there is passed over.
func (w walker) folder(dir *os.File, levels []string) (more bool, err error) {
	for {
		if err := w.ctx.Err(); err != nil {
			return false, actuators.Errorf(actuators.Timeout, "walk %s: %w", dir.Name(), err)
		}
		names, err := dir.Readdirnames(batch)
		for _, name := range names {
			if more, err := w.one(dir, name, levels); err != nil || !more {
				return false, err
			}
		}
		if len(names) == 0 {
			return true, nil // the end, or a folder that cannot be read to it
		}
		if err != nil {
			return false, plainFile("read "+dir.Name(), err)
		}
	}
}

func (w walker) one(dir *os.File, name string, levels []string) (more bool, err error) {
	if len(levels) < deepest && (len(name) == 1 || len(name) == 2) && isHex(name) {
		sub, err := within(dir, name)
		if err != nil {
			return true, nil // a file, a link, another file system, or gone
		}
		defer sub.Close()
		return w.folder(sub, append(levels[:len(levels):len(levels)], name))
	}
	if !isResponse(name, levels) {
		return true, nil
	}
	var st unix.Stat_t
	if err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return true, nil // gone
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return true, nil
	}
	return w.do(dir, entry{name, time.Unix(st.Mtim.Unix())})
}

// within opens a folder in a folder: no link, and no other mount. Device numbers
// would not tell: on an overlay each file has that of the layer it is in.
func within(dir *os.File, name string) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd, err := unix.Openat2(int(dir.Fd()), name, &how)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), dir.Name()+"/"+name), nil
}

// isResponse tells a file that nginx named and placed: 32 digits, whose last
// ones name the folder that it is in, the ones before them the folder above.
func isResponse(name string, levels []string) bool {
	if len(name) != 32 || !isHex(name) {
		return false
	}
	rest := name
	for _, l := range levels {
		var ok bool
		if rest, ok = strings.CutSuffix(rest, l); !ok {
			return false
		}
	}
	return true
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

func plainFile(what string, err error) error {
	kind := actuators.Failed
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = actuators.NotFound
	case errors.Is(err, unix.ELOOP):
		return actuators.Errorf(actuators.Refused, "%s: a symbolic link lies on the way", what)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EROFS):
		kind = actuators.Refused
	}
	return actuators.Errorf(kind, "%s: %w", what, err)
}

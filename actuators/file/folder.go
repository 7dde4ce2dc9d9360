package file

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
)

// folder is the open folder of a target. Everything is done relative to it, so
// that it does not matter what becomes of the names above.
type folder struct {
	fd   int
	base string // the target's name within
}

func (d *folder) close() { _ = unix.Close(d.fd) }

// folderID tells folders apart.
type folderID struct{ dev, ino uint64 }

const openFolder = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// walk opens the folder of a target name by name, each relative to the one
// before, and refuses any that is a link: that is openat2's
// RESOLVE_NO_SYMLINKS, with a name to show for it. Missing folders are made if
// create says so; if not, the folder is nil and no error.
func (a *Actuator) walk(w wish, create bool) (*folder, error) {
	fd, err := unix.Open(a.root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, failed(w, "open "+a.root, err)
	}
	at := ""
	for _, name := range strings.Split(strings.Trim(path.Dir(w.path), "/"), "/") {
		if name == "" {
			break // the target lies in the root
		}
		at += "/" + name
		next, err := unix.Openat(fd, name, openFolder, 0)
		if errors.Is(err, unix.ENOENT) && create {
			next, err = makeFolder(fd, name)
		}
		if err == nil {
			_ = unix.Close(fd)
			fd = next
			continue
		}
		err = w.noFolder(fd, name, at, err, create)
		_ = unix.Close(fd)
		return nil, err
	}
	return &folder{fd: fd, base: path.Base(w.path)}, nil
}

// noFolder explains why a name on the way is no folder that can be entered.
func (w wish) noFolder(fd int, name, at string, err error, create bool) error {
	var st unix.Stat_t
	seen := unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case errors.Is(err, unix.ENOENT) && !create:
		return nil
	case seen == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return actuators.Errorf(actuators.Refused, "%s: %s is a link; evenkeel writes through none, declare the path that it leads to", w.action, at)
	case errors.Is(err, unix.ENOTDIR):
		return actuators.Errorf(actuators.Refused, "%s: %s is no folder", w.action, at)
	}
	return failed(w, "open the folder "+at, err)
}

// makeFolder makes a folder, durably, and opens it.
func makeFolder(parent int, name string) (int, error) {
	err := unix.Mkdirat(parent, name, 0o755)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return -1, err
	}
	fd, openErr := unix.Openat(parent, name, openFolder, 0)
	if openErr != nil {
		return -1, openErr
	}
	if err == nil {
		err = errors.Join(unix.Fchmod(fd, 0o755), unix.Fsync(fd), unix.Fsync(parent)) // whatever the umask
	} else {
		err = nil // somebody else made it
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// target is what lies at a target. A regular file is open.
type target struct {
	exists bool
	link   string // where it leads, if it is a link
	digest string // of a regular file
	perm   attributes
	links  uint64
	file   *os.File
}

func (t target) close() {
	if t.file != nil {
		_ = t.file.Close() // only read from
	}
}

// look reads what lies at the target. Whatever is no regular file is refused,
// a link aside where it is about one.
func (d *folder) look(w wish) (target, error) {
	t, err := d.read(d.base)
	switch {
	case errors.Is(err, unix.ENOENT):
		return target{}, nil
	case errors.Is(err, errNotRegular) && w.link+w.wasLink != "":
		return d.lookLink(w)
	case errors.Is(err, errNotRegular):
		return target{}, actuators.Errorf(actuators.Refused, "%s: %s", w.action, d.what())
	case err != nil:
		return target{}, failed(w, "read what lies there", err)
	}
	return t, nil
}

var (
	errNotRegular = errors.New("not a regular file")
	errTooLarge   = errors.New("larger than " + strconv.Itoa(MaxSize>>20) + " MiB")
)

// read opens a name in the folder, if it is a regular file, and hashes it.
//
// It looks before it opens: to open a FIFO wakes up whoever waits to write to
// it, and to open a device can do anything.
func (d *folder) read(name string) (target, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return target{}, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return target{}, errNotRegular
	}
	fd, err := unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
		return target{}, errNotRegular // since the look: a link, or a socket
	}
	if err != nil {
		return target{}, err
	}
	t := target{exists: true, file: os.NewFile(uintptr(fd), name)}
	if err := t.fill(fd); err != nil {
		t.close()
		return target{}, err
	}
	return t, nil
}

func (t *target) fill(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errNotRegular
	}
	t.perm = attributes{mode: st.Mode & 0o7777, uid: int(st.Uid), gid: int(st.Gid)}
	t.links = uint64(st.Nlink)
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(t.file, MaxSize+1))
	if err != nil {
		return err
	}
	if n > MaxSize {
		return errTooLarge
	}
	t.digest = hex.EncodeToString(h.Sum(nil))
	return nil
}

// what says what lies at a target that is no regular file.
func (d *folder) what() string {
	buf := make([]byte, 4096)
	n, err := unix.Readlinkat(d.fd, d.base, buf)
	switch {
	case err == nil && string(buf[:n]) == "/dev/null":
		return "the unit is masked: there is a link to /dev/null, which stands until it is unmasked"
	case err == nil:
		return "there is a link to " + string(buf[:n]) + "; evenkeel neither follows nor replaces it"
	}
	return "what lies there is no regular file"
}

// failed is an error after which nothing has changed.
func failed(w wish, doing string, err error) error {
	return actuators.Errorf(actuators.Failed, "%s: %s: %w", w.action, doing, err)
}

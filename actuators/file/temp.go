package file

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

// tempName returns a name for a temporary file and the function that gives it
// up again.
func (a *Actuator) tempName() (string, func(), error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", nil, err
	}
	name := TempPrefix + hex.EncodeToString(b[:])
	a.mu.Lock()
	a.live[name] = true
	a.mu.Unlock()
	return name, func() {
		a.mu.Lock()
		delete(a.live, name)
		a.mu.Unlock()
	}, nil
}

// fill writes the temporary file, whole and durable, owner and mode included:
// from its first moment under the target's name it is as it should be.
func (d *folder) fill(name string, w wish) error {
	fd, err := unix.Openat(d.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	_, err = f.Write(w.content)
	if err == nil {
		err = unix.Fchown(fd, w.perm.uid, w.perm.gid)
	}
	if err == nil {
		err = unix.Fchmod(fd, w.perm.mode) // after chown, which clears setuid
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, d.unlink(name))
	}
	return nil
}

// tempForm is the form of a whole name that tempName makes.
var tempForm = regexp.MustCompile(`^\.evenkeel-[0-9a-f]{16}$`)

// unlink removes a name in the folder; that it is gone already is fine.
func (d *folder) unlink(name string) error {
	if err := unix.Unlinkat(d.fd, name, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	return nil
}

// sweep removes what an earlier process left behind when it was killed: once a
// folder, since this process cleans up after itself. That it fails is no reason
// not to write.
func (a *Actuator) sweep(d *folder) {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return
	}
	id := folderID{st.Dev, st.Ino}
	a.mu.Lock()
	done := a.swept[id]
	a.swept[id] = true
	a.mu.Unlock()
	if done {
		return
	}
	for _, name := range d.leftovers() {
		a.mu.Lock()
		live := a.live[name]
		a.mu.Unlock()
		err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
		ours := st.Mode&unix.S_IFMT == unix.S_IFREG || st.Mode&unix.S_IFMT == unix.S_IFLNK && tempForm.MatchString(name)
		if live || err != nil || !ours || int(st.Uid) != os.Geteuid() && st.Uid != 0 {
			continue
		}
		_ = d.unlink(name) // the next process tries again
	}
}

// leftovers lists the temporary names in a folder, without holding all others.
func (d *folder) leftovers() []string {
	fd, err := unix.Openat(d.fd, ".", openFolder, 0)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(fd), ".")
	defer f.Close()
	var out []string
	for {
		names, err := f.Readdirnames(1024)
		for _, n := range names {
			if strings.HasPrefix(n, TempPrefix) {
				out = append(out, n)
			}
		}
		if err == io.EOF || err != nil || len(names) == 0 {
			return out
		}
	}
}

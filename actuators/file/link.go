package file

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
)

// lookLink is look where the target is, or is to be, a link.
func (d *folder) lookLink(w wish) (target, error) {
	var st unix.Stat_t
	err := unix.Fstatat(d.fd, d.base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return target{}, nil
	}
	if err != nil {
		return target{}, failed(w, "look at what lies there", err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
	case unix.S_IFDIR:
		return target{}, actuators.Errorf(actuators.Refused, "%s: a folder lies where the link belongs, and evenkeel removes none; move it away", w.action)
	default:
		return target{}, actuators.Errorf(actuators.Refused, "%s: what lies there is neither a link nor a regular file", w.action)
	}
	link, err := d.readLink(d.base)
	if errors.Is(err, unix.ENOENT) {
		return target{}, nil
	}
	if err != nil {
		return target{}, failed(w, "read the link that lies there", err)
	}
	return target{exists: true, link: link, perm: attributes{mode: 0o777, uid: int(st.Uid), gid: int(st.Gid)}}, nil
}

// readLink is where a link in the folder leads.
func (d *folder) readLink(name string) (string, error) {
	buf := make([]byte, maxLink)
	n, err := unix.Readlinkat(d.fd, name, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// point makes the temporary link. It is durable once its folder is.
func (d *folder) point(name string, w wish) error { return unix.Symlinkat(w.link, d.fd, name) }

// leads checks that what is to be a link would lead to a folder, with no other
// link on the way: it is walked to like the folder of any target.
func (a *Actuator) leads(w wish) error {
	if w.link == "" {
		return nil
	}
	dest := w.link
	if !path.IsAbs(dest) {
		dest = path.Join(path.Dir(w.path), dest)
	}
	dir, err := a.walk(wish{action: w.action, path: path.Join(dest, TempPrefix)}, false)
	if err != nil {
		return err
	}
	if dir == nil {
		return actuators.Errorf(actuators.Refused, "%s: the folder %s does not exist; the link was left as it is", w.action, dest)
	}
	dir.close()
	return nil
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

package file

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file/displaced"
)

func (a *Actuator) write(ctx context.Context, w wish) (actuators.Result, error) {
	create := w.was+w.wasLink+w.link == "" // where something lay, or a link is to lead on, there is a folder
	dir, err := a.walk(w, create)
	if err != nil {
		return actuators.Result{}, err
	}
	if dir == nil {
		if _, err := w.compare(target{}); err != nil {
			return actuators.Result{}, err
		}
		return actuators.Result{}, a.leads(w)
	}
	defer dir.close()
	have, err := dir.look(w)
	if err != nil {
		return actuators.Result{}, err
	}
	defer have.close()
	if done, err := w.compare(have); done || err != nil {
		return actuators.Result{Detail: w.path + " is already so"}, err
	}
	if w.onlyPerm {
		return dir.setPerm(w, have)
	}
	if err := a.leads(w); err != nil {
		return actuators.Result{}, err
	}
	res := actuators.Result{Detail: w.detail(have)}
	keep := func() error { return nil }
	if w.keep && have.exists && (w.link != "" || have.digest != w.digest) {
		keep = func() (err error) {
			res.Displaced, err = a.displace(w, have, "write")
			return err
		}
	}
	if err := a.replace(ctx, dir, w, have, keep); err != nil {
		return actuators.Result{Displaced: res.Displaced}, err
	}
	res.Changed = true
	return res, nil
}

// displace keeps a copy of what is about to go. Without it nothing goes.
func (a *Actuator) displace(w wish, have target, reason string) (string, error) {
	c := displaced.Copy{
		Path: w.path, Object: w.object, Reason: reason, Digest: have.digest, Mode: have.perm.mode,
		Owner: userName(have.perm.uid), Group: groupName(have.perm.gid),
	}
	var content io.Reader = have.file
	if have.link != "" {
		c.Link, c.Digest, content = have.link, digestOf(have.link), strings.NewReader(have.link)
	} else if _, err := have.file.Seek(0, io.SeekStart); err != nil {
		return "", failed(w, "keep a copy of what lies there", err)
	}
	id, err := a.kept.Keep(c, content)
	if errors.Is(err, displaced.ErrChanged) {
		return "", actuators.Errorf(actuators.Conflict, "%s: %w", w.action, err)
	}
	if err != nil {
		return "", failed(w, "nothing was overwritten, because what lies there could not be kept", err)
	}
	return id, nil
}

// setPerm sets mode and owner of a file whose content belongs to the host. A
// file with other names is refused: it might be anything, put there by whoever
// may write to the folder.
func (d *folder) setPerm(w wish, have target) (actuators.Result, error) {
	if have.links > 1 {
		return actuators.Result{}, actuators.Errorf(actuators.Refused, "%s: the file has %d names; its owner and mode are left alone", w.action, have.links)
	}
	fd := int(have.file.Fd())
	err := unix.Fchown(fd, w.perm.uid, w.perm.gid)
	if err == nil {
		err = unix.Fchmod(fd, w.perm.mode)
	}
	if err == nil {
		err = unix.Fsync(fd)
	}
	if err != nil {
		return actuators.Result{}, failed(w, "set mode and owner", err)
	}
	return actuators.Result{Changed: true, Detail: w.detail(have)}, nil
}

// replace puts the new file where the old one lies, or where nothing does. What
// lies there is kept first.
func (a *Actuator) replace(ctx context.Context, d *folder, w wish, have target, keep func() error) error {
	a.sweep(d)
	temp, release, err := a.tempName()
	if err != nil {
		return failed(w, "name a temporary file", err)
	}
	defer release()
	if err := keep(); err != nil {
		return err
	}
	lay := d.fill
	if w.link != "" {
		lay = d.point
	}
	if err := lay(temp, w); err != nil {
		return failed(w, "write", err)
	}
	if err := ctx.Err(); err != nil {
		return late(w, errors.Join(err, d.unlink(temp)))
	}
	if have.exists {
		err = d.exchange(temp, w, have)
	} else {
		err = d.appear(temp, w)
	}
	if err != nil {
		return err
	}
	if err := unix.Fsync(d.fd); err != nil {
		return actuators.Errorf(actuators.Unknown, "%s: the file is in place, but may not outlast a power cut: %w", w.action, err)
	}
	if have.exists {
		_ = d.unlink(temp) // the old version; what stays is swept up later
	}
	return nil
}

// appear gives the new file its name, if nothing has it.
func (d *folder) appear(temp string, w wish) error {
	err := unix.Renameat2(d.fd, temp, d.fd, d.base, unix.RENAME_NOREPLACE)
	if unsupported(err) {
		// Without the flag a hard link does the same: it replaces nothing.
		if err = unix.Linkat(d.fd, temp, d.fd, d.base, 0); err == nil {
			err = d.unlink(temp)
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EEXIST):
		err = actuators.Errorf(actuators.Conflict, "%s: a file appeared there in the meantime; nothing was done", w.action)
	default:
		err = failed(w, "rename", err)
	}
	return errors.Join(err, d.unlink(temp))
}

// exchange swaps the new file with what lies there. If that is no longer what
// it was compared with, a human was faster: they are swapped back.
func (d *folder) exchange(temp string, w wish, have target) error {
	err := unix.Renameat2(d.fd, temp, d.fd, d.base, unix.RENAME_EXCHANGE)
	if unsupported(err) {
		return d.overwrite(temp, w, have)
	}
	if errors.Is(err, unix.ENOENT) {
		return errors.Join(w.faster(), d.unlink(temp))
	}
	if err != nil {
		return errors.Join(failed(w, "rename", err), d.unlink(temp))
	}
	if d.is(temp, have) {
		return nil
	}
	return d.swapBack(temp, w)
}

// swapBack undoes an exchange. Whatever comes out under the temporary name is
// removed only if it is our own file.
func (d *folder) swapBack(temp string, w wish) error {
	for range 8 {
		if err := unix.Renameat2(d.fd, temp, d.fd, d.base, unix.RENAME_EXCHANGE); err != nil {
			return d.setAside(temp, w, err)
		}
		if d.is(temp, target{link: w.link, digest: w.digest}) {
			return errors.Join(w.faster(), d.unlink(temp), unix.Fsync(d.fd))
		}
	}
	return d.setAside(temp, w, errors.New("somebody replaces the file again and again"))
}

// setAside saves a version by somebody else that lies under a temporary name
// and cannot be given its own again: under a name that no sweep removes.
func (d *folder) setAside(temp string, w wish, why error) error {
	saved := d.base + ".saved-by-evenkeel" + strings.TrimPrefix(temp, strings.TrimSuffix(TempPrefix, "-"))
	if err := unix.Renameat2(d.fd, temp, d.fd, saved, unix.RENAME_NOREPLACE); err != nil {
		saved, why = temp, errors.Join(why, err)
	}
	return actuators.Errorf(actuators.Unknown, "%s: a version by somebody else now lies beside it as %s and could not be put back: %w", w.action, saved, why)
}

// overwrite is exchange for file systems that cannot: it looks once more, and
// renames in the next moment.
func (d *folder) overwrite(temp string, w wish, have target) error {
	if !d.is(d.base, have) {
		return errors.Join(w.faster(), d.unlink(temp))
	}
	if err := unix.Renameat(d.fd, temp, d.fd, d.base); err != nil {
		return errors.Join(failed(w, "rename", err), d.unlink(temp))
	}
	return nil
}

func (w wish) faster() error {
	return actuators.Errorf(actuators.Conflict, "%s: the file was changed at the same moment; that version stands", w.action)
}

// is tells whether a name in the folder is a regular file with the digest that
// one has, or a link that leads where it does.
func (d *folder) is(name string, as target) bool {
	if as.link != "" {
		link, err := d.readLink(name)
		return err == nil && link == as.link
	}
	t, err := d.read(name)
	t.close()
	return err == nil && t.digest == as.digest
}

// unsupported tells that a file system does not know the flags of renameat2.
func unsupported(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP)
}

func userName(uid int) string  { return nameOf(uid, lookupUser) }
func groupName(gid int) string { return nameOf(gid, lookupGroup) }

// nameOf is a name, or the number where there is none.
func nameOf(id int, find func(string) (string, error)) string {
	n := strconv.Itoa(id)
	if name, err := find(n); err == nil {
		return name
	}
	return n
}

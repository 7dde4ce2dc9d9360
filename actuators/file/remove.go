package file

import (
	"context"
	"errors"
	"os/user"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
)

func (a *Actuator) remove(ctx context.Context, w wish) (actuators.Result, error) {
	dir, err := a.walk(w, false)
	if err != nil {
		return actuators.Result{}, err
	}
	if dir == nil {
		return actuators.Result{Detail: w.path + " is already gone"}, nil
	}
	defer dir.close()
	have, err := dir.look(w)
	if err != nil {
		return actuators.Result{}, err
	}
	defer have.close()
	if done, err := w.compare(have); done || err != nil {
		return actuators.Result{Detail: w.path + " is already gone"}, err
	}
	res := actuators.Result{Detail: w.detail(have)}
	if w.keep {
		if res.Displaced, err = a.displace(w, have, "remove"); err != nil {
			return actuators.Result{}, err
		}
	}
	if err := a.takeAway(ctx, dir, w, have); err != nil {
		return actuators.Result{Displaced: res.Displaced}, err
	}
	res.Changed = true
	return res, nil
}

// takeAway moves the file aside in one step and looks at it once more before it
// is gone for good.
func (a *Actuator) takeAway(ctx context.Context, d *folder, w wish, have target) error {
	a.sweep(d)
	temp, release, err := a.tempName()
	if err != nil {
		return failed(w, "name a temporary file", err)
	}
	defer release()
	if err := ctx.Err(); err != nil {
		return late(w, err)
	}
	err = unix.Renameat2(d.fd, d.base, d.fd, temp, unix.RENAME_NOREPLACE)
	switch {
	case unsupported(err):
		return d.removeInPlace(w, have)
	case errors.Is(err, unix.ENOENT):
		return nil // somebody else removed it
	case err != nil:
		return failed(w, "rename", err)
	}
	if !d.is(temp, have) {
		return d.putBack(temp, w)
	}
	if err := errors.Join(d.unlink(temp), unix.Fsync(d.fd)); err != nil {
		return actuators.Errorf(actuators.Unknown, "%s: the file is gone, but may be back after a power cut: %w", w.action, err)
	}
	return nil
}

// putBack gives a file that is not the one to be removed its name again. If
// there is already another, that one stands: it is newer.
func (d *folder) putBack(temp string, w wish) error {
	err := unix.Renameat2(d.fd, temp, d.fd, d.base, unix.RENAME_NOREPLACE)
	if err != nil {
		return d.setAside(temp, w, err)
	}
	return errors.Join(w.faster(), unix.Fsync(d.fd))
}

// removeInPlace is takeAway for file systems that know no renameat2.
func (d *folder) removeInPlace(w wish, have target) error {
	if !d.is(d.base, have) {
		return w.faster()
	}
	if err := errors.Join(d.unlink(d.base), unix.Fsync(d.fd)); err != nil {
		return failed(w, "remove", err)
	}
	return nil
}

func lookupUser(id string) (string, error) {
	u, err := user.LookupId(id)
	if err != nil {
		return "", err
	}
	return u.Username, nil
}

func lookupGroup(id string) (string, error) {
	g, err := user.LookupGroupId(id)
	if err != nil {
		return "", err
	}
	return g.Name, nil
}

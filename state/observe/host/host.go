package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/state"
)

// Host reads the host's own facts.
type Host struct {
	opt Options
}

// Options say where a Host looks; the zero value is right for a real host.
type Options struct {
	Root  string        // the file system of the host; empty: /
	Stop  string        // the kill switch; empty: /run/evenkeel/stop
	Locks []string      // files that a package manager locks while it works; nil: dpkg's and rpm's
	Poll  time.Duration // how often Watch looks at the locks; 0: 5 s
}

// packageLocks are held exclusively while packages are being changed. apt's
// lock on its lists is not among them: fetching an index changes nothing.
var packageLocks = []string{
	"/var/lib/dpkg/lock-frontend",
	"/var/lib/dpkg/lock",
	"/var/lib/rpm/.rpm.lock",
	"/usr/lib/sysimage/rpm/.rpm.lock",
}

// New returns a Host.
func New(o Options) *Host {
	if o.Stop == "" {
		o.Stop = "/run/evenkeel/stop"
	}
	if o.Locks == nil {
		o.Locks = packageLocks
	}
	if o.Poll == 0 {
		o.Poll = 5 * time.Second
	}
	return &Host{opt: o}
}

// Observe fills Name, Packages and Stopped of a state.Host; the rest is
// systemd's to tell. What it cannot read it reports as an error: the kill
// switch above all must never be taken for absent.
func (h *Host) Observe() (state.Host, error) {
	var out state.Host
	var err, nameErr, lockErr error
	out.Name, nameErr = os.Hostname()
	out.Stopped, err = h.stopped()
	out.Packages, lockErr = h.packages()
	return out, errors.Join(nameErr, err, lockErr)
}

// Stop is the path of the kill switch, for whoever watches it.
func (h *Host) Stop() string { return h.opt.Root + h.opt.Stop }

// stopped tells whether the kill switch is there: whatever lies at its path, a
// dangling link included.
func (h *Host) stopped() (bool, error) {
	var st unix.Stat_t
	err := unix.Lstat(h.Stop(), &st)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return false, nil
	}
	return false, fmt.Errorf("look for the kill switch %s: %w", h.Stop(), err)
}

func (h *Host) packages() (bool, error) {
	for _, p := range h.opt.Locks {
		held, err := locked(h.opt.Root + p)
		if err != nil {
			return false, fmt.Errorf("look at the package lock %s: %w", p, err)
		}
		if held {
			return true, nil
		}
	}
	return false, nil
}

// Watch calls dirty when a package manager begins or ends its work. A lock
// tells nobody that it is taken, so Watch looks every Options.Poll. It returns
// when ctx ends, and must not run twice at once.
func (h *Host) Watch(ctx context.Context, dirty func()) {
	tick := time.NewTicker(h.opt.Poll)
	defer tick.Stop()
	was, wasErr := h.packages()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		is, err := h.packages()
		if is != was || (err == nil) != (wasErr == nil) {
			dirty()
		}
		was, wasErr = is, err
	}
}

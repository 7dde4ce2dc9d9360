package host

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/state"
)

// Host reads the host's own facts.
type Host struct {
	opt Options

	mu       sync.Mutex           // guards what follows
	until    time.Duration        // Quiet after the package manager was last seen at work
	recorded map[string]time.Time // when each of Databases changed
}

// Options say where a Host looks; the zero value is right for a real host.
type Options struct {
	Root  string        // the file system of the host; empty: /
	Stop  string        // the kill switch; empty: /run/evenkeel/stop
	Locks []string      // files that a package manager locks while it works; nil: dpkg's and rpm's
	Poll  time.Duration // how often Watch looks at the locks while a package manager is at work, or was just now; 0: 5 s
	Idle  time.Duration // how often otherwise; 0: 30 s

	// Databases are files that change when packages do: a run that was too short
	// to be seen at its lock, or that ended before evenkeel came, shows there.
	// nil: dpkg's and rpm's.
	Databases []string
	// Quiet is how long a package manager counts as at work after it was last
	// seen: an upgrade is several runs, with pauses. 0: a minute.
	Quiet time.Duration
	Now   func() state.Time // nil: the clocks of the host
}

// packageLocks are held exclusively while packages are being changed. apt's
// lock on its lists is not among them: fetching an index changes nothing.
var packageLocks = []string{
	"/var/lib/dpkg/lock-frontend",
	"/var/lib/dpkg/lock",
	"/var/lib/rpm/.rpm.lock",
	"/usr/lib/sysimage/rpm/.rpm.lock",
}

var packageDatabases = []string{
	"/var/lib/dpkg/status",
	"/var/lib/rpm/rpmdb.sqlite",
	"/usr/lib/sysimage/rpm/rpmdb.sqlite",
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
	if o.Idle == 0 {
		o.Idle = 30 * time.Second
	}
	if o.Databases == nil {
		o.Databases = packageDatabases
	}
	if o.Quiet == 0 {
		o.Quiet = time.Minute
	}
	if o.Now == nil {
		o.Now = Clock{}.Now
	}
	return &Host{opt: o, recorded: make(map[string]time.Time, len(o.Databases))}
}

// Observe fills Name, Packages, PackagesUntil and Stopped of a state.Host; the
// rest is systemd's to tell. What it cannot read it reports as an error: the kill
// switch above all must never be taken for absent.
func (h *Host) Observe() (state.Host, error) {
	var out state.Host
	var err, nameErr, lockErr error
	out.Name, nameErr = os.Hostname()
	out.Stopped, err = h.stopped()
	out.Packages, out.PackagesUntil, lockErr = h.packages()
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

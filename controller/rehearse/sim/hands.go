package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// What humans, packages and bad luck do to a host. Each returns when what takes
// no time has happened; the rest comes with time.

// hand runs what somebody does by hand.
func (h *Host) hand(f func() error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tick()
	err := f()
	h.clock.advance(0)
	return err
}

func (h *Host) queue(unit, kind string) error {
	return h.hand(func() error {
		_, _, err := h.enqueue(unit, kind, true)
		return err
	})
}

// Start is `systemctl start --no-block`; so are the next three. A job that is
// in their way is replaced, as systemctl does it.
func (h *Host) Start(unit string) error { return h.queue(unit, "start") }

// Stop stops a unit.
func (h *Host) Stop(unit string) error { return h.queue(unit, "stop") }

// Restart restarts a unit.
func (h *Host) Restart(unit string) error { return h.queue(unit, "restart") }

// Reload has a unit read its configuration again.
func (h *Host) Reload(unit string) error { return h.queue(unit, "reload") }

// DaemonReload is `systemctl daemon-reload`.
func (h *Host) DaemonReload() {
	_ = h.hand(func() error { h.reload(); return nil })
}

// ResetFailed is `systemctl reset-failed`.
func (h *Host) ResetFailed(unit string) error {
	return manager{h}.ResetFailedUnit(context.Background(), unit)
}

// Enable is `systemctl enable`, with the reload that it ends with; so are the next three.
func (h *Host) Enable(unit string) error {
	return h.hand(func() error {
		_, _, err := h.enable(unit)
		h.reload()
		return err
	})
}

// Disable removes the links to a unit.
func (h *Host) Disable(unit string) error {
	return h.hand(func() error { h.disable(unit); h.reload(); return nil })
}

// Mask forbids a unit to start. What runs goes on.
func (h *Host) Mask(unit string) error {
	return h.hand(func() error {
		_, err := h.mask(etc, unit)
		h.reload()
		return err
	})
}

// Unmask lifts a mask.
func (h *Host) Unmask(unit string) error {
	return h.hand(func() error { h.unmask(etc, unit); h.reload(); return nil })
}

// Kill ends the main process of a unit by a signal: "KILL", "SEGV", "TERM".
func (h *Host) Kill(name, signal string) error {
	return h.die(name, func(u *unit) { h.exited(u, 0, signal) })
}

// Exit has the main process of a unit end by itself with a code.
func (h *Host) Exit(name string, code int) error {
	return h.die(name, func(u *unit) { h.exited(u, code, "") })
}

func (h *Host) die(name string, end func(*unit)) error {
	return h.hand(func() error {
		u := h.loadedUnit(name)
		if u.process.pid == 0 {
			return fmt.Errorf("end the process of %s: it has none", name)
		}
		end(u)
		return nil
	})
}

// ForgetEnds empties the journal: why units are down is no longer known.
func (h *Host) ForgetEnds() {
	_ = h.hand(func() error { clear(h.ends); return nil })
}

// Write puts a file in place, of root's and mode 0644, by temporary file and
// rename as editors do: over a link, a mask among them, it puts a file.
func (h *Host) Write(path, content string) error {
	return h.WriteAs(path, content, 0o644, "root", "root")
}

// WriteAs is Write with a mode and owners.
func (h *Host) WriteAs(path, content string, mode uint32, owner, group string) error {
	return h.hand(func() error { return h.put(path, regular([]byte(content), mode, owner, group)) })
}

// Link puts a symbolic link in place.
func (h *Host) Link(path, to string) error {
	return h.hand(func() error { return h.put(path, symlink(to)) })
}

// Mkdir makes a folder.
func (h *Host) Mkdir(path string) error {
	return h.hand(func() error {
		_, err := h.fs.mkdir(path)
		h.wrote(path)
		return err
	})
}

func (h *Host) put(path string, n *node) error {
	if err := h.fs.put(path, n); err != nil {
		return fmt.Errorf("write %s: a folder on the way %w", path, err)
	}
	h.wrote(path)
	return nil
}

// Backdate sets the time of modification of a file, as cp -p and rsync -t do;
// the time of change says now.
func (h *Host) Backdate(path string, mtime time.Time) error {
	return h.hand(func() error {
		n := h.fs.at(path)
		if n == nil {
			return errors.New("backdate " + path + ": there is nothing")
		}
		n.mtime, n.ctime = mtime, h.clock.wallNow()
		h.wrote(path)
		return nil
	})
}

// Remove removes a file, or a folder with all that is in it.
func (h *Host) Remove(path string) error {
	return h.hand(func() error {
		if !h.fs.remove(path) {
			return errors.New("remove " + path + ": there is nothing")
		}
		h.wrote(path)
		return nil
	})
}

// Read returns the content of a file, links followed; false: there is none.
func (h *Host) Read(path string) (string, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.fs.file(path)
	if n == nil || n.kind != state.Regular {
		return "", false
	}
	return string(n.content), true
}

// PackagesLocked says that a package manager is at work, or no longer.
func (h *Host) PackagesLocked(yes bool) {
	_ = h.hand(func() error {
		h.locked = yes
		h.touch(state.Ref{Kind: state.RefHost})
		return nil
	})
}

// System sets what systemd says of the host: "starting", "stopping",
// "maintenance"; empty: what its units make it, running or degraded.
func (h *Host) System(word string) {
	_ = h.hand(func() error {
		h.system = word
		h.touch(state.Ref{Kind: state.RefHost})
		return nil
	})
}

// Reboot ends everything that runs and begins a new boot: /run is empty, and
// what is wanted by multi-user.target is started. Nobody may be watching meanwhile:
// what probes know ends with the boot, too.
func (h *Host) Reboot() {
	_ = h.hand(func() error {
		for _, u := range h.units {
			if u.job != nil {
				h.finish(u.job, "canceled")
			}
		}
		h.fs.remove("/run")
		h.boot()
		h.prober = newProber(h)
		for _, dir := range searchPath {
			for _, name := range h.fs.names(dir + "/multi-user.target.wants") {
				_, _, _ = h.enqueue(name, "start", true) // one that cannot be started does not hold up the others
			}
		}
		h.touch(state.Ref{Kind: state.RefUnit}, state.Ref{Kind: state.RefHost})
		return nil
	})
}

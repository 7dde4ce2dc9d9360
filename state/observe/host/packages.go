package host

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// packages tells whether a package manager is at work; if not, until when there
// is to be quiet because it was, on CLOCK_BOOTTIME. That changes only when it is
// seen at work again, so that looking often makes nothing new.
func (h *Host) packages() (held bool, until time.Duration, err error) {
	now := h.opt.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.opt.Locks {
		held, err := locked(h.opt.Root + p)
		if err != nil {
			return false, 0, fmt.Errorf("look at the package lock %s: %w", p, err)
		}
		if held {
			h.until = now.Up + h.opt.Quiet
			return true, 0, nil
		}
	}
	for _, p := range h.opt.Databases {
		h.record(p, now)
	}
	return false, h.until, nil
}

// pause is how long Watch waits until it looks again.
func (h *Host) pause(held bool, until time.Duration) time.Duration {
	if held || until > h.opt.Now().Up {
		return h.opt.Poll
	}
	return h.opt.Idle
}

// record takes the change of a package manager's database for a sign that it was
// at work then. A change in the future says only that the clock was set.
func (h *Host) record(database string, now state.Time) {
	st, err := os.Stat(h.opt.Root + database)
	if err != nil || st.ModTime().Equal(h.recorded[database]) {
		return
	}
	h.recorded[database] = st.ModTime()
	if age := now.Wall.Sub(st.ModTime()); age >= 0 && age < h.opt.Quiet {
		h.until = max(h.until, now.Up-age+h.opt.Quiet)
	}
}

// Watch calls dirty when a package manager begins or ends its work. A lock tells
// nobody that it is taken, so Watch looks now and then: rarely while nothing is at
// work, for whoever disturbs a service reads the host once more before that. It
// returns when ctx ends, and must not run twice at once.
func (h *Host) Watch(ctx context.Context, dirty func()) {
	was, wasUntil, wasErr := h.packages()
	tick := time.NewTimer(h.pause(was, wasUntil))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		is, until, err := h.packages()
		tick.Reset(h.pause(is, until))
		if is != was || until != wasUntil || (err == nil) != (wasErr == nil) {
			dirty()
		}
		was, wasUntil, wasErr = is, until, err
	}
}

package state

import (
	"time"
)

// Time is one instant on three clocks. Ages are measured on Up, which no
// operator and no NTP can set; Wall is for people and for cron.
type Time struct {
	Wall time.Time     `json:"wall"`
	Up   time.Duration `json:"up"`   // CLOCK_BOOTTIME: since boot, suspended time included
	Boot string        `json:"boot"` // the kernel's boot ID
}

// IsZero tells an instant that was never set.
func (t Time) IsZero() bool { return t.Wall.IsZero() && t.Up == 0 && t.Boot == "" }

// Since returns a lower bound of the time from u to t: exact within a boot; over
// a reboot only what certainly passed, the time since this boot. So a budget
// can only be over-counted and a hold can only last longer, whatever the wall
// clock does.
func (t Time) Since(u Time) time.Duration {
	if t.Boot == u.Boot {
		return max(0, t.Up-u.Up)
	}
	return max(0, t.Up)
}

// Before tells whether t came earlier than u. An instant of another boot is
// earlier than any of this one.
func (t Time) Before(u Time) bool {
	if t.Boot == u.Boot {
		return t.Up < u.Up
	}
	return t.Wall.Before(u.Wall)
}

// Outdated tells whether a reading that began at t may have missed what ended
// at end. A reading is of the boot that runs, so one that saw this boot missed
// nothing of an earlier one, whatever the wall clock says: Before would take it
// for older where the clock came up wrong.
func (t Time) Outdated(end Time) bool { return t.Boot == end.Boot && t.Up < end.Up }

// Follows tells whether t, an instant of the boot that runs, came later than u.
// All of an earlier boot came before, whatever the wall clock says.
func (t Time) Follows(u Time) bool { return t.Boot != u.Boot || t.Up > u.Up }

// After tells whether t came later than u.
func (t Time) After(u Time) bool { return u.Before(t) }

// Add moves an instant on both clocks.
func (t Time) Add(d time.Duration) Time {
	return Time{Wall: t.Wall.Add(d), Up: t.Up + d, Boot: t.Boot}
}

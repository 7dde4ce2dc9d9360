package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// boottime is the kernel's CLOCK_BOOTTIME, by which the parent dates facts.
func boottime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0 // no kernel that Go runs on is without it
	}
	return time.Duration(ts.Nano())
}

package host

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/state"
)

// Clock reads the three clocks of a state.Time. The zero Clock knows no boot ID;
// make one with NewClock.
type Clock struct {
	boot string
}

// NewClock reads the kernel's boot ID. In a container that is the ID of the
// kernel below: what matters is that CLOCK_BOOTTIME counts within it.
func NewClock() (Clock, error) {
	f, err := os.Open("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Clock{}, fmt.Errorf("read the boot ID: %w", err)
	}
	defer f.Close()
	id, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return Clock{}, fmt.Errorf("read the boot ID: %w", err)
	}
	return Clock{boot: strings.TrimSpace(string(id))}, nil
}

// Now is this instant: wall clock in UTC, time since boot with suspended time
// included, and the boot.
func (c Clock) Now() state.Time {
	var ts unix.Timespec
	// It cannot fail: the clock is there since Linux 2.6.39 and ts is ours.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return state.Time{Wall: time.Now().Round(0).UTC(), Up: time.Duration(ts.Nano()), Boot: c.boot}
}

// Boot is the kernel's boot ID.
func (c Clock) Boot() string { return c.boot }

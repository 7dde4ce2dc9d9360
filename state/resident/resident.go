// Package resident lets go of what only the start of this program needed of itself.
//
// One binary has many roles, and whatever one of them rests on is set up when any
// starts. The kernel maps a neighbourhood of each page of the program that this
// touches, in the end nearly all of it, and keeps it so; what goes on running needs a
// tenth. Pages of the file that were let go are there again when they are needed, from
// the cache that all roles share.
package resident

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// When the start is over, on a machine that is not slow and on one that is; and how
// often what else was needed once is let go.
var after = []time.Duration{3 * time.Second, time.Minute, 15 * time.Minute}

// Keep lets go of what is not needed until ctx ends: when the start is over, and now
// and then. The error is of the first time; then nothing is let go.
func Keep(ctx context.Context) error {
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(after[min(i, len(after)-1)]):
		}
		if err := Trim(); err != nil {
			return err
		}
	}
}

// Trim lets go of all pages of the program that are mapped and are the file's own, not
// of data or of what was changed in memory.
func Trim() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("let go of pages: %w", err)
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("let go of pages: %w", err)
	}
	for _, a := range clean(text, exe) {
		if _, _, no := unix.Syscall(unix.SYS_MADVISE, a.from, a.to-a.from, unix.MADV_DONTNEED); no != 0 {
			return fmt.Errorf("let go of pages: %w", no)
		}
	}
	return nil
}

// area is a part of the address space.
type area struct{ from, to uintptr }

// clean finds in what the kernel says of a process (smaps) where a file is mapped and
// can neither be written to nor was: a program that was moved to another address, or
// that somebody debugs, has pages there that the file has not.
func clean(smaps []byte, file string) (all []area) {
	var is *area
	keep := func() {
		if is != nil {
			all = append(all, *is)
		}
		is = nil
	}
	for line := range bytes.Lines(smaps) {
		w := strings.Fields(string(line))
		if len(w) < 2 {
			continue
		}
		if name, ok := strings.CutSuffix(w[0], ":"); ok {
			if (name == "Anonymous" || name == "Swap") && w[1] != "0" {
				is = nil
			}
			continue
		}
		keep()
		if len(w) < 6 || w[1] != "r-xp" && w[1] != "r--p" || strings.Join(w[5:], " ") != file {
			continue
		}
		from, to, _ := strings.Cut(w[0], "-")
		a, err1 := strconv.ParseUint(from, 16, 64)
		b, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil && a < b {
			is = &area{uintptr(a), uintptr(b)}
		}
	}
	keep()
	return all
}

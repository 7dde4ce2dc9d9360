package record

import (
	"errors"
	"fmt"
	"runtime/debug"
)

var (
	// ErrLocked says that another evenkeel has the store open.
	ErrLocked = errors.New("the store is in use by another evenkeel")
	// ErrNone says that there is no store: nothing was ever recorded here.
	ErrNone = errors.New("no store")
	// ErrNewer says that a newer evenkeel wrote the store.
	ErrNewer = errors.New("the record was written by a newer evenkeel")

	errDamaged = errors.New("the record is damaged")
)

// guard runs what reads mapped pages. A page that is cut off under it faults,
// and bbolt panics where a page is not what it should be: both are damage here,
// not the end of the process. After a panic bbolt's own locks may be held for
// ever, so the database must be abandoned, not closed.
func guard(f func() error) (panicked bool, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			panicked, err = true, fmt.Errorf("%w: %v", errDamaged, r)
		}
	}()
	return false, f()
}

// damage is what of an error a human is told: long dumps of pages are cut.
func damage(err error) string {
	s := "evenkeel.db: " + err.Error()
	return s[:min(len(s), maxDoubt/2)]
}

func badMeta(which string) string {
	return "evenkeel.db: " + which + " is damaged and the newest entries may be lost"
}

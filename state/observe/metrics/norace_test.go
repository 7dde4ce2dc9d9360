//go:build !race

package metrics_test

import "time"

// What a process that is built as this one is takes: how many times the memory, and how
// long it must have for a reading (a target has no longer than its interval).
const (
	roomy  = 1
	slowly = time.Second
)

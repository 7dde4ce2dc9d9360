//go:build !race

package powerless

// Raced says that the race detector is built in, which is not bounded.
const Raced = false

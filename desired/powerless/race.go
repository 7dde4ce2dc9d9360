//go:build race

package powerless

// Raced says that the race detector is built in. It takes terabytes of addresses
// and calls the kernel in ways of its own, so that memory and calls are bounded
// without it alone.
const Raced = true

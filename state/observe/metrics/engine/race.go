//go:build race

package engine

// raced says that the race detector is built in. It takes terabytes of addresses
// and calls the kernel in ways of its own, so that memory and calls are bounded
// without it alone.
const raced = true

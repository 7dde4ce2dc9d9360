// Package examples proves the examples: that they load, that their schema is
// the current one, and that the estate comes up on a real host. It holds tests
// only.
package examples

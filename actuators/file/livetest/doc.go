// Package livetest holds the tests of the file actuator that need a host to
// break: full and read-only file systems, and the order of system calls.
package livetest

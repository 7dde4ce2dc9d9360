// Package host reads what concerns the host as a whole and what systemd cannot
// tell: the clock, the host's name, whether a package manager is at work, and
// whether somebody has pulled the kill switch.
//
// It imports state for the vocabulary and x/sys for the boot clock and for
// looking at a lock without taking it.
package host

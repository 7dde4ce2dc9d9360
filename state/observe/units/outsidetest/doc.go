// Package outsidetest does to a systemd what can only be done from outside of its
// host, such as stopping PID 1: it holds tests only.
package outsidetest

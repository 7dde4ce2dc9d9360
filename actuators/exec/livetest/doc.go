// Package livetest proves the exec actuator on a real systemd, in a disposable
// host.
package livetest

// Package livetest proves the systemd actuator on a real systemd, inside a
// disposable host: it holds tests only.
package livetest

// Package livetest proves the readings of units, and the bus below them, on a
// real systemd inside a disposable host: it holds tests only.
package livetest

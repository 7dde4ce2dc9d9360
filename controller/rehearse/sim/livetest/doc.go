// Package livetest holds the simulated host against a real systemd, scenario by
// scenario: it holds tests only.
package livetest

// Package livetest holds the tests of observation that need a real systemd:
// they hold what evenkeel reads from links and from the journal against what
// systemd itself says.
package livetest

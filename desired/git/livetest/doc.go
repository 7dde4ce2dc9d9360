// Package livetest follows a branch over ssh, from a real sshd on a disposable host:
// no machine on which somebody develops gets one.
package livetest

// Package host finds, verifies, launches, watches and stops plugin processes.
//
// A plugin is a program of a stranger, given by path and checksum, or a role of
// this same program. Each runs in a process of its own, started when it is first
// needed and stopped when it has been idle for a while. To who uses it, it is an
// actuators.Actuator like any other.
//
// What a plugin cannot do: run bytes other than those whose checksum was given
// (they are copied into a sealed memory file, hashed there, and executed from
// there); read evenkeel's environment; be reached by, or pose as, another
// process (a socket folder of its own, mutual TLS made for one launch); outlive
// evenkeel; fill its memory or its log; hang its shutdown; be started over and
// over while it crashes. What it can do is what its user may: give it one.
//
// A running plugin is never taken over from an earlier evenkeel. It is started
// anew, and the world is observed again.
//
// It may import the contract, wire and go-plugin, and nothing above them.
package host

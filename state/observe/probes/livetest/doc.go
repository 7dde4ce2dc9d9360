// Package livetest proves the probes on a real host: with a real Redis,
// PostgreSQL and nginx under a real systemd, and with commands that fork, hang,
// flee and shout in a cgroup that systemd delegated. It has tests only, which
// boot a disposable host.
package livetest

// Package livetest proves package host on a real host: with strict rules about
// folders, a user of the plugin's own, and a cgroup that systemd delegated. It
// has tests only, which boot a disposable host.
package livetest

// Package files reads what lies on disk: files and drop-in folders as facts,
// the links by which units are enabled, and changes to any of them.
//
// It imports state for the vocabulary and x/sys for what the os package hides
// (lstat in full, inotify). It knows nothing of D-Bus: enablement is read from
// the links themselves, because asking systemd for it costs PID 1 more than
// everything else together.
//
// Nothing here changes the host. Reading a file follows no link in its last
// component, never opens a FIFO or a device, and is bounded in size.
package files

// Package units observes systemd's units: what the Manager says of them, which
// process runs, and whether the file under that process is still the same.
//
// A thousand units cost a handful of round trips: one call for the states of
// all, then single properties, many in flight, and only those that matter for
// the state that each unit is in. GetAll is left to idle units, which systemd
// reads from disk at every question, unless somebody has them kept loaded: for
// any other the first one after a daemon-reload costs PID 1 more than a
// millisecond. What an earlier reading has told is not asked again where a few
// properties prove that it cannot have changed: see memory.
//
// It leaves fields of state.Unit to others: Boot is read from the links on disk,
// Stop and StoppedFor from the journal.
//
// It imports state and state/observe/bus.
package units

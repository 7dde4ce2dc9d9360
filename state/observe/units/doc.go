// Package units observes systemd's units: what the Manager says of them, which
// process runs, and whether the file under that process is still the same.
//
// A thousand units cost a handful of round trips: one call for the states of
// all, then single properties, many in flight, and only those that matter for
// the state that each unit is in. GetAll is never used: after a daemon-reload
// the first one of each unit costs PID 1 more than a millisecond.
//
// It leaves two fields of state.Unit to others: Boot is read from the links on
// disk, Stop from the journal.
//
// It imports state and state/observe/bus.
package units

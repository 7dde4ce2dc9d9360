// Package systemd is the actuator that starts, stops, restarts, reloads,
// enables and masks units, and makes systemd read its unit files again.
//
// Jobs are queued in mode "fail": a job that somebody else has queued, a
// human's slow stop for one, is never replaced; the answer is then a Conflict.
// Apply looks at the unit just before it acts, so that what is already so is
// not done again, and looks once more after a start, because systemd calls a
// start "done" that fails a moment later.
//
// It imports actuators and the standard library only. The connection comes from
// whoever wires it, as a Manager; errors are known by their D-Bus names.
package systemd

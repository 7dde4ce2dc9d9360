// Package bus is the way to systemd's Manager: readings, jobs, unit files and
// signals over one D-Bus connection that mends itself.
//
// It exists beside go-systemd because that library cannot be made safe here: it
// calls without deadlines, forwards only half of the property signals, drops
// them silently when the reader is slow, never answers a job whose connection
// died, and hangs on the first call of a fresh private socket. The wire itself
// is godbus's; wire.go below it looks at each message before godbus does, so
// that signals of units nobody asked about cost almost nothing and a thousand
// property readings need no reflection.
//
// Rules that hold for everything here:
//
//   - Every call has a deadline. One that reads: Options.Timeout, or the
//     context's if that is sooner. One that acts: the context's, or
//     Options.JobTimeout where it has none. A batch of readings: no answer for as
//     long as Options.Timeout.
//   - A job is queued with mode "fail", never "replace": whoever queued a job
//     before us keeps it.
//   - A connection that died is never used again. The next call dials anew; a
//     Watch reports "everything is dirty" on the loss and again on the return.
//   - Signals are a set of dirty units, not a queue: nothing is lost and nothing
//     blocks however slow the reader is.
//
// It imports godbus and the standard library only, so that both the observer
// and whoever wires the systemd actuator can have it.
package bus

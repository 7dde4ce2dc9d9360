// Package failpoint names the moments at which a crash, or a change of the
// world, would hurt most: before and after the reading that guards an act, each
// write to the record, and each act on the host.
//
// In a build with the tag failpoints, the environment variable
// EVENKEEL_FAILPOINT=NAME[@N] kills the process, as kill -9 would, when it comes
// to that moment the Nth time; EVENKEEL_FAILSTOP=NAME[@N] stops it there, as
// kill -STOP would, so that a test can change the world in that very moment and
// let it go on. In every other build Hit does nothing and costs nothing.
//
// It imports the standard library only, so that whoever writes or acts can use it.
package failpoint

// Guard lists the points around the reading before acts: at the first the plan
// is made and nothing was read again, at the second the reading has reached the
// loop.
var Guard = []string{"guard.before", "guard.after"}

// Record lists the points around writes to the record.
var Record = []string{
	"notes.before", "notes.after", "intent.before", "intent.after", "outcome.before", "outcome.after",
}

// Act names the points around one verb of an actuator.
func Act(actuator, verb string) (before, after string) {
	return actuator + "." + verb + ".before", actuator + "." + verb + ".after"
}

// Package failpoint names the moments at which a crash would hurt most: before
// and after each write to the record and each act on the host. In a build with
// the tag failpoints, the environment variable EVENKEEL_FAILPOINT=NAME[@N] kills
// the process, as kill -9 would, when it comes to that moment the Nth time.
// In every other build Hit does nothing and costs nothing.
//
// It imports the standard library only, so that whoever writes or acts can use it.
package failpoint

// Record lists the points around writes to the record.
var Record = []string{
	"notes.before", "notes.after", "intent.before", "intent.after", "outcome.before", "outcome.after",
}

// Act names the points around one verb of an actuator.
func Act(actuator, verb string) (before, after string) {
	return actuator + "." + verb + ".before", actuator + "." + verb + ".after"
}

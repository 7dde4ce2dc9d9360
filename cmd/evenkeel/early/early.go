// Package early lets no garbage be collected while the program sets itself up: what
// the packages of all roles allocate before main is as much as starts a collection,
// which costs more than any of them, and next to nothing of it is garbage.
//
// It imports nothing but the standard library, so that it is among the first that
// are set up.
package early

import (
	"os"
	"runtime/debug"
)

// usual is what the Go runtime does where nothing is said.
const usual = 100

var left = true // of the user, who said nothing

func init() {
	if left = os.Getenv("GOGC") == ""; left {
		debug.SetGCPercent(4 * usual)
	}
}

// Over says that main has begun: from now on garbage is collected as usual, unless
// the user said otherwise.
func Over() {
	if left {
		debug.SetGCPercent(usual)
	}
}

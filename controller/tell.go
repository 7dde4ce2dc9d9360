package controller

import (
	"fmt"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// maxTold bounds how many holds one announcement speaks of: whoever stops
// thirty services at once knows that he did.
const maxTold = 5

// tell announces what the Plan wants announced, holds and Cases that need a
// human: in the log, and to those who are logged in. That it was told is on disk by now, so that a crash
// may swallow an announcement, and nothing repeats it.
func (l *loop) tell(notes []state.Note) {
	var lines []string
	for _, n := range notes {
		if n.Kind == state.NoteCase && n.Detail != "" {
			l.c.o.Log.Error("a human is needed", "object", n.Object, "case", n.Case.ID, "reason", n.Case.Ended, "detail", n.Detail)
			lines = append(lines, n.Detail)
		}
		if n.Kind != state.NoteTold {
			continue
		}
		what := "a stop by hand is respected"
		if n.Hold.Warned {
			what = "a hold by hand ends soon"
		}
		l.c.o.Log.Warn(what, "object", n.Object, "reason", n.Hold.Reason, "actor", n.Hold.Actor, "detail", n.Detail)
		lines = append(lines, n.Detail)
	}
	if n := len(lines); n > maxTold {
		lines = append(lines[:maxTold], fmt.Sprintf("and %d more: evenkeel status", n-maxTold))
	}
	if len(lines) > 0 {
		l.c.o.Tell(strings.Join(lines, "\n"))
	}
}

package controller

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// maxTold bounds how many holds one announcement speaks of: whoever stops
// thirty services at once knows that he did.
const maxTold = 5

// tell announces what the Plan wants announced: holds, and Cases that opened,
// that need a human, and that are healed, in the log; and holds, Cases that need a
// human, and the end of those, to those who are logged in. That it was told is on
// disk by now, so that a crash may swallow an announcement, and nothing repeats it.
func (l *loop) tell(now state.Time, notes []state.Note) {
	var lines []string
	for _, n := range notes {
		if line := l.tellCase(now, n); line != "" {
			lines = append(lines, line)
		}
		if n.Kind == state.NoteForgot {
			l.c.o.Log.Info("a service is let go", "object", n.Object, "detail", n.Detail)
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

// tellCase writes into the log how a Case has turned, and returns what those who
// are logged in are told of it; empty: nothing.
func (l *loop) tellCase(now state.Time, n state.Note) string {
	if n.Case == nil {
		return ""
	}
	c := n.Case
	log := l.c.o.Log.With("object", n.Object, "case", c.ID)
	switch {
	case n.Kind == state.NoteCase && n.Detail != "" && c.Reason == state.RevisionBad && c.Ended == "":
		log.Warn("a revision is bad here", "revision", c.Unit, "detail", n.Detail)
		return n.Detail
	case n.Kind == state.NoteCase && n.Detail != "":
		log.Error("a human is needed", "reason", c.Ended, "detail", n.Detail)
		return n.Detail
	case n.Kind == state.NoteCase && c.Opened == now:
		log.Warn("a service fell sick", "reason", c.Reason, "detail", c.Detail)
	case n.Kind == state.NoteHealed && c.At.IsZero():
		log.Info("a case is closed", "reason", c.Reason, "detail", n.Detail)
	case n.Kind == state.NoteHealed:
		log.Info("a case is closed, and no human is needed any more", "reason", c.Reason, "detail", n.Detail)
		return cmp.Or(c.Unit, c.Object) + " needs nobody any more: " + n.Detail
	}
	return ""
}

package controller_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// audit checks a record, entry by entry, against what evenkeel promises of any
// history whatever (limits: repairs a unit in a window).
func audit(entries []state.Entry, restarts int, per time.Duration) error {
	flight := map[string]state.Intent{}
	charges := map[string][]state.Time{}
	for i, e := range entries {
		if e.Seq != uint64(i+1) {
			return fmt.Errorf("entry %d has number %d", i+1, e.Seq)
		}
		if i > 0 && e.At.Before(entries[i-1].At) && e.Note == nil && entries[i-1].Note == nil && e.Outcome == nil {
			return fmt.Errorf("entry %d was written after a later one", e.Seq)
		}
		switch {
		case e.Intent != nil:
			s := e.Intent.Step
			if _, twice := flight[s.ID]; twice {
				return fmt.Errorf("step %s begins while it is under way", s.ID)
			}
			flight[s.ID] = *e.Intent
			if err := alone(flight); err != nil {
				return err
			}
			if !s.Remedial {
				continue
			}
			u := s.Action.Target
			charges[u] = append(charges[u], e.At)
			if n := state.Recent(charges[u], e.At, per); n > restarts {
				return fmt.Errorf("%d repairs of %s within %s", n, u, per)
			}
		case e.Outcome != nil:
			if _, ok := flight[e.Outcome.ID]; !ok {
				return fmt.Errorf("step %s ends and never began", e.Outcome.ID)
			}
			delete(flight, e.Outcome.ID)
		case e.Note.Kind == state.NoteRetried, e.Note.Kind == state.NoteReleased: // a human has limits begin anew
			delete(charges, strings.TrimPrefix(e.Note.Object, "Service/")+".service")
		}
	}
	return nil
}

// alone: of disruptive Steps one is under way at a time, and of Steps that
// change whether a unit runs, one a unit.
func alone(flight map[string]state.Intent) error {
	disruptive := 0
	targets := map[string]bool{}
	for _, i := range flight {
		if i.Step.Effect == actuators.Disruptive {
			disruptive++
		}
		target := i.Step.Action.Target
		switch i.Step.Action.Verb {
		case "start", "stop", "restart", "reload":
			if targets[target] {
				return fmt.Errorf("two steps on %s at once", target)
			}
			targets[target] = true
		}
	}
	if disruptive > 1 {
		return fmt.Errorf("%d disruptive steps at once", disruptive)
	}
	return nil
}

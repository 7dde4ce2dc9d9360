package backtest

import "github.com/pakashop/evenkeel/state"

// How a Runbook that was changed compares with what was done.
const (
	Same    = "same"    // it would have done what was done; evidence aside
	Differs = "differs" // it would have done something else, or at another time
	Unknown = "unknown" // the record does not tell
)

// Result is what a walk through one episode has come to.
type Result struct {
	Case   string
	Alert  string
	Object string
	Labels map[string]string
	Opened state.Time
	Closed state.Time // zero: it was open at the end of the record

	Then, Now Way
	Verdict   string
	Parts     *Point // where what was done and what would be done part; nil: they do not
	Unknown   *Point // from where on nothing is known; nil: it is to the end
}

// Way is what was done for an alert, or what would be.
type Way struct {
	Runbook string       // empty: none is for it
	Steps   []Step       // the oldest first
	Ended   state.Reason // Escalated and so on: a human was called at the end; empty: he was not
}

// Step is a step of a Runbook that was done, or would be.
type Step struct {
	Rung   int
	Action string
	Began  state.Time
	Ended  state.Time   // zero: nobody knows
	Status state.Status // empty: it was under way at the end; of what would be done: nobody knows how it would have ended
	Helped state.Time   // zero: it was not seen to
}

// Point is a moment of an episode, and what there is to say of it.
type Point struct {
	At     state.Time
	Detail string
}

// Options choose the episodes.
type Options struct {
	// Wants tells whether an episode is to be lived through: the Runbook that it had and
	// the one that it has now; empty where there is none. nil: all of them.
	Wants func(opened state.Case, now string) bool
}

package state

import "time"

// Line is one step of the history: an Intent joined with its Outcome. Its JSON
// form is what `history -o json` prints and what the socket serves.
type Line struct {
	Time     time.Time `json:"time"` // when the step began, UTC
	Pass     uint64    `json:"pass"`
	ID       string    `json:"id"`
	Object   string    `json:"object"`
	Actuator string    `json:"actuator"`
	Verb     string    `json:"verb"`
	Target   string    `json:"target,omitempty"` // the unit or path
	Reason   Reason    `json:"reason"`
	Actor    string    `json:"actor"`
	Key      string    `json:"key"`
	Case     string    `json:"case"`
	Rung     int       `json:"rung,omitempty"` // which remedy of the Case
	Revision string    `json:"revision"`
	Outcome  Status    `json:"outcome"` // empty: the step is in flight
	Detail   string    `json:"detail"`  // of the outcome, or else of the step
	MS       int64     `json:"ms"`      // how long it took, in milliseconds
	Trace    string    `json:"trace"`

	Displaced string `json:"displaced,omitempty"` // the ID under which a human's version was kept
}

// Bad tells whether the step ended otherwise than well.
func (l Line) Bad() bool {
	return l.Outcome == StepFailed || l.Outcome == Cut || l.Outcome == StepRefused
}

// NewLine joins an Intent and its Outcome, nil for a step in flight.
func NewLine(e Entry, o *Outcome) Line {
	s := e.Intent.Step
	l := Line{
		Time: e.At.Wall.UTC(), Pass: e.Pass, ID: s.ID, Object: s.Object,
		Actuator: s.Action.Actuator, Verb: s.Action.Verb, Target: s.Action.Target,
		Reason: s.Reason, Actor: s.Actor, Key: s.Key, Case: s.Case, Rung: s.Rung,
		Revision: e.Intent.Revision, Detail: s.Detail, Trace: e.Intent.Trace,
	}
	if o != nil {
		l.Outcome, l.MS, l.Displaced = o.Status, o.Took.Milliseconds(), o.Displaced
		if o.Detail != "" {
			l.Detail = o.Detail
		}
	}
	return l
}

package state

import (
	"maps"
	"slices"
)

// Seen is what a decision about an alert rests on beside its labels, as far as the
// record would not tell it otherwise. While the Case of an alert is open it is noted
// when it has changed, so that what was seen then can be run through another Runbook
// later. What it was like in between is what it was like at the note before.
type Seen struct {
	// Of one alert.
	Is    string            `json:"is,omitempty"`    // SeenFiring, SeenBlind, SeenUnknown; that it is over, its Case says
	Exprs map[string]string `json:"exprs,omitempty"` // by ExprID: SeenYes, SeenNo, SeenUnknown; those alone that are looked at now
	Waits string            `json:"waits,omitempty"` // the ID of the Step that waits for a human
	Held  []Reason          `json:"held,omitempty"`  // why a step waits, as far as that lies in what the host is like; sorted
	Step  string            `json:"step,omitempty"`  // ExprID of the action that is Held

	// Of the host as a whole.
	Sick map[string]string `json:"sick,omitempty"` // by unit, or by object of an Endpoint: SeenDown and so on; what is well is not in it
	Host Reason            `json:"host,omitempty"` // what holds all that could be done, or all that disturbs
}

// What an alert is like, what an expression says, and how what is not well is.
const (
	SeenFiring  = "firing"
	SeenBlind   = "blind"
	SeenUnknown = "unknown"
	SeenYes     = "yes"
	SeenNo      = "no"

	SeenDown    = "down"    // it does not run
	SeenFailed  = "failed"  // nor does it, and systemd says so
	SeenActing  = "acting"  // nor does it, and systemd is about to start it, or to stop it
	SeenFailing = "failing" // a probe of it says that it is sick
	SeenUnready = "unready" // its readiness fails
	SeenAiling  = "ailing"  // a probe fails, below its threshold
	SeenPending = "pending" // its probes have not decided yet
)

// MaxSick bounds how much of what is not well is noted.
const MaxSick = 50

// Equal tells whether two are the same in everything.
func (s Seen) Equal(o Seen) bool {
	return s.Is == o.Is && s.Waits == o.Waits && s.Step == o.Step && slices.Equal(s.Held, o.Held) && s.Host == o.Host && maps.Equal(s.Exprs, o.Exprs) && maps.Equal(s.Sick, o.Sick)
}

// ExprID names an expression by its text, for it may be long.
func ExprID(expr string) string { return Digest([]byte(expr))[:10] }

// see takes in what was seen: of an alert whose Case is open, else of the host.
func (p *Past) see(n Note) {
	if n.Name == "" {
		p.Seeing = *n.Seen
		return
	}
	key := CaseKey(n.Object, n.Name)
	if c, open := p.Cases[key]; open {
		c.Seen = *n.Seen
		p.Cases[key] = c
	}
}

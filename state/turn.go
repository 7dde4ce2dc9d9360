package state

import (
	"strconv"
	"time"
)

// What is wanted can be moved without a new revision: another service stands in
// for one that is sick, more instances of one run than declared. A Step moves
// it, the record remembers it, and the next Plan simply wants something else.

// Failover is a service for which another one stands in.
type Failover struct {
	Service  string        `json:"service"`            // the one that is sick
	To       string        `json:"to"`                 // the one that stands in
	Upstream string        `json:"upstream,omitempty"` // the file that says who is asked; empty: none does
	Standby  string        `json:"standby,omitempty"`  // the file whose content Upstream gets meanwhile
	Drain    time.Duration `json:"drain,omitempty"`    // how long the old one goes on when nobody asks it any more
	Phase    Phase         `json:"phase"`
	Since    Time          `json:"since"` // of Phase
}

// Phase is how far a Failover has come.
type Phase string

// The phases, in their order.
const (
	FailoverStarting  Phase = "starting"  // the one that stands in is started; nothing else has changed
	FailoverSwitched  Phase = "switched"  // it is ready, and is asked from now on
	FailoverDone      Phase = "done"      // the other one is stopped
	FailoverReturning Phase = "returning" // a human takes it back: the other one is started
	FailoverReturned  Phase = "returned"  // that one is ready, and is asked again
)

// Asks tells whether the one that stands in is asked.
func (f Failover) Asks() bool {
	return f.Phase == FailoverSwitched || f.Phase == FailoverDone || f.Phase == FailoverReturning
}

// Scale is how many instances of a service run, where that is not as declared.
type Scale struct {
	Object string `json:"object"`
	To     int    `json:"to"`
	Case   string `json:"case,omitempty"` // it ends with the Case whose remedy it was
	Since  Time   `json:"since"`
}

// Woken is that a service runs though it is declared stopped, because a human let
// the step of a Runbook go that starts it. It is over when the declaration says
// otherwise, or a human stops the service.
type Woken struct {
	Object string `json:"object"`
	Case   string `json:"case,omitempty"` // for whose sake
	Since  Time   `json:"since"`
}

// turn takes in a Step that moves what is wanted.
func (p *Past) turn(s Step, at Time) {
	a := s.Action
	switch a.Actuator + "." + a.Verb {
	case "failover.switch":
		drain, _ := time.ParseDuration(a.Args["drain"])
		p.Failovers[a.Target] = Failover{
			Service: a.Target, To: a.Args["to"], Upstream: a.Args["upstream"], Standby: a.Args["standby"], Drain: drain,
			Phase: FailoverStarting, Since: at,
		}
	case "revision.rollback":
		p.moved(s, at)
	case "state.set":
		p.Woken[s.Object] = Woken{Object: s.Object, Case: s.Case, Since: at}
	case "scale.set":
		if n, err := strconv.Atoi(a.Args["to"]); err == nil {
			p.Scales[s.Object] = Scale{Object: s.Object, To: n, Case: s.Case, Since: at}
		}
	}
}

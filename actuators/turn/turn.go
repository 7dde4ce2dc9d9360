// Package turn has the actuators whose verbs change nothing on a host by
// themselves: what they move is what evenkeel wants from then on. That another
// service stands in for a sick one, or that more instances of one run, is
// remembered from the Step's outcome; all that follows from it (starts, stops, a
// file, a reload) are Steps of later Plans, each guarded and recorded like any
// other. They are actuators so that policy can ask for approval, and history can
// tell of them, as of everything else.
//
// It imports the contract only.
package turn

import (
	"context"

	"github.com/pakashop/evenkeel/actuators"
)

// Turn is one of them.
type Turn struct{ info actuators.Info }

// Failover has another service stand in for a sick one.
func Failover(version string) Turn {
	return Turn{actuators.Info{Name: "failover", Version: version, Verbs: []actuators.Verb{{
		Name: "switch", Effect: actuators.Disruptive, Args: []string{"to", "upstream", "standby", "drain"},
		Help: "Have another service stand in: start it, wait until it is ready, switch the upstream file, drain, stop the other.",
	}}}}
}

// Scale has another number of instances run, within the declared bounds.
func Scale(version string) Turn {
	return Turn{actuators.Info{Name: "scale", Version: version, Verbs: []actuators.Verb{{
		Name: "set", Effect: actuators.Benign, Args: []string{"to"},
		Help: "Run this number of instances, within the declared bounds.",
	}}}}
}

// State has a service run that is declared stopped.
func State(version string) Turn {
	return Turn{actuators.Info{Name: "state", Version: version, Verbs: []actuators.Verb{{
		Name: "set", Effect: actuators.Benign, Args: []string{"to"},
		Help: "Have a service run that is declared stopped, until its declaration says so or a human stops it.",
	}}}}
}

// Revision has another revision of the desired state in force.
func Revision(version string) Turn {
	return Turn{actuators.Info{Name: "revision", Version: version, Verbs: []actuators.Verb{{
		Name: "rollback", Effect: actuators.Benign, Args: []string{"from"},
		Help: "Put an earlier revision in force; what differs is mended by the Steps that follow.",
	}}}}
}

// Ask has a question answered: that a human let its Step go is the answer.
func Ask(version string) Turn {
	return Turn{actuators.Info{Name: "ask", Version: version, Verbs: []actuators.Verb{{
		Name: "human", Effect: actuators.None, Args: []string{"question", "case", "owner"},
		Help: "Go on with a runbook, because a human said yes.",
	}}}}
}

// Info says what it can do.
func (t Turn) Info(context.Context) (actuators.Info, error) { return t.info, nil }

// Apply checks the request; the outcome is the effect.
func (t Turn) Apply(_ context.Context, r actuators.Request) (actuators.Result, error) {
	if err := t.info.Check(r); err != nil {
		return actuators.Result{}, err
	}
	v, _ := t.info.Verb(r.Verb)
	first := v.Args[0] // what none of them can do without
	if r.Args[first] == "" || r.Target == "" {
		return actuators.Result{}, actuators.Errorf(actuators.Invalid, "%s: a target and %s are needed", r.Action, first)
	}
	if first == "question" {
		return actuators.Result{Detail: "a human said yes: " + r.Args[first]}, nil
	}
	if first == "from" {
		return actuators.Result{Changed: true, Detail: r.Args[first] + " → " + r.Target}, nil
	}
	return actuators.Result{Changed: true, Detail: r.Target + " → " + r.Args[first]}, nil
}

var _ actuators.Actuator = Turn{}

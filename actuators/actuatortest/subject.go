package actuatortest

import (
	"testing"

	"github.com/pakashop/evenkeel/actuators"
)

// Subject is an actuator in a fresh world of its own: a temporary folder, a
// fake server. A new one is made for each case.
type Subject struct {
	Actuator actuators.Actuator
	// Config is what a plugin process needs to act in the same world as
	// Actuator does. It is used by RunProcess only.
	Config map[string]any
	// Samples are requests that work and change something in the fresh world.
	// Each verb needs one, or an entry in Unproven.
	Samples []Sample
	// Failing are requests that must fail, by the Kind.
	Failing []Failing
	// Unproven says for a verb why no test can show that it works.
	Unproven map[string]string
}

// Sample is a request that works.
type Sample struct {
	Name    string // of the sub-test; the verb if empty
	Request actuators.Request
	// Before makes the world such that the request changes something. Nil: the
	// fresh world is.
	Before func(t *testing.T)
	// Look reads that part of the world which the request changes. Two worlds
	// that are the same look the same. Nil only for verbs without an effect.
	Look func(t *testing.T) string
	// Repeats says that the request has an effect each time, as a restart has.
	// Without a Key, that is: Apply with one Key twice has its effect once.
	Repeats bool
}

func (s Sample) name() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Request.Verb
}

// look is Look, and the empty text where there is nothing to see.
func (s Sample) look(t *testing.T) string {
	t.Helper()
	if s.Look == nil {
		return ""
	}
	return s.Look(t)
}

// Failing is a request that must fail.
type Failing struct {
	Name    string
	Request actuators.Request
	Before  func(t *testing.T) // may be nil
	Kind    actuators.Kind
}

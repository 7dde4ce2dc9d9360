package actuators

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Effect says how much an Action disturbs the host.
type Effect string

// The effects, from the least to the most disturbing.
const (
	// None changes nothing on the host: a notification, a reading.
	None Effect = "none"
	// Benign changes the host without disturbing what runs: a file, a link, a
	// daemon-reload, the start of what is down.
	Benign Effect = "benign"
	// Disruptive disturbs something that works: a stop, a restart, a reload of
	// a service, a flush.
	Disruptive Effect = "disruptive"
)

// Action is one change, as plain data. Two Actions that are equal do the same.
type Action struct {
	Actuator string            `json:"actuator"`
	Verb     string            `json:"verb"`
	Target   string            `json:"target,omitempty"` // a unit, an absolute path; empty means the whole host
	Args     map[string]string `json:"args,omitempty"`   // small and plain; content only by its digest
}

// String is "systemd.start nginx.service", with the arguments in order of name.
func (a Action) String() string {
	var b strings.Builder
	b.WriteString(a.Actuator + "." + a.Verb)
	if a.Target != "" {
		b.WriteString(" " + a.Target)
	}
	for _, k := range slices.Sorted(maps.Keys(a.Args)) {
		b.WriteString(" " + k + "=" + a.Args[k])
	}
	return b.String()
}

// Request is an Action that is to be done now.
type Request struct {
	Action
	// Key names the effect in the world. Apply with one Key twice must have
	// the effect once. Empty: the Action is idempotent by nature.
	Key string
	// Content is what a verb with Verb.Content writes, and nil for the others.
	Content []byte
}

// Result is what Apply reports. It is a claim: evenkeel reads the world again
// before it believes it.
type Result struct {
	Changed   bool              `json:"changed"`             // false: the world was already so
	Detail    string            `json:"detail,omitempty"`    // one line for a human
	Displaced string            `json:"displaced,omitempty"` // the ID under which a human's version was kept
	Data      map[string]string `json:"data,omitempty"`      // what a later reader may want, small
}

// Verb describes one thing that an actuator can do.
type Verb struct {
	Name    string   `json:"name"`
	Effect  Effect   `json:"effect"`
	Content bool     `json:"content,omitempty"` // the Request must carry Content
	Args    []string `json:"args,omitempty"`    // the arguments it knows; any other is an Invalid error
	Help    string   `json:"help"`              // one sentence
}

// Info is what an actuator says of itself. It never changes while it runs.
type Info struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Verbs   []Verb `json:"verbs"`
}

// Verb finds a verb by its name.
func (i Info) Verb(name string) (Verb, bool) {
	for _, v := range i.Verbs {
		if v.Name == name {
			return v, true
		}
	}
	return Verb{}, false
}

// Check refuses what the actuator never promised to understand: another
// actuator's action, an unknown verb, an unknown argument, missing or
// unexpected content. Every Apply and Preview calls it first.
func (i Info) Check(r Request) error {
	if r.Actuator != i.Name {
		return Errorf(Invalid, "%s: this is actuator %q", r.Action, i.Name)
	}
	v, ok := i.Verb(r.Verb)
	if !ok {
		return Errorf(Invalid, "%s: unknown verb %q", r.Action, r.Verb)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Args)) {
		if !slices.Contains(v.Args, k) {
			return Errorf(Invalid, "%s: unknown argument %q", r.Action, k)
		}
	}
	if v.Content && r.Content == nil {
		return Errorf(Invalid, "%s: no content", r.Action)
	}
	if !v.Content && r.Content != nil {
		return Errorf(Invalid, "%s: unexpected content", r.Action)
	}
	return nil
}

// Actuator changes the world in the ways that its Info names.
//
// Apply must return soon after ctx ends, must be safe for concurrent use with
// different targets, and must be idempotent: doing again what is already so
// returns Changed false and no error. What it returns as an error is an *Error,
// so that its Kind survives the wire; a plain error counts as Internal.
type Actuator interface {
	Info(ctx context.Context) (Info, error)
	Apply(ctx context.Context, r Request) (Result, error)
}

// Previewer is the optional half of an Actuator that can say what Apply would
// do without doing it. Preview must not change anything.
type Previewer interface {
	Preview(ctx context.Context, r Request) (Result, error)
}

package desired

import (
	"encoding/json"
	"strconv"
)

// APIVersion is the only version of the objects.
const APIVersion = "evenkeel.dev/v1"

// Pos is where something was written.
type Pos struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"` // from 1
	Col  int    `json:"col,omitempty"`  // from 1, in characters
}

func (p Pos) String() string {
	switch {
	case p.File == "" && p.Line == 0:
		return ""
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return p.File + ":" + strconv.Itoa(p.Line)
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// Meta names an object.
type Meta struct {
	Name        string            `json:"name"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Object is one declared object with its effective values: built-in defaults,
// Defaults, the object itself and overlays, in this order of weight.
type Object struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   Meta              `json:"metadata"`
	Spec       json.RawMessage   `json:"spec"`             // effective, in the order of the Go type
	Pos        Pos               `json:"-"`                // of the document
	Origin     map[string]string `json:"origin,omitempty"` // by field path (spec.limits.restarts): "built-in", "Defaults/app", "file:line:col"
}

// Ref is KIND/NAME.
func (o Object) Ref() string { return o.Kind + "/" + o.Metadata.Name }

// Kinds lists every kind that a file may hold.
var Kinds = []string{
	"Service", "Defaults", "Environment", "Endpoint", "AlertRules", "Runbook", "Task",
	"ChangeWindow", "Receiver", "Route", "Cache", "Database", "Actuator",
}

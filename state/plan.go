package state

import (
	"github.com/pakashop/evenkeel/actuators"
)

// Plan is the whole answer of one pass: what to do, what not to do and why,
// what must be looked at again, what must be remembered, and when to think again.
type Plan struct {
	Steps []Step `json:"steps"`
	Held  []Held `json:"held"`
	Gaps  []Gap  `json:"gaps"`
	Notes []Note `json:"notes,omitempty"`
	Again *Time  `json:"again,omitempty"` // the earliest moment at which time alone changes the Plan; nil: never
}

// Step is one change to the host, with its reason.
type Step struct {
	ID       string           `json:"id"`
	Key      string           `json:"key,omitempty"` // names an effect in the world that must happen once; empty: idempotent
	Object   string           `json:"object"`        // "Service/x", or "Host/name" for a daemon-reload
	Reason   Reason           `json:"reason"`
	Detail   string           `json:"detail,omitempty"`
	Action   actuators.Action `json:"action"`
	Effect   actuators.Effect `json:"effect"`
	Needs    []string         `json:"needs,omitempty"`    // IDs of Steps of this Plan that must have ended before
	Rests    []Ref            `json:"rests,omitempty"`    // the facts that are read again before and after it is done
	Heeds    []Ref            `json:"heeds,omitempty"`    // further facts that are read again before it is done; it changes none of them
	Fields   []Field          `json:"fields,omitempty"`   // what differs
	Remedial bool             `json:"remedial,omitempty"` // charged to the unit's limits: it repairs what had been well
	Actor    string           `json:"actor,omitempty"`    // the human who asked for it; empty: evenkeel itself
	Ask      string           `json:"ask,omitempty"`      // the ID of what he asked for
	Case     string           `json:"case,omitempty"`     // the Case whose rung it is
	Rung     int              `json:"rung,omitempty"`
}

// Ref names a fact of the World.
type Ref struct {
	Kind RefKind `json:"kind"`
	Name string  `json:"name,omitempty"`
}

// RefKind is the map of the World in which a fact lies.
type RefKind string

// The kinds of facts.
const (
	RefHost RefKind = "host"
	RefUnit RefKind = "unit"
	RefFile RefKind = "file"
	RefDir  RefKind = "dir"

	RefProbe RefKind = "probe"

	RefAlerts RefKind = "alerts" // of one source
	RefQuery  RefKind = "query"  // an expression in PromQL
)

func (r Ref) String() string { return string(r.Kind) + ":" + r.Name }

// Field is one difference between what is declared and what was observed.
// Values of sensitive things are never in it.
type Field struct {
	Path     string `json:"path"`
	Desired  string `json:"desired"`
	Observed string `json:"observed"`
}

// Held is a difference that is not acted on, with the reason and its end.
type Held struct {
	Object string   `json:"object"`
	Unit   string   `json:"unit,omitempty"` // for a replica: which
	Reason Reason   `json:"reason"`
	Detail string   `json:"detail,omitempty"`
	Until  *Time    `json:"until,omitempty"`  // nil: until something changes
	Fields []Field  `json:"fields,omitempty"` // what differs
	Ask    string   `json:"ask,omitempty"`    // the ID of what a human asked for, where it is that
	Steps  []string `json:"steps,omitempty"`  // the IDs of Steps that a human may approve
	Wishes []Wish   `json:"wishes,omitempty"` // what is not done; none where no Step could mend it
	Info   bool     `json:"info,omitempty"`   // shown, but nothing differs: a hold on an object that is as declared
}

// Gap is a fact that is missing, too old or unreadable. The loop looks again.
type Gap struct {
	Object string `json:"object"`
	Source Ref    `json:"source"`
	Detail string `json:"detail,omitempty"`
	After  Time   `json:"after,omitzero"` // only a reading that began no earlier is any good; zero: any newer one
}

// InSync tells whether nothing is to be done and nothing that differs is held.
func (p Plan) InSync() bool {
	for _, s := range p.Steps {
		if s.Effect != actuators.None {
			return false
		}
	}
	for _, h := range p.Held {
		if !h.Info {
			return false
		}
	}
	return true
}

// Step finds a Step by its ID.
func (p Plan) Step(id string) (Step, bool) {
	for _, s := range p.Steps {
		if s.ID == id {
			return s, true
		}
	}
	return Step{}, false
}

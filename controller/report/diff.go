package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Diff is a Plan as `diff` shows it. Its JSON form is a contract.
type Diff struct {
	Revision    string `json:"revision"`
	Host        string `json:"host"`
	Environment string `json:"environment"`
	InSync      bool   `json:"inSync"`
	History     bool   `json:"history"` // whether the past was known
	Steps       []Step `json:"steps"`   // in the order of the Plan
	Held        []Held `json:"held"`    // one an object and reason
	Gaps        []Gap  `json:"gaps"`

	// Services and Units count what was compared, for the words "in sync".
	Services int `json:"-"`
	Units    int `json:"-"`
}

// Step is one Step of the Plan.
type Step struct {
	ID       string           `json:"id"`
	Key      string           `json:"key"`
	Object   string           `json:"object"`
	Actuator string           `json:"actuator"`
	Verb     string           `json:"verb"`
	Effect   actuators.Effect `json:"effect"`
	Reason   state.Reason     `json:"reason"`
	Detail   string           `json:"detail"`
	Needs    []string         `json:"needs"`
	Fields   []Field          `json:"fields"`
	Diff     string           `json:"diff"` // unified, of a file; or one line that says only that it changes

	Target string `json:"-"` // the unit or path, for text
	change change // what Diff was made from
}

// Field is one difference between what is declared and what was observed.
type Field struct {
	Path     string `json:"path"`
	Desired  string `json:"desired"`
	Observed string `json:"observed"`
}

// Held is what is not done, and why.
type Held struct {
	Object string       `json:"object"`
	Reason state.Reason `json:"reason"`
	Detail string       `json:"detail"`
	Until  Stamp        `json:"until"` // null: until something changes

	// Fields and Diffs show what differs, in text only.
	Fields []Field  `json:"-"`
	Diffs  []string `json:"-"`
	Info   bool     `json:"-"` // nothing differs
}

// ofHealth are the reasons for which a hold that holds nothing back only says how
// well something is.
var ofHealth = []state.Reason{
	state.LivenessFailed, state.WrongService, state.Flapping, state.NotReady, state.EndpointDown, state.DependencySick,
	state.Verifying, state.NotAllowed, state.Alert,
}

// health tells an entry that is no difference and holds nothing back: it says how
// well something is.
func (h Held) health() bool { return onlyHealth(h.Info, h.Reason) }

func onlyHealth(info bool, r state.Reason) bool { return info && slices.Contains(ofHealth, r) }

// Holds are the entries that hold something back, or would.
func (d Diff) Holds() []Held { return d.which(false) }

// Health are the entries that only say how well something is. They are no
// differences.
func (d Diff) Health() []Held { return d.which(true) }

func (d Diff) which(health bool) []Held {
	var out []Held
	for _, h := range d.Held {
		if h.health() == health {
			out = append(out, h)
		}
	}
	return out
}

// notWell counts the objects that are not.
func (d Diff) notWell() int {
	objects := make(map[string]bool)
	for _, h := range d.Health() {
		if h.Reason != state.Verifying && h.Reason != state.NotAllowed {
			objects[h.Object] = true
		}
	}
	return len(objects)
}

// Gap is a fact that is missing.
type Gap struct {
	Object string `json:"object"`
	Source string `json:"source"` // KIND:NAME of the fact, as in unit:nginx.service
	Detail string `json:"detail"`
}

// NewDiff reports a plan. content reads what lies at a path now; it is asked
// for files that are about to be written or removed and may be shown, never for
// sensitive ones. A nil content shows digests only.
func NewDiff(want *desired.Set, have state.World, past *state.Past, plan state.Plan, content func(path string) ([]byte, error)) Diff {
	d := Diff{
		Revision: want.Revision, Host: hostName(want, have), Environment: environment(want),
		InSync: plan.InSync(), History: past != nil && past.Known,
		Steps: make([]Step, 0, len(plan.Steps)), Gaps: make([]Gap, 0, len(plan.Gaps)),
		Services: len(want.Services),
	}
	for _, s := range want.Services {
		d.Units += len(s.Units)
	}
	f := files{declared: newDeclared(want), have: have, content: content}
	for _, s := range plan.Steps {
		d.Steps = append(d.Steps, newStep(s, f))
	}
	d.Held = newHeld(plan.Held, f)
	for _, g := range plan.Gaps {
		d.Gaps = append(d.Gaps, Gap{Object: g.Object, Source: g.Source.String(), Detail: g.Detail})
	}
	return d
}

func newStep(s state.Step, f files) Step {
	c := f.step(s.Action)
	return Step{
		ID: s.ID, Key: s.Key, Object: s.Object, Actuator: s.Action.Actuator, Verb: s.Action.Verb,
		Effect: s.Effect, Reason: s.Reason, Detail: s.Detail,
		Needs: append([]string{}, s.Needs...), Fields: newFields(s.Fields),
		Diff: c.String(), Target: s.Action.Target, change: c,
	}
}

func newFields(in []state.Field) []Field {
	out := make([]Field, 0, len(in))
	for _, f := range in {
		out = append(out, Field(f))
	}
	return out
}

// newHeld makes one entry of all with one object and reason, ordered by object
// and then by the weight of the reason.
func newHeld(in []state.Held, f files) []Held {
	out := []Held{}
	at := make(map[string]int)
	for _, h := range in {
		next := Held{
			Object: h.Object, Reason: h.Reason, Detail: h.Detail, Until: atState(h.Until),
			Fields: newFields(h.Fields), Diffs: f.held(h.Fields), Info: h.Info,
		}
		key := h.Object + " " + string(h.Reason)
		if i, ok := at[key]; ok {
			out[i] = out[i].join(next)
			continue
		}
		at[key] = len(out)
		out = append(out, next)
	}
	slices.SortStableFunc(out, func(a, b Held) int {
		return cmp.Or(strings.Compare(a.Object, b.Object), compareReasons(a.Reason, b.Reason))
	})
	return out
}

// join takes two holds for one: it ends when the last of them ends.
func (h Held) join(o Held) Held {
	if o.Detail != "" && !strings.Contains(h.Detail, o.Detail) {
		h.Detail = strings.TrimPrefix(h.Detail+"; "+o.Detail, "; ")
	}
	if h.Until.IsZero() || o.Until.IsZero() {
		h.Until = Stamp{}
	} else if o.Until.After(h.Until.Time) {
		h.Until = o.Until
	}
	h.Fields, h.Diffs = append(h.Fields, o.Fields...), append(h.Diffs, o.Diffs...)
	h.Info = h.Info && o.Info
	return h
}

func compareReasons(a, b state.Reason) int {
	return cmp.Or(cmp.Compare(a.Rank(), b.Rank()), cmp.Compare(a, b))
}

// Settled tells whether diff exits 0: nothing is to be done and, unless held
// differences are to be ignored, none is held.
func (d Diff) Settled(ignoreHeld bool) bool {
	if !ignoreHeld {
		return d.InSync
	}
	return !slices.ContainsFunc(d.Steps, func(s Step) bool { return s.Effect != actuators.None })
}

// Conceal hides the content of files from somebody who could not read them. may
// is asked for each file that lies on the host; of one that does not yet, the
// declared mode decides.
func (d Diff) Conceal(may func(path string) bool) Diff {
	d.Steps, d.Held = slices.Clone(d.Steps), slices.Clone(d.Held)
	for i := range d.Steps {
		s := &d.Steps[i]
		s.change = s.change.conceal(may)
		s.Diff = s.change.String()
	}
	for i := range d.Held {
		d.Held[i].Diffs = nil
	}
	return d
}

func hostName(want *desired.Set, have state.World) string {
	return cmp.Or(want.Host.Name, have.Host.Value.Name)
}

func environment(want *desired.Set) string { return cmp.Or(want.Environment, want.Host.Environment) }

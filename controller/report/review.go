package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Review is what a change of desired state does to one environment, on all of its
// hosts or on one: a diff whose other side is not a host, but another revision.
// Its keys are a diff's and some more, and append-only.
type Review struct {
	Diff
	Base     string    `json:"base"`    // the revision that it was compared with; empty: with nothing
	Changes  bool      `json:"changes"` // something is not as before, be it a field for which nothing is done
	Objects  []Changed `json:"objects"`
	Restarts []Restart `json:"restarts"` // in their order, those that wait last
	Risks    []Risk    `json:"risks"`    // the worst first

	ConfirmAfter string   `json:"confirmAfter"` // how long the revision is provisional; empty: not said
	Verify       []string `json:"verify"`       // the command that must succeed for it to be confirmed
	Problems     []string `json:"problems"`     // why it cannot be used: file:line:col: message
}

// Changed is one object that is not as before.
type Changed struct {
	Object   string   `json:"object"`
	Change   string   `json:"change"`   // added, changed or removed
	Declared string   `json:"declared"` // file:line:col; of what is removed, where it was
	Hosts    []string `json:"hosts"`    // matchers of the hosts that run a Service; none: every host of the environment
	Fields   []Field  `json:"fields"`   // effective values that change; observed is the one before
}

// The changes of an object.
const (
	Added    = "added"
	Modified = "changed"
	Removed  = "removed"
)

// Restart is a disturbance of one unit.
type Restart struct {
	Object  string       `json:"object"`
	Unit    string       `json:"unit"`
	Verb    string       `json:"verb"` // restart, reload or stop
	Why     string       `json:"why"`
	After   []string     `json:"after"`   // units that come first
	Waits   state.Reason `json:"waits"`   // why it is not done at once; empty: it is
	Detail  string       `json:"detail"`  // of waits
	Until   Stamp        `json:"until"`   // of waits; null: until somebody acts
	Windows []string     `json:"windows"` // the change windows outside of which it is not done
}

// Risk is something that whoever approves the change should have thought of.
type Risk struct {
	Kind   RiskKind `json:"kind"`
	Object string   `json:"object"`
	Detail string   `json:"detail"`
}

// RiskKind says in one CamelCase word what a Risk is: append only.
type RiskKind string

// The kinds of risks, the worst first.
const (
	RiskShrunk       RiskKind = "Shrunk"       // so much goes at once that hosts refuse it
	RiskEnvironment  RiskKind = "Environment"  // the environment comes, goes, or follows another branch
	RiskRemoved      RiskKind = "Removed"      // a service leaves
	RiskMoved        RiskKind = "Moved"        // a service changes hosts
	RiskStateful     RiskKind = "Stateful"     // a stateful service is disturbed
	RiskIrreversible RiskKind = "Irreversible" // no rollback goes back over it
	RiskRefused      RiskKind = "Refused"      // hosts cannot or must not do it as it is declared
	RiskP1           RiskKind = "P1"           // a service whose loss is a P1 is disturbed
	RiskDependents   RiskKind = "Dependents"   // others rest on a service that is disturbed
	RiskRolls        RiskKind = "Rolls"        // much of a host is restarted, one by one
	RiskPolicy       RiskKind = "Policy"       // hosts' policies must allow something that they were not asked before
	RiskUnguarded    RiskKind = "Unguarded"    // a probe, a limit or another safeguard goes or is loosened
	RiskGate         RiskKind = "Gate"         // what confirms a revision is loosened
	RiskWindow       RiskKind = "Window"       // when changes may disturb is another
	RiskWarning      RiskKind = "Warning"      // validate warns of something new
)

// Risks lists every kind, the worst first.
var Risks = []RiskKind{
	RiskShrunk, RiskEnvironment, RiskRemoved, RiskMoved, RiskStateful, RiskIrreversible, RiskRefused, RiskP1,
	RiskDependents, RiskRolls, RiskPolicy, RiskUnguarded, RiskGate, RiskWindow, RiskWarning,
}

// Reviews are the reviews of one change. Its own keys are those of a Review: all
// that any of them has, so that whoever reads a diff can read this.
type Reviews struct {
	Review
	Reviews []Review `json:"reviews"` // an environment or host each
}

// NewReviews puts reviews together. problems are why the change cannot be used
// anywhere.
func NewReviews(base, head string, problems []string, list ...Review) Reviews {
	r := Reviews{Reviews: append([]Review{}, list...)}
	r.Review = emptyReview()
	r.Revision, r.Base = head, base
	r.InSync, r.Problems = len(problems) == 0, append([]string{}, problems...)
	for _, one := range list {
		r.InSync = r.InSync && one.InSync
		r.Changes = r.Changes || one.Changes
		r.Steps, r.Held, r.Gaps = append(r.Steps, one.Steps...), append(r.Held, one.Held...), append(r.Gaps, one.Gaps...)
		r.Objects, r.Restarts, r.Risks = append(r.Objects, one.Objects...), append(r.Restarts, one.Restarts...), append(r.Risks, one.Risks...)
		for _, p := range one.Problems {
			if !slices.Contains(r.Problems, p) {
				r.Problems = append(r.Problems, p)
			}
		}
	}
	if len(list) == 1 {
		one := list[0]
		r.Host, r.Environment, r.Services, r.Units = one.Host, one.Environment, one.Services, one.Units
		r.ConfirmAfter, r.Verify = one.ConfirmAfter, one.Verify
	}
	return r
}

func emptyReview() Review {
	return Review{
		Diff:    Diff{Steps: []Step{}, Held: []Held{}, Gaps: []Gap{}},
		Objects: []Changed{}, Restarts: []Restart{}, Risks: []Risk{}, Verify: []string{}, Problems: []string{},
	}
}

// NewReview completes a Review: no list of it is null.
func NewReview(r Review) Review {
	e := emptyReview()
	r.Steps, r.Held, r.Gaps = append(e.Steps, r.Steps...), append(e.Held, r.Held...), append(e.Gaps, r.Gaps...)
	r.Objects, r.Restarts, r.Risks = append(e.Objects, r.Objects...), append(e.Restarts, r.Restarts...), append(e.Risks, r.Risks...)
	r.Verify, r.Problems = append(e.Verify, r.Verify...), append(e.Problems, r.Problems...)
	return r
}

// Summary counts what the change does, or says that it does nothing.
func (r Review) Summary() string {
	switch {
	case len(r.Problems) > 0:
		return "it cannot be used: " + count(len(r.Problems), "error")
	case !r.Changes:
		return "nothing changes"
	}
	waiting := 0
	for _, s := range r.Restarts {
		if s.Waits != "" {
			waiting++
		}
	}
	s := fmt.Sprintf("%s, %s, %s", count(len(r.Objects), "object"), count(len(r.Steps), "step"), count(len(r.Restarts), "disturbance"))
	if waiting > 0 {
		s += fmt.Sprintf(" (%d waiting)", waiting)
	}
	return s + ", " + count(len(r.Risks), "risk")
}

// Summary says in how many environments something changes.
func (r Reviews) Summary() string {
	switch n := r.changing(); {
	case len(r.Problems) > 0:
		return "it cannot be used: " + count(len(r.Problems), "error")
	case n == 0:
		return "nothing changes"
	case len(r.Reviews) == 1:
		return r.Reviews[0].Summary()
	default:
		return fmt.Sprintf("%d of %d environments change: %s", n, len(r.Reviews), r.Review.Summary())
	}
}

func (r Reviews) changing() (n int) {
	for _, one := range r.Reviews {
		if one.Changes {
			n++
		}
	}
	return n
}

// place is the environment and the host, in words.
func (r Review) place() string {
	s := "every host"
	if r.Host != "" {
		s = "host " + r.Host
	}
	if r.Environment == "" {
		return s
	}
	return r.Environment + ", " + s
}

// against says which two revisions were compared.
func (r Review) against() string {
	s := desired.ShortRevision(r.Revision) + " compared with "
	if r.Base == "" {
		return s + "nothing"
	}
	return s + desired.ShortRevision(r.Base)
}

// now says when a disturbance comes: at once, or what it waits for.
func (r Restart) now() string {
	switch {
	case r.Waits == "" && len(r.Windows) > 0:
		return "while " + r.windows() + " is open, as now"
	case r.Waits == "":
		return "at once"
	}
	s := string(r.Waits)
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	return s
}

func (r Restart) windows() string {
	s := "change window"
	if len(r.Windows) > 1 {
		s = "one of the change windows"
	}
	for i, w := range r.Windows {
		if i > 0 {
			s += ","
		}
		s += " " + w
	}
	return s
}

// line is "spec.severity: P3 → P1"; of what is sensitive, that it changes.
func (o Changed) line(f Field) string {
	if f.Desired == hidden {
		return f.Path + ": changed, sensitive"
	}
	return f.String()
}

// gate says what confirms the revision.
func (r Review) gate() string {
	s := ""
	if r.ConfirmAfter != "" {
		s = "provisional for " + r.ConfirmAfter
	}
	if len(r.Verify) > 0 {
		if s != "" {
			s += ", "
		}
		s += "verified by " + words(r.Verify)
	}
	return s
}

// words is a command on one line, each argument in quotes where it needs them.
func words(argv []string) string {
	out := make([]string, len(argv))
	for i, a := range argv {
		if out[i] = a; a == "" || strings.ContainsAny(a, " \t\n\"'\\$`|&;<>()*?[]{}~#") {
			out[i] = strconv.Quote(a)
		}
	}
	return strings.Join(out, " ")
}

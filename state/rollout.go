package state

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Which revision is in force is not for the branch alone to say. A new one is
// provisional until it has proved itself; one that broke something is taken back
// and quarantined; a human may pin another. A Step moves the revision in force,
// the record remembers it, and the next Plan simply has another want.

// Revision is a desired state that was put in force.
type Revision struct {
	Name     string `json:"name"`
	Services int    `json:"services"`
	Floor    string `json:"floor,omitempty"` // the head of the branch at that time: what comes later descends from it
}

// Provisional is the revision in force as long as it may yet be taken back.
type Provisional struct {
	Name    string        `json:"name"`
	From    string        `json:"from,omitempty"`    // the confirmed revision that a return goes to; empty: there is none
	Began   Time          `json:"began"`             // when it was put in force
	Since   Time          `json:"since"`             // when the time of its proof began: Began, or the end of the last Step that it caused
	For     time.Duration `json:"for"`               // how long the proof takes
	Touched []string      `json:"touched,omitempty"` // the objects that it changed, sorted
	Well    []string      `json:"well,omitempty"`    // services, by object, sorted: of those that it changed and that rest on them, those that were well before; only these can fail it
	Final   []string      `json:"final,omitempty"`   // the changed objects that are marked irreversible
	Claims  []string      `json:"claims,omitempty"`  // files that it declares and From does not, sorted
	Verify  *Verified     `json:"verify,omitempty"`  // how Environment.verify ended last; nil: it was not run
}

// Verified is how a program judged a revision.
type Verified struct {
	At     Time   `json:"at"`
	Tries  int    `json:"tries"` // how often it was run to an end that is known
	Failed string `json:"failed,omitempty"`
}

// Confirmed is a revision that has proved itself on this host.
type Confirmed struct {
	Name    string   `json:"name"`
	From    string   `json:"from,omitempty"` // the one before it
	At      Time     `json:"at"`
	Touched []string `json:"touched,omitempty"`
	Final   []string `json:"final,omitempty"`

	// Unjudged says what it touched and nobody could judge; empty: there is none.
	Unjudged string `json:"unjudged,omitempty"`
}

// Quarantine is a revision that broke something here. It is not put in force
// again, whatever the branch says.
type Quarantine struct {
	Name string `json:"name"`
	To   string `json:"to"` // the revision that came in its place
	At   Time   `json:"at"`
	Why  string `json:"why"`
	Case string `json:"case,omitempty"`

	Touched []string `json:"touched,omitempty"` // what it had changed, by object
	Well    []string `json:"well,omitempty"`    // what must be well again, by object
}

// Pin is a human's word on which revision is in force.
type Pin struct {
	Name  string `json:"name"`
	Since Time   `json:"since"`
	Actor string `json:"actor,omitempty"`
	Why   string `json:"why,omitempty"`
}

// What is remembered of revisions is bounded.
const (
	maxConfirmed   = 10
	maxQuarantined = 32
)

const verifyKey = "verify-"

// VerifyKey is the Key of a Step that runs Environment.verify: another one for each
// run whose end is known.
func VerifyKey(revision string, n int) string {
	return verifyKey + Digest([]byte(revision + "\x00" + strconv.Itoa(n)))[:16]
}

// Earlier is the revision that was confirmed before the one in force; the zero one:
// there is none.
func (p *Past) Earlier() Confirmed {
	for _, c := range slices.Backward(p.Confirmed) {
		if _, bad := p.Quarantined[c.Name]; c.Name != p.Revision.Name && !bad {
			return c
		}
	}
	return Confirmed{}
}

// Revisions lists those that are remembered and may be put in force again, the one
// that is in force first.
func (p *Past) Revisions() []string {
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	add(p.Revision.Name)
	if p.Provisional != nil {
		add(p.Provisional.From)
	}
	if p.Pinned != nil {
		add(p.Pinned.Name)
	}
	for _, c := range slices.Backward(p.Confirmed) {
		add(c.Name)
	}
	return out
}

// putInForce takes in that a revision is in force. What it takes the place of is
// confirmed where nobody doubts it.
func (p *Past) putInForce(r Revision, on *Provisional, at Time) {
	if old := p.Revision.Name; old != "" && old != r.Name && p.Provisional == nil {
		p.confirm(Confirmed{Name: old, At: at})
	}
	p.Revision, p.Provisional = r, on
}

// confirm adds a revision to those that have proved themselves, once.
func (p *Past) confirm(c Confirmed) {
	if _, bad := p.Quarantined[c.Name]; bad || slices.ContainsFunc(p.Confirmed, func(o Confirmed) bool { return o.Name == c.Name }) {
		return
	}
	all := append(slices.Clone(p.Confirmed), c)
	p.Confirmed = all[max(0, len(all)-maxConfirmed):]
}

// proved takes in that the revision in force has proved itself, but for what could
// not be judged.
func (p *Past) proved(at Time, unjudged string) {
	if on := p.Provisional; on != nil {
		p.confirm(Confirmed{Name: on.Name, From: on.From, At: at, Touched: on.Touched, Final: on.Final, Unjudged: unjudged})
		p.Provisional = nil
	}
}

// moved takes in a Step that moved the revision in force: a human's word pins it,
// anything else says that the one before is bad.
func (p *Past) moved(s Step, at Time) {
	to, from := s.Action.Target, s.Action.Args["from"]
	if s.Ask != "" {
		p.Pinned = &Pin{Name: to, Since: at, Actor: s.Actor, Why: s.Detail}
		delete(p.Quarantined, to) // he has seen what it does
	} else {
		q := Quarantine{Name: from, To: to, At: at, Why: s.Detail, Case: s.Case}
		if p.Provisional != nil {
			q.Touched, q.Well = p.Provisional.Touched, p.Provisional.Well
		}
		p.quarantine(q)
	}
	if to != p.Revision.Name {
		p.Revision = Revision{Name: to, Floor: p.Revision.Floor}
	}
	p.Provisional = nil
}

func (p *Past) quarantine(q Quarantine) {
	p.Quarantined[q.Name] = q
	p.Confirmed = slices.DeleteFunc(slices.Clone(p.Confirmed), func(c Confirmed) bool { return c.Name == q.Name })
	for len(p.Quarantined) > maxQuarantined {
		oldest := ""
		for name, o := range p.Quarantined {
			if oldest == "" || o.At.Before(p.Quarantined[oldest].At) {
				oldest = name
			}
		}
		delete(p.Quarantined, oldest)
	}
}

// caused moves the beginning of a revision's proof to the end of a Step that it
// caused, and takes in the end of its verification.
func (p *Past) caused(i Intent, o Outcome, at Time) {
	on := p.Provisional
	if on == nil || i.Revision != on.Name {
		return
	}
	next := *on
	switch s := i.Step; {
	case strings.HasPrefix(s.Key, verifyKey):
		if o.Status == Cut {
			return
		}
		v := Verified{At: at, Tries: 1}
		if on.Verify != nil {
			v.Tries += on.Verify.Tries
		}
		if o.Status != Done {
			v.Failed = cmp.Or(o.Detail, string(o.Status))
		}
		next.Verify = &v
	case s.Remedial || s.Ask != "" || !slices.Contains(on.Touched, s.Object):
		return
	default:
		next.Since, next.Verify = at, nil
	}
	p.Provisional = &next
}

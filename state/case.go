package state

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// Case is one sickness of one unit (or of the host), from when it was noticed
// until it has been gone for a while. Notes open, mark and close it; how far it
// has climbed is a fold of the Steps that bear its ID.
type Case struct {
	ID     string   `json:"id"`
	Object string   `json:"object"`
	Unit   string   `json:"unit,omitempty"` // empty: the host's
	Reason Reason   `json:"reason"`         // what is wrong
	Detail string   `json:"detail,omitempty"`
	Opened Time     `json:"opened"`
	Sick   []string `json:"sick,omitempty"` // the objects that were sick when it opened, sorted: what a remedy may not add to

	Alert    string            `json:"alert,omitempty"`    // the source of the alert that opened it, as in World.Alerts; Unit is its name and ID then, see AlertUnit
	Labels   map[string]string `json:"labels,omitempty"`   // of the alert
	Seen     Seen              `json:"seen,omitzero"`      // what the alert was like, and what was said of it, when that was noted last
	Runbook  string            `json:"runbook,omitempty"`  // whose steps it climbs for an alert; empty: there is none
	Ran      bool              `json:"ran,omitempty"`      // a step of the runbook has begun that changes something
	Gathered []Gathered        `json:"gathered,omitempty"` // the evidence, oldest first

	Tried []Tried `json:"tried,omitempty"` // the remedies, oldest first
	Round int     `json:"round,omitempty"` // how often the ladder was begun anew after it had ended

	Well  Time   `json:"well,omitzero"`   // since when it is gone, and watched; zero: it is not
	Ended Reason `json:"ended,omitempty"` // Escalated, RemedyWorse, BudgetSpent, TooManySick: it climbs no further; empty: it does
	At    Time   `json:"at,omitzero"`     // when it ended, or when a human was told that it waits for him
	Why   string `json:"why,omitempty"`   // it ended or waits, in words
}

// Tried is a rung of a ladder that was tried.
type Tried struct {
	Rung   int    `json:"rung"` // as declared, from 1; 0: the start that comes before all
	Round  int    `json:"round,omitempty"`
	Step   string `json:"step"` // its ID
	Action string `json:"action"`
	Began  Time   `json:"began"`
	Ended  Time   `json:"ended,omitzero"` // zero: under way
	Status Status `json:"status,omitempty"`
	Detail string `json:"detail,omitempty"` // how it ended, in a line; the record has all
	Helped Time   `json:"helped,omitzero"`  // when its verify was first seen to pass; zero: it was not
	Lapsed bool   `json:"lapsed,omitempty"` // what it was for was gone, and came again a moment later
}

// Gathered is what a rung has brought to light.
type Gathered struct {
	Rung int    `json:"rung"`
	What string `json:"what"` // the action
	At   Time   `json:"at"`
	Text string `json:"text"`
}

// maxGathered bounds the evidence that is remembered of a Case; the record has all.
const maxGathered = 8

// AlertUnit is what stands in the place of a unit in the Case of an alert.
func AlertUnit(a ActiveAlert) string { return a.Name + "/" + a.ID }

// CaseKey is under what Past.Cases lists a Case: one an object and unit.
func CaseKey(object, unit string) string { return object + " " + unit }

// Key is the CaseKey of the Case.
func (c Case) Key() string { return CaseKey(c.Object, c.Unit) }

// Last is the rung that was tried last since the ladder was begun.
func (c Case) Last() (Tried, bool) {
	if n := len(c.Tried); n > 0 && c.Tried[n-1].Round == c.Round {
		return c.Tried[n-1], true
	}
	return Tried{}, false
}

// caseID names the n-th Case of a unit: the same in a dry run and in the loop.
func caseID(object, unit string, n int) string {
	return "case-" + Digest([]byte(CaseKey(object, unit) + "\x00" + strconv.Itoa(n)))[:10]
}

// NewCase is a Case that opens now. Its ID is another one for each recurrence.
func (p *Past) NewCase(object, unit string, reason Reason, now Time) Case {
	return Case{ID: caseID(object, unit, p.Closed[CaseKey(object, unit)]), Object: object, Unit: unit, Reason: reason, Opened: now}
}

// NewAlertCase is a Case of an alert that opens now. Its ID is of this moment, so that
// nothing need be remembered of alerts that are over: there is no end of their names.
func NewAlertCase(object, source string, a ActiveAlert, now Time) Case {
	unit := AlertUnit(a)
	id := "case-" + Digest([]byte(CaseKey(object, unit) + "\x00" + now.Boot + "\x00" + now.Up.String()))[:10]
	return Case{ID: id, Object: object, Unit: unit, Reason: Alert, Alert: source, Labels: a.Labels, Opened: now}
}

// maxTried bounds what is remembered of a Case that goes on and on.
const maxTried = 32

// climb takes the beginning of a Step into the Case whose rung it is.
func (p *Past) climb(s Step, at Time) {
	key, ok := p.caseOf(s)
	if !ok {
		return
	}
	c := p.Cases[key]
	tried := append(slices.Clone(c.Tried), Tried{Rung: s.Rung, Round: c.Round, Step: s.ID, Action: s.Action.String(), Began: at})
	c.Tried = tried[max(0, len(tried)-maxTried):]
	c.Well = Time{}
	if c.Runbook != "" && !c.Ran && s.Effect != actuators.None {
		// Charged now, not at the end: a crash can only over-count.
		c.Ran = true
		runs := append(slices.Clone(p.Runs[c.Runbook]), at)
		p.Runs[c.Runbook] = runs[max(0, len(runs)-maxCharges):]
	}
	p.Cases[key] = c
}

// climbed takes the end of a Step into its Case.
func (p *Past) climbed(s Step, o Outcome, at Time) {
	key, ok := p.caseOf(s)
	if !ok {
		return
	}
	c := p.Cases[key]
	c.Tried = slices.Clone(c.Tried)
	for i := len(c.Tried) - 1; i >= 0; i-- {
		if t := &c.Tried[i]; t.Step == s.ID && t.Status == "" {
			t.Ended, t.Status, t.Detail = at, o.Status, firstLine(o.Detail)
			if o.Evidence != "" {
				all := append(slices.Clone(c.Gathered), Gathered{Rung: s.Rung, What: s.Action.String(), At: at, Text: o.Evidence})
				c.Gathered = all[max(0, len(all)-maxGathered):]
			}
			break
		}
	}
	p.Cases[key] = c
}

func (p *Past) caseOf(s Step) (string, bool) {
	if s.Case == "" {
		return "", false
	}
	for key, c := range p.Cases {
		if c.ID == s.Case {
			return key, true
		}
	}
	return "", false
}

// closeCase forgets a Case, but not that there was one: the next has another ID.
func (p *Past) closeCase(key string) {
	c, ok := p.Cases[key]
	if !ok {
		return
	}
	delete(p.Cases, key)
	if c.Alert == "" {
		p.Closed[key]++ // of an alert the ID tells by itself: see NewAlertCase
	}
	maps.DeleteFunc(p.Scales, func(_ string, s Scale) bool { return s.Case == c.ID })
}

// Flap is where counting systemd's own restarts of a unit began.
type Flap struct {
	Restarts uint32 `json:"restarts"` // of its NRestarts, those that do not count
	Seen     uint32 `json:"seen"`     // its NRestarts then
	Since    Time   `json:"since"`
}

// FlapWithin is the time within which restarts are counted.
const FlapWithin = 10 * time.Minute

// maxTriedDetail bounds how much is remembered of how a Step ended, in characters.
const maxTriedDetail = 160

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if r := []rune(text); len(r) > maxTriedDetail {
		return string(r[:maxTriedDetail]) + "…"
	}
	return text
}

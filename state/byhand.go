package state

import (
	"maps"
	"strings"
	"time"
)

// hand takes in what a human did through evenkeel.
func (p *Past) hand(n Note, at Time) {
	switch n.Kind {
	case NoteAsked:
		p.Asks[n.Ask.ID] = *n.Ask
	case NoteTold:
		if _, ok := p.Holds[n.Hold.Key()]; ok {
			p.Holds[n.Hold.Key()] = *n.Hold
		}
	case NoteAnswered:
		p.settle(n.Ask.ID, n.Ask.Units, n.Detail)
	case NoteRetried:
		delete(p.Charges, n.Name)
		p.closeCase(CaseKey(n.Object, n.Name))
		maps.DeleteFunc(p.Failures, func(k string, _ Failure) bool { return strings.HasPrefix(k, n.Object+" ") })
	case NoteLet:
		p.Let[n.Name] = at
	case NoteApproved:
		p.Approved[n.Name] = at
	case NoteAccepted:
		p.Accepted[n.Name] = n.Detail
	case NoteReleased:
		p.forget(n.Object, false)
		p.Released[n.Object] = at
	case NoteTaken:
		delete(p.Released, n.Object)
	case NoteVersion:
		p.Renewed = Time{}
		if p.Version != "" {
			p.Renewed = at
		}
		p.Version = n.Name
	case NoteSettled:
		p.Renewed = Time{}
	case NoteSilenced:
		p.silence(*n.Silence, at)
	case NoteUnsilenced:
		delete(p.Silences, n.Silence.ID)
	}
}

// LetFor is how long a human's word that a repair may pass the host's budget waits
// for that repair.
const LetFor = time.Hour

// MayPass tells whether the next repair of a unit may pass the host's budget.
func (p *Past) MayPass(unit string, now Time) bool {
	at, ok := p.Let[unit]
	return ok && at.Boot == now.Boot && now.Since(at) < LetFor
}

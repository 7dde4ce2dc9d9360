package state

import (
	"maps"
	"time"
)

// Silence keeps alerts from calling anybody, and their runbooks from doing anything,
// for a while. It always ends by itself.
type Silence struct {
	ID       string        `json:"id"`
	Matchers []string      `json:"matchers"` // over the labels of alerts; all of them must match
	Actor    string        `json:"actor,omitempty"`
	Why      string        `json:"why,omitempty"` // in his own words
	At       Time          `json:"at"`
	For      time.Duration `json:"for"`
}

// MaxSilences bounds how many stand at once.
const MaxSilences = 100

// Ended tells whether the silence's time is over. Over a reboot it can only last
// longer, as a Hold does.
func (s Silence) Ended(now Time) bool { return now.Since(s.At) >= s.For }

// Until is when the silence ends.
func (s Silence) Until(now Time) Time { return now.Add(s.For - now.Since(s.At)) }

// Says is who silences, and why.
func (s Silence) Says() string {
	who := s.Actor
	if who == "" {
		who = "a human"
	}
	if s.Why != "" {
		return "silenced by " + who + ": " + s.Why
	}
	return "silenced by " + who
}

// silence takes in a new one, and forgets those that have ended: nobody else does,
// for an ended one is passed over wherever silences are looked at.
func (p *Past) silence(s Silence, at Time) {
	maps.DeleteFunc(p.Silences, func(_ string, old Silence) bool { return old.Ended(at) })
	p.Silences[s.ID] = s
}

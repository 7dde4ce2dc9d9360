package state

import "github.com/pakashop/evenkeel/actuators"

// Wish is a change that would make the host more like what is declared, and that
// is held back: the Step that it would be.
type Wish struct {
	ID     string           `json:"id"` // the Step's
	Object string           `json:"object"`
	Reason Reason           `json:"reason"`
	Detail string           `json:"detail,omitempty"`
	Action actuators.Action `json:"action"`         // without its arguments
	Since  Time             `json:"since,omitzero"` // when it was first noted; zero: not noted yet
}

// MaxWishes bounds how many Wishes a Past remembers at a time.
const MaxWishes = 1024

// wish remembers a change that only mode observe or management holds back, or
// that there is no longer a reason for it.
func (p *Past) wish(n Note, at Time) {
	if n.Kind == NoteWishedNot {
		delete(p.Wished, n.Wish.ID)
		return
	}
	w := *n.Wish
	w.Since = at
	old, had := p.Wished[w.ID]
	if had {
		w.Since = old.Since // its reason is another one now
	}
	if had || len(p.Wished) < MaxWishes {
		p.Wished[w.ID] = w
	}
}

// Wished is a Wish with its end, as a record tells it.
type Wished struct {
	Wish
	Until Time `json:"until,omitzero"` // zero: it stands
}

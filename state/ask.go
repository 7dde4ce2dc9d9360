package state

import (
	"fmt"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// Ask is what a human asked for by hand: one verb for the units of one object.
// It is a reason for Steps like any other, and stands until each unit has had
// its Step, until it is withdrawn, or for AskFor.
type Ask struct {
	ID     string   `json:"id"`
	Object string   `json:"object"`
	Verb   string   `json:"verb"`             // start, stop, restart, reload, restore or rollback
	Units  []string `json:"units"`            // those for which it is not settled yet; restore: the path; rollback: the revision
	Kept   *Kept    `json:"kept,omitempty"`   // restore: the version that is to lie there again
	Actor  string   `json:"actor,omitempty"`  // who asked
	Why    string   `json:"why,omitempty"`    // in his own words
	Failed string   `json:"failed,omitempty"` // what of it did not come about so far
	At     Time     `json:"at"`

	Of      int   `json:"of,omitempty"`      // for how many units it was asked
	Instead *Hold `json:"instead,omitempty"` // the suspension in whose place its own came
}

// Kept is a version of a file that was displaced and is kept.
type Kept struct {
	ID     string `json:"id"`
	Object string `json:"object"` // for whose sake it was displaced
	Path   string `json:"path"`
	Digest string `json:"digest"`
	Mode   uint32 `json:"mode"`
	Owner  string `json:"owner"`
	Group  string `json:"group"`
	Link   string `json:"link,omitempty"` // where it led, if it was a link
}

// Lies tells whether the version lies where it was.
func (k Kept) Lies(have File) bool {
	if k.Link != "" {
		return have.Kind == Symlink && have.Link == k.Link
	}
	return have.Digest == k.Digest
}

// Action puts the version back, in the place of what was seen there.
func (k Kept) Action(have File) actuators.Action {
	args := map[string]string{"object": k.Object}
	switch {
	case k.Link == "":
		args["digest"], args["mode"], args["owner"], args["group"] = k.Digest, fmt.Sprintf("%04o", k.Mode), k.Owner, k.Group
	case have.Kind == Symlink:
		args["link"], args["wasLink"] = k.Link, have.Link
	default:
		args["link"] = k.Link
	}
	if have.Digest != "" && have.Kind == Regular {
		args["was"] = have.Digest
	}
	return actuators.Action{Actuator: "file", Verb: "write", Target: k.Path, Args: args}
}

// AskRollback is the verb of an Ask for another revision in force.
const AskRollback = "rollback"

// AskFor is how long what a human asked for may wait to be done.
const AskFor = 10 * time.Minute

// Ended tells whether an Ask is too old to be done: the human is gone, or the
// host has started anew.
func (a Ask) Ended(now Time) bool { return a.At.Boot != now.Boot || now.Since(a.At) >= AskFor }

// Begun tells whether something of an Ask was done, or is under way.
func (p *Past) Begun(a Ask) bool {
	for _, f := range p.Flight {
		if f.Intent.Step.Ask == a.ID {
			return true
		}
	}
	return len(a.Units) < a.Of
}

// Recall is the Note that takes back the suspension which came with an Ask of which
// nothing has begun: it belongs to what was asked for, and goes with it. What was
// suspended before is so again, for as long as that was said.
func (p *Past) Recall(a Ask, now Time) (Note, bool) {
	h, ok := p.Holds[(Hold{Reason: Suspended, Object: a.Object}).Key()]
	if !ok || h.Since.Up != a.At.Up || h.Since.Boot != a.At.Boot || p.Begun(a) {
		return Note{}, false
	}
	if a.Instead != nil && !a.Instead.Ended(now) {
		return Note{Kind: NoteHold, Object: a.Object, Hold: a.Instead}, true
	}
	return Note{Kind: NoteLifted, Object: a.Object, Hold: &h, Detail: "nothing came of the " + a.Verb + " that it came with"}, true
}

// Says is why something is done by hand, for a Step's detail.
func (a Ask) Says() string {
	who := a.Actor
	if who == "" {
		who = "a human"
	}
	if a.Why == "" {
		return who + " asked for it"
	}
	return who + " asked for it: " + a.Why
}

// Answer is how an Ask ended.
type Answer struct {
	ID     string `json:"id"`
	Failed string `json:"failed,omitempty"` // what did not come about; empty: all of it did
}

// maxAnswers bounds how many answers are remembered; whoever asked waits for his.
const maxAnswers = 64

// settle takes units off an Ask, all of them where none is named. The last one
// makes it an Answer.
func (p *Past) settle(id string, units []string, failed string) {
	a, ok := p.Asks[id]
	if !ok {
		return
	}
	if failed != "" && a.Failed != "" {
		failed = a.Failed + "; " + failed
	}
	if failed != "" {
		a.Failed = failed
	}
	rest := slices.DeleteFunc(slices.Clone(a.Units), func(u string) bool { return len(units) == 0 || slices.Contains(units, u) })
	if len(rest) > 0 {
		a.Units = rest
		p.Asks[id] = a
		return
	}
	delete(p.Asks, id)
	answers := append(slices.Clone(p.Answers), Answer{ID: id, Failed: a.Failed})
	p.Answers = answers[max(0, len(answers)-maxAnswers):]
}

// Answer finds how an Ask ended.
func (p *Past) Answer(id string) (Answer, bool) {
	for _, a := range p.Answers {
		if a.ID == id {
			return a, true
		}
	}
	return Answer{}, false
}

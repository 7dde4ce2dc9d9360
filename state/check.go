package state

import "errors"

// Check tells whether an Entry can be folded: exactly one of Intent, Outcome
// and Note, and a Note with what its kind speaks of.
func (e Entry) Check() error {
	n := 0
	for _, set := range []bool{e.Intent != nil, e.Outcome != nil, e.Note != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		return errors.New("an entry holds exactly one of intent, outcome and note")
	}
	switch {
	case e.Intent != nil && e.Intent.Step.ID == "":
		return errors.New("an intent has no step ID")
	case e.Outcome != nil && e.Outcome.ID == "":
		return errors.New("an outcome has no step ID")
	case e.Note != nil && !e.Note.whole():
		return errors.New("a note of kind " + string(e.Note.Kind) + " lacks what it speaks of")
	}
	return nil
}

// whole tells whether a Note has the part that its kind needs. Kinds of a newer
// evenkeel need none here: they are passed over.
func (n Note) whole() bool {
	switch n.Kind {
	case NoteRan:
		return n.Ran != nil
	case NoteHold, NoteLifted, NoteTold:
		return n.Hold != nil
	case NoteManaged:
		return n.Managed != nil
	case NoteOwned:
		return n.Owned != nil
	case NoteRevision:
		return n.Revision != nil
	case NoteCase, NoteHealed:
		return n.Case != nil
	case NoteFailover, NoteStoodIn:
		return n.Failover != nil
	case NoteFlap:
		return n.Flap != nil
	case NoteRoll:
		return n.Roll != nil
	case NoteAsked, NoteAnswered:
		return n.Ask != nil
	case NoteSilenced, NoteUnsilenced:
		return n.Silence != nil
	case NoteSeen:
		return n.Seen != nil
	case NoteWished, NoteWishedNot:
		return n.Wish != nil
	}
	return true
}

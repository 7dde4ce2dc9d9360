package backtest

import (
	"slices"

	"github.com/pakashop/evenkeel/state"
)

// notes are the kinds of Notes that a backtest rests on.
var notes = []state.NoteKind{
	state.NoteCase, state.NoteHealed, state.NoteSeen, state.NoteHold, state.NoteLifted, state.NoteApproved, state.NoteRetried,
	state.NoteReleased, state.NoteTaken, state.NoteLet, state.NoteSilenced, state.NoteUnsilenced, state.NoteFailover, state.NoteStoodIn, state.NoteAsDeclared,
	state.NoteVersion, state.NoteSettled,
}

// Record is what a backtest rests on.
type Record struct {
	Entries []state.Entry  `json:"entries"` // those that are Needed, the oldest first
	Tally   map[string]int `json:"tally"`   // of the Past that all entries come to: how often things were done
}

// past is what was known before the first entry: how often things were done is not
// forgotten with the entries that told it, for the IDs of Steps rest on it.
func (r Record) past() *state.Past {
	p, last := state.NewPast(), state.NewPast()
	for _, e := range r.Entries {
		last.Fold(e)
	}
	for key, n := range r.Tally {
		if before := n - last.Tally[key]; before > 0 {
			p.Tally[key] = before
		}
	}
	return p
}

// Needed tells whether a backtest rests on an entry, and leaves out of it what is long
// and of no use here. What makes a host as it is declared is of no use: it is so.
func Needed(e state.Entry) (state.Entry, bool) {
	switch {
	case e.Intent != nil:
		a := e.Intent.Step.Action
		if a.Actuator == "file" || a.Actuator == "systemd" && slices.Contains([]string{"enable", "disable", "mask", "unmask", "daemon-reload"}, a.Verb) {
			return e, false
		}
		i := *e.Intent
		i.Step.Fields = nil
		e.Intent = &i
		return e, true
	case e.Outcome != nil:
		o := *e.Outcome
		o.Evidence = ""
		e.Outcome = &o
		return e, true
	}
	if e.Note == nil || !slices.Contains(notes, e.Note.Kind) {
		return e, false
	}
	n := *e.Note
	n.Ran = nil
	if n.Case != nil {
		c := *n.Case
		c.Gathered = nil
		n.Case = &c
	}
	e.Note = &n
	return e, true
}

// episode is the Case of one alert, as the record has it.
type episode struct {
	opened  state.Case    // as it was first noted
	before  *state.Past   // what had happened when it opened
	entries []state.Entry // from then on to its end
	tried   []*tried      // what was done for it
	closed  state.Time    // zero: it is open, or what came is no longer known
	last    state.Case    // as it was noted last
}

// tried is one step that was done for a Case.
type tried struct {
	begun  state.Entry
	ended  state.Time // zero: it was under way at the end
	status state.Status
	taken  bool // it was found again in the walk
}

func (t *tried) step() state.Step { return t.begun.Intent.Step }

// episodes finds the Cases of alerts in a record, the oldest first.
func episodes(r Record) []*episode {
	past, entries := r.past(), r.Entries
	var all []*episode
	open := make(map[string]*episode) // by Case ID
	for i, e := range entries {
		if n := e.Note; n != nil && n.Kind == state.NoteCase && n.Case.Alert != "" {
			if _, had := past.Cases[n.Case.Key()]; !had && len(n.Case.Tried) == 0 && n.Case.Opened == e.At {
				one := &episode{opened: *n.Case, before: past.Clone(), entries: entries[i:]}
				all, open[n.Case.ID] = append(all, one), one
			}
		}
		past.Fold(e)
		for id, one := range open {
			one.follow(e, past)
			if !one.closed.IsZero() {
				one.entries = one.entries[:i+1-(len(entries)-len(one.entries))]
				delete(open, id)
			}
		}
	}
	return all
}

// follow takes in an entry that has been folded already.
func (p *episode) follow(e state.Entry, past *state.Past) {
	switch {
	case e.Intent != nil && e.Intent.Step.Case == p.opened.ID:
		p.tried = append(p.tried, &tried{begun: e})
	case e.Outcome != nil:
		for _, t := range p.tried {
			if t.ended.IsZero() && t.step().ID == e.Outcome.ID {
				t.ended, t.status = e.At, e.Outcome.Status
			}
		}
	case e.Note != nil && e.Note.Kind == state.NoteHealed && e.Note.Case.ID == p.opened.ID:
		p.closed = e.At
		return
	}
	if c, open := past.Cases[p.opened.Key()]; open {
		p.last = c
	}
}

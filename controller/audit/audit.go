// Package audit checks a record against what evenkeel promises of any history
// whatever: budgets and pauses of repairs, one disturbance at a time, the intent
// before the effect, each remedy once a Case and judged before the next, nothing
// under the hands of a human, nothing that is not told.
//
// It reads entries one by one, those of a simulation as they come and those of a
// real host at the end, with what may be known beside them: what was declared,
// when the kill switch was set, and what a witness saw. It counts for itself what
// it holds evenkeel to, and knows nothing of how a Plan is made: the judge does
// not ask the accused. It is pure.
package audit

import (
	"fmt"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Options say what is known beside the entries. The zero value is useful: then
// everything is checked that the record alone can show.
type Options struct {
	Past   *state.Past                        // what had happened before the first entry; nil: nothing
	Want   func(revision string) *desired.Set // what was declared; nil, or a nil Set: unknown, and what rests on it is not checked
	Switch []Turn                             // when the kill switch was set and taken away
	Deeds  []Deed                             // what a witness saw, in the order of time; for Check
}

// Turn is a moment at which the kill switch was set or taken away.
type Turn struct {
	At  state.Time
	Set bool
}

// Deed is something that was done to a unit, as a witness saw it.
type Deed struct {
	At   state.Time
	Unit string
	Verb string // start, stop, restart, mask, unmask
	Step string // the Step whose effect it was; empty: it was not evenkeel's doing
}

// Breach is a promise that was broken.
type Breach struct {
	Rule string // which, in a word or two
	Seq  uint64 // the entry that shows it; zero: the end of the record, or a Deed
	Text string
}

func (b *Breach) Error() string {
	if b.Seq == 0 {
		return fmt.Sprintf("%s: %s", b.Rule, b.Text)
	}
	return fmt.Sprintf("entry %d: %s: %s", b.Seq, b.Rule, b.Text)
}

// Check audits a whole record that was read at an instant, and returns the first
// Breach.
func Check(entries []state.Entry, end state.Time, o Options) error {
	a := New(o)
	deeds := o.Deeds
	for _, e := range entries {
		for len(deeds) > 0 && deeds[0].At.Before(e.At) {
			if err := a.Saw(deeds[0]); err != nil {
				return err
			}
			deeds = deeds[1:]
		}
		if err := a.Add(e); err != nil {
			return err
		}
	}
	for _, d := range deeds {
		if err := a.Saw(d); err != nil {
			return err
		}
	}
	return a.End(end)
}

// Auditor reads a record as it grows. It is not safe for concurrent use.
type Auditor struct {
	o       Options
	past    *state.Past // what evenkeel knew when it wrote the next entry
	want    *desired.Set
	seq     uint64
	begun   state.Time             // the newest intent
	flight  map[string]state.Entry // by Step ID: intents that have not ended
	effects map[string]int         // by Step ID: what the witness saw of those
	spent   spending
	cases   map[string]*course    // by Case ID
	stopped map[string]state.Time // by unit: a stop that is not evenkeel's, and not noted yet
	masked  map[string]bool       // by unit, as far as a witness saw it

	returned map[string]bool // revisions that went back
	reverted map[string]bool // by Key: what was reverted in git
}

// New returns an Auditor who has read nothing yet.
func New(o Options) *Auditor {
	a := &Auditor{
		o: o, past: state.NewPast(), flight: make(map[string]state.Entry), effects: make(map[string]int),
		spent: newSpending(), cases: make(map[string]*course), stopped: make(map[string]state.Time), masked: make(map[string]bool),
		returned: make(map[string]bool), reverted: make(map[string]bool),
	}
	if o.Past == nil {
		return a
	}
	a.past = o.Past.Clone()
	a.seq = a.past.Seq
	for id, f := range a.past.Flight {
		intent := f.Intent
		a.flight[id] = state.Entry{At: f.At, Intent: &intent}
	}
	a.spent.takeOver(a.past)
	for _, c := range a.past.Cases {
		a.cases[c.ID] = courseOf(c)
	}
	return a
}

// Add audits the next entry.
func (a *Auditor) Add(e state.Entry) error {
	err := a.numbered(e)
	switch {
	case err != nil:
	case e.Intent != nil:
		err = a.begins(e)
	case e.Outcome != nil:
		err = a.ends(e)
	case e.Note != nil:
		err = a.notes(*e.Note, e.At)
	}
	a.past.Fold(e)
	if b, ok := err.(*Breach); ok {
		b.Seq = e.Seq
		return b
	}
	return nil
}

// numbered: entries are numbered without a gap, and of one kind.
func (a *Auditor) numbered(e state.Entry) error {
	if err := e.Check(); err != nil {
		return breach("form", "%v", err)
	}
	if a.seq != 0 && e.Seq != a.seq+1 {
		return breach("numbers", "it comes after entry %d", a.seq)
	}
	a.seq = e.Seq
	return nil
}

// End audits what must be true when a record is read at an instant.
func (a *Auditor) End(at state.Time) error {
	for id, ask := range a.past.Asks {
		if ask.Ended(at) {
			return breach("answers", "%s of %s, asked for as %s, was never answered", ask.Verb, ask.Object, id)
		}
	}
	return nil
}

// Past is what the entries that were read so far come to.
func (a *Auditor) Past() *state.Past { return a.past }

func breach(rule, format string, args ...any) *Breach {
	return &Breach{Rule: rule, Text: fmt.Sprintf(format, args...)}
}

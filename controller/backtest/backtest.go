package backtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Run lives through the recorded Cases of alerts with what is wanted now, the oldest
// first.
func Run(want *desired.Set, r Record, o Options) []Result {
	results := []Result{}
	for _, p := range episodes(r) {
		now := ""
		if b := plan.BookFor(want, p.opened.Labels); b != nil {
			now = b.Name
		}
		if o.Wants == nil || o.Wants(p.opened, now) {
			results = append(results, live(want, p, now))
		}
	}
	return results
}

// Bounds of a walk.
const (
	tolerance  = 2 * time.Second  // what comes so much earlier counts as done at the same time
	readWithin = 30 * time.Second // what is asked is read within this time, or was not read
	manyPasses = 20000
)

// walk is an episode that is lived through.
type walk struct {
	*episode
	host *host
	then *state.Past // what the record says until now
	past *state.Past // the same, but for what is done for this Case
	now  state.Time
	rest []state.Entry
	ids  map[string]string // of a recorded Step: the ID of the same one here
	own  state.Case        // the Case as it stands here, or stood last
	out  Result
}

func live(want *desired.Set, p *episode, book string) Result {
	c := p.opened
	w := &walk{episode: p, rest: p.entries, ids: make(map[string]string), then: p.before.Clone(), out: Result{
		Case: c.ID, Alert: strings.SplitN(c.Unit, "/", 2)[0], Object: c.Object, Labels: c.Labels, Opened: c.Opened, Closed: p.closed, Then: p.way(), Now: Way{Runbook: book},
	}}
	if len(c.Labels) == 0 {
		w.unknown("the labels of the alert are not on record")
		return w.result()
	}
	w.now = c.Opened
	w.host = newHost(want, p.before, c.Opened)
	w.past = w.begins()
	w.walk()
	return w.result()
}

// way is what was done.
func (p *episode) way() Way {
	way := Way{Runbook: p.opened.Runbook, Ended: p.last.Ended}
	for _, t := range p.tried {
		s := Step{Rung: t.step().Rung, Action: t.step().Action.String(), Began: t.begun.At, Ended: t.ended, Status: t.status}
		for _, l := range p.last.Tried {
			if l.Step == t.step().ID {
				s.Helped = l.Helped
			}
		}
		way.Steps = append(way.Steps, s)
	}
	return way
}

// begins is the Past of a host as declared, with what had been done and said.
func (w *walk) begins() *state.Past {
	b, p := w.before.Clone(), w.host.made.Past
	p.Seq, p.Tally, p.Failures, p.Charges, p.Upheaval = b.Seq, b.Tally, b.Failures, b.Charges, b.Upheaval
	p.Holds, p.Approved, p.Let, p.Released, p.Resumed = b.Holds, b.Approved, b.Let, b.Released, b.Resumed
	p.Cases, p.Closed, p.Silences, p.Runs = b.Cases, b.Closed, b.Silences, b.Runs
	p.Failovers, p.Scales, p.Woken = b.Failovers, b.Scales, b.Woken
	p.Flight, p.Version, p.Renewed = b.Flight, b.Version, b.Renewed
	for key, c := range p.Cases {
		p.Cases[key] = rests(c, w.now)
	}
	return p
}

// rests is the Case of something else: what is done for it is on record, and it is not
// climbed here.
func rests(c state.Case, now state.Time) state.Case {
	c.Ended, c.Why, c.At = state.Escalated, "what was done is on record", now
	return c
}

// walk goes from moment to moment: those of the record, and those at which time alone
// changes the Plan.
func (w *walk) walk() {
	for range manyPasses {
		var doing *tried // what was begun at this moment
		for len(w.rest) > 0 && !w.now.Before(w.rest[0].At) {
			if doing = w.take(w.rest[0]); doing != nil {
				break // it is decided on before more is taken in
			}
		}
		again := w.decide(doing)
		switch {
		case w.out.Unknown != nil || len(w.rest) == 0:
			return
		case w.rest[0].At.Boot != w.now.Boot:
			w.unknown("the host was booted again")
			return
		case again != nil && again.After(w.now) && again.Before(w.rest[0].At):
			w.now = *again
		case w.now.Before(w.rest[0].At):
			w.now = w.rest[0].At
		}
	}
	w.unknown("it goes on for too long")
}

// take takes in an entry, and returns what was begun with it for this Case.
func (w *walk) take(e state.Entry) *tried {
	w.rest = w.rest[1:]
	w.then.Fold(e)
	switch {
	case e.Intent != nil && e.Intent.Step.Case == w.opened.ID:
		for _, t := range w.tried {
			if t.begun.Seq == e.Seq {
				return t
			}
		}
	case e.Outcome != nil && w.ids[e.Outcome.ID] != "":
		o := *e.Outcome
		o.ID = w.ids[o.ID]
		delete(w.ids, e.Outcome.ID)
		w.past.Fold(state.Entry{At: e.At, Outcome: &o})
		w.ends(o, e.At)
	case e.Note != nil && e.Note.Kind == state.NoteSeen:
	case e.Note != nil && e.Note.Case != nil && e.Note.Case.ID == w.opened.ID:
	case e.Note != nil && e.Note.Kind == state.NoteCase:
		n := *e.Note
		c := rests(*n.Case, e.At)
		n.Case = &c
		e.Note = &n
		w.past.Fold(e)
	default:
		w.past.Fold(e)
	}
	return nil
}

// ends takes in how a step ended.
func (w *walk) ends(o state.Outcome, at state.Time) {
	if n := len(w.out.Now.Steps); n > 0 {
		s := &w.out.Now.Steps[n-1]
		s.Ended, s.Status = at, o.Status
	}
}

// decide makes the Plan of this moment, and again, until nothing more begins.
func (w *walk) decide(doing *tried) (again *state.Time) {
	for range 50 {
		p := plan.Make(w.host.want, w.host.at(w.now, w.then, w.past, w.opened), w.past, w.now)
		w.remember(p.Notes)
		again = p.Again
		s, ready := w.next(p)
		switch {
		case ready && doing != nil && same(s, doing.step()):
			w.begin(s, doing)
			doing = nil
		case ready && s.Effect == actuators.None && !w.meets(s):
			w.passes(s)
		case doing != nil && !doing.matters():
			doing = nil // evidence alone is not gathered
		case doing != nil:
			w.parts(w.instead(p, doing))
			w.unknown(doing.step().Action.String() + " was done, and what would have come without it is not on record")
			return nil
		case ready && !w.meets(s):
			w.ventures(s)
			return nil
		default:
			w.asks(p)
			return again
		}
	}
	return again
}

// matters tells that a step may have changed what was seen later.
func (t *tried) matters() bool {
	return t.step().Effect != actuators.None && t.status != state.StepRefused
}

func same(a, b state.Step) bool {
	return a.Action.String() == b.Action.String() && a.Object == b.Object && fmt.Sprint(a.Action.Args) == fmt.Sprint(b.Action.Args)
}

// remember folds what this Plan notes of this Case, and of what runs.
func (w *walk) remember(notes []state.Note) {
	for i := range notes {
		n := &notes[i]
		switch n.Kind {
		case state.NoteCase, state.NoteHealed:
			if n.Case.Key() != w.opened.Key() {
				continue
			}
		case state.NoteRan, state.NoteManaged, state.NoteOwned:
		default:
			continue
		}
		w.past.Fold(state.Entry{At: w.now, Note: n})
	}
	if c, open := w.past.Cases[w.opened.Key()]; open {
		w.own = c
	}
}

// next is the step for this Case that can be begun now.
func (w *walk) next(p state.Plan) (state.Step, bool) {
	for _, s := range p.Steps {
		_, flying := w.past.Flight[s.ID]
		waits := slices.ContainsFunc(s.Needs, func(id string) bool { _, f := w.past.Flight[id]; return f })
		if s.Case == w.own.ID && !flying && !waits {
			return s, true
		}
	}
	return state.Step{}, false
}

// begin does a step that was done then.
func (w *walk) begin(s state.Step, t *tried) {
	t.taken = true
	w.ids[t.step().ID] = s.ID
	w.past.Fold(state.Entry{At: w.now, Intent: &state.Intent{Step: s}})
	w.out.Now.Steps = append(w.out.Now.Steps, Step{Rung: s.Rung, Action: s.Action.String(), Began: w.now})
}

// meets tells that what is ready now was begun a moment later then: it is left to that
// moment. Of evidence that was gathered before it, and is not any more, the time is added.
func (w *walk) meets(s state.Step) bool {
	slack := tolerance
	for _, t := range w.tried {
		switch {
		case t.taken:
		case same(s, t.step()):
			return t.begun.At.Since(w.now) <= slack && !t.begun.At.Before(w.now)
		case !t.matters() && !t.ended.IsZero():
			slack += t.ended.Since(t.begun.At) + tolerance
		}
	}
	return false
}

// passes does what was not done then and changes nothing: evidence is gathered, a question
// is answered.
func (w *walk) passes(s state.Step) {
	w.out.Now.Steps = append(w.out.Now.Steps, Step{Rung: s.Rung, Action: s.Action.String(), Began: w.now})
	w.past.Fold(state.Entry{At: w.now, Intent: &state.Intent{Step: s}})
	w.past.Fold(state.Entry{At: w.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Done}})
}

// ventures ends the walk with what would be done, and was not.
func (w *walk) ventures(s state.Step) {
	w.out.Now.Steps = append(w.out.Now.Steps, Step{Rung: s.Rung, Action: s.Action.String(), Began: w.now})
	why := s.Action.String() + " was not done then"
	for _, t := range w.tried {
		if !t.taken && same(s, t.step()) {
			why = fmt.Sprintf("%s comes %s earlier than then", s.Action, lasting(t.begun.At.Since(w.now)))
			break
		}
	}
	w.parts(why)
	w.unknown("what would have come of " + s.Action.String() + " is not on record")
}

// instead says what happens here at a moment at which something was done.
func (w *walk) instead(p state.Plan, t *tried) string {
	var held []string
	for _, h := range p.Held {
		if h.Object == "Alert/"+w.opened.Unit {
			held = append(held, fmt.Sprintf("%s: %s", h.Reason, h.Detail))
		}
	}
	now := strings.Join(held, "; ")
	if s, ready := w.next(p); ready {
		now = s.Action.String()
	} else if w.own.Ended != "" {
		now = w.calls()
	}
	return fmt.Sprintf("%s was done; now: %s", t.step().Action, cmp.Or(now, "nothing"))
}

// calls says why the ladder has ended.
func (w *walk) calls() string {
	return fmt.Sprintf("a human is called (%s): %s", w.own.Ended, w.own.Why)
}

// asks ends the walk where it waits for what nobody knows: what an expression says that
// was not read then, what a human would say whom nobody asked.
func (w *walk) asks(p state.Plan) {
	seen := w.then.Cases[w.opened.Key()].Seen.Exprs
	for _, g := range p.Gaps {
		if g.Source.Kind != state.RefQuery || seen[state.ExprID(g.Source.Name)] != "" || w.readSoon(g.Source.Name) {
			continue
		}
		w.unknown("what " + g.Source.Name + " said was not read then")
		return
	}
	for _, h := range p.Held {
		if h.Object != "Alert/"+w.opened.Unit || h.Reason != state.AwaitingApproval {
			continue
		}
		for _, id := range h.Steps {
			if !w.asked(id) {
				w.parts("it waits for a human who was not asked then: " + h.Detail)
				w.unknown("what a human would have said is not on record")
				return
			}
		}
	}
	if w.own.Ended != "" && w.last.Ended == "" {
		w.parts(w.calls())
	}
}

// readSoon tells that an expression was read a moment later then.
func (w *walk) readSoon(expr string) bool {
	for _, e := range w.rest {
		if e.At.Since(w.now) > readWithin {
			break
		}
		if e.Note != nil && e.Note.Seen != nil && e.Note.Name == w.opened.Unit && e.Note.Seen.Exprs[state.ExprID(expr)] != "" {
			return true
		}
	}
	return false
}

// asked tells that a human was asked the same then, or had said it: then his answer, or
// that there was none, is on record.
func (w *walk) asked(id string) bool {
	return slices.ContainsFunc(w.entries, func(e state.Entry) bool {
		switch n := e.Note; {
		case n == nil:
			return e.Intent != nil && e.Intent.Step.ID == id
		case n.Kind == state.NoteApproved:
			return n.Name == id
		default:
			return n.Seen != nil && n.Name == w.opened.Unit && n.Seen.Waits == id
		}
	})
}

// parts notes the first difference.
func (w *walk) parts(why string) {
	if w.out.Parts == nil {
		w.out.Parts = &Point{At: w.now, Detail: why}
	}
}

func (w *walk) unknown(why string) {
	if w.out.Unknown == nil {
		w.out.Unknown = &Point{At: cmp.Or(w.now, w.opened.Opened), Detail: why}
	}
}

// result says what the walk has come to.
func (w *walk) result() Result {
	r := w.out
	r.Now.Ended = w.own.Ended
	for i := range r.Now.Steps {
		s := &r.Now.Steps[i]
		for _, t := range w.own.Tried {
			if t.Rung == s.Rung && t.Began == s.Began {
				s.Helped = t.Helped
			}
		}
	}
	if r.Unknown == nil && r.Then.Ended != "" && r.Now.Ended == "" && r.Parts == nil {
		r.Parts = &Point{At: w.last.At, Detail: fmt.Sprintf("a human was called (%s); now he is not", r.Then.Ended)}
	}
	switch {
	case r.Parts != nil:
		r.Verdict = Differs
	case r.Unknown != nil:
		r.Verdict = Unknown
	default:
		r.Verdict = Same
	}
	return r
}

func lasting(d time.Duration) string { return desired.Duration(d.Round(time.Second)).String() }

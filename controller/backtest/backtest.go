package backtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

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
	tolerance  = 3 * time.Second  // what comes so much earlier counts as done at the same time; and what is ready is read once more for so long before it is done
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

	ready struct { // what could be begun, and was not then
		id    string
		since state.Time
	}
}

func live(want *desired.Set, p *episode, book string) Result {
	c := p.opened
	w := &walk{episode: p, rest: p.ownFirst(), ids: make(map[string]string), then: p.before.Clone(), out: Result{
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

// ownFirst are the entries in the order in which they are taken in: of Steps that begin
// at once those for this Case come first, for all of them were decided on together.
func (p *episode) ownFirst() []state.Entry {
	all := slices.Clone(p.entries)
	for i := range all {
		all[i].Seq = 0 // the order is this one
		for j := i; j > 0 && all[j].At == all[j-1].At && all[j].Intent != nil && all[j-1].Intent != nil &&
			all[j].Intent.Step.Case == p.opened.ID && all[j-1].Intent.Step.Case != p.opened.ID; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	return all
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

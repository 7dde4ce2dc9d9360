package probes

import (
	"time"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// ledger turns the samples of one probe into its verdict.
type ledger struct {
	successes, failures int // in a row that change the verdict

	fact  state.Fact[state.Probe]
	known bool          // some sample told something since the last reset
	good  bool          // what the last of them told
	began state.Time    // when that one began
	run   int           // how many in a row, up to it, tell the same and count
	since time.Duration // when the first of the row began
	how   string        // the Detail of the last failure, without its Words
}

// reset forgets everything: another process is asked from now on, or none.
func (l *ledger) reset(invocation string, at state.Time) {
	if !at.After(l.fact.At) {
		at = l.fact.At.Add(1)
	}
	*l = ledger{successes: l.successes, failures: l.failures}
	l.fact.At, l.fact.Value.Invocation = at, invocation
}

// take books a sample that began at an instant, and tells whether anything but
// that instant is different. A sample that does not count was taken beyond the
// schedule: it shows when a failure began, and a success is one; but it does not
// add to the failures that a verdict asks for, so that looking more often never
// tips it.
//
// Samples may end in another order than they began. One that contradicts a
// younger one says nothing any more.
func (l *ledger) take(s ask.Sample, began state.Time, counts bool) (changed bool) {
	before := l.fact
	overtaken := l.known && began.Before(l.began)
	l.date(began)
	switch {
	case s.Err != "":
		if !overtaken {
			l.fact.Err = s.Err
		}
	case overtaken && s.Good() != l.good:
	default:
		l.book(s, began, counts)
	}
	changed = l.fact.Err != before.Err || !l.fact.Value.Equal(before.Value)
	if changed && !l.fact.At.After(before.At) {
		// What is different is younger: who was given the fact as it was before, and
		// brings it later, must not win.
		l.fact.At = before.At.Add(1)
	}
	return changed
}

func (l *ledger) book(s ask.Sample, began state.Time, counts bool) {
	if good := s.Good(); !l.known || good != l.good {
		l.known, l.good, l.run, l.since = true, good, 0, began.Up
	}
	if began.After(l.began) {
		l.began = began
	}
	if counts || l.good && l.successes <= 1 {
		l.run++
	}
	v := &l.fact.Value
	l.fact.Err, v.Says = "", s.Says
	if !l.good {
		l.blame(s)
		if v.Failing == 0 {
			v.Failing = began.Up
		}
		if l.run >= l.failures {
			l.settle(state.ProbeFailure)
		}
		return
	}
	v.Failing = 0
	if l.run >= l.successes {
		l.settle(state.ProbeSuccess)
	}
	if v.Verdict != state.ProbeFailure {
		v.Class, v.Detail = "", ""
	}
}

// blame tells how it failed. Of failures that are the same the words of the first
// stay: others would make them look new.
func (l *ledger) blame(s ask.Sample) {
	v := &l.fact.Value
	if v.Class == s.Class && l.how == s.Detail {
		return
	}
	v.Class, v.Detail, l.how = s.Class, s.Detail, s.Detail
	if s.Words != "" {
		v.Detail += ": " + s.Words
	}
}

func (l *ledger) settle(v state.Verdict) {
	if l.fact.Value.Verdict != v {
		l.fact.Value.Verdict, l.fact.Value.Since = v, l.since
	}
}

// date says that what is known is so at an instant, too.
func (l *ledger) date(at state.Time) {
	if at.After(l.fact.At) {
		l.fact.At = at
	}
}

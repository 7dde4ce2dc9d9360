package controller

import (
	"time"

	"github.com/pakashop/evenkeel/controller/failpoint"
	"github.com/pakashop/evenkeel/state"
)

// unwritable is why a Past that was fine at the start is no longer acted on.
const unwritable = "the record cannot be written"

// write puts entries on disk and folds them. What cannot be written stops all
// further acts; but what has happened has happened, and is folded and kept.
func (l *loop) write(entries []state.Entry, point string) bool {
	failpoint.Hit(point + ".before")
	saved, err := l.c.o.Store.Append(entries)
	if err == nil {
		failpoint.Hit(point + ".after")
		for _, e := range saved {
			l.past.Fold(e)
		}
		return true
	}
	if l.past.Distrust == "" {
		l.past.Distrust = unwritable
		l.c.o.Log.Error("the record cannot be written; evenkeel observes and does not act", "error", err)
	}
	for _, e := range entries {
		if e.Outcome != nil {
			l.past.Fold(e)
			l.unsaved = append(l.unsaved, e)
		}
	}
	l.retry.Reset(10 * time.Second)
	return false
}

// save tries again to write down what happened.
func (l *loop) save() bool {
	saved, err := l.c.o.Store.Append(l.unsaved)
	if err != nil {
		l.retry.Reset(10 * time.Second)
		return false
	}
	for _, e := range saved {
		l.past.Seq = max(l.past.Seq, e.Seq) // they were folded when they happened
	}
	l.unsaved, l.past.Distrust = nil, ""
	l.c.o.Log.Info("the record can be written again")
	return true
}

// heal asks a record that was not to be believed from the start whether what
// was wrong is gone: a disk that was full, a lock that was held.
func (l *loop) heal() bool {
	if l.past.Distrust == "" || l.past.Distrust == unwritable || l.c.o.Store.Heal() != nil {
		return false
	}
	past := l.c.o.Store.Past()
	if past.Distrust != "" {
		return false // it waits for a human
	}
	l.past = past
	l.c.o.Log.Info("the record can be believed again")
	return true
}

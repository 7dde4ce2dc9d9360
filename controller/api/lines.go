package api

import (
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
)

// Lines gives recorded steps the form in which they are printed.
func Lines(in []state.Line) []report.HistoryLine {
	out := make([]report.HistoryLine, 0, len(in))
	for _, l := range in {
		out = append(out, report.HistoryLine{
			Time: report.At(l.Time), Pass: l.Pass, ID: l.ID, Object: l.Object, Actuator: l.Actuator, Verb: l.Verb, Target: l.Target,
			Reason: l.Reason, Actor: l.Actor, Key: l.Key, Case: l.Case, Rung: l.Rung, Revision: l.Revision, Outcome: string(l.Outcome),
			Detail: l.Detail, MS: l.MS, Trace: l.Trace, Displaced: l.Displaced,
		})
	}
	return out
}

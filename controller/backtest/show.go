package backtest

import (
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
)

// Show puts results into the form in which they are shown.
func Show(results []Result) report.Backtests {
	all := report.Backtests{Incidents: []report.Backtest{}}
	for _, r := range results {
		switch r.Verdict {
		case Same:
			all.Same++
		case Differs:
			all.Differ++
		case Unknown:
			all.Unknown++
		}
		labels := r.Labels
		if labels == nil {
			labels = map[string]string{}
		}
		all.Incidents = append(all.Incidents, report.Backtest{
			Case: r.Case, Alert: r.Alert, Object: r.Object, Labels: labels, Opened: stamp(r.Opened), Closed: stamp(r.Closed),
			Verdict: r.Verdict, Then: r.Then.show(), Now: r.Now.show(), Parts: r.Parts.show(), Unknown: r.Unknown.show(),
		})
	}
	return all
}

func (w Way) show() report.BacktestWay {
	out := report.BacktestWay{Runbook: w.Runbook, Steps: []report.BacktestStep{}, Ended: w.Ended}
	for _, s := range w.Steps {
		out.Steps = append(out.Steps, report.BacktestStep{Rung: s.Rung, Action: s.Action, At: stamp(s.Began), Outcome: string(s.Status), Helped: stamp(s.Helped)})
	}
	return out
}

func (p *Point) show() *report.BacktestPoint {
	if p == nil {
		return nil
	}
	return &report.BacktestPoint{At: stamp(p.At), Detail: p.Detail}
}

func stamp(t state.Time) report.Stamp { return report.At(t.Wall) }

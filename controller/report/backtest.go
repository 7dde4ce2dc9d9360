package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Backtests are recorded alerts that were lived through with changed Runbooks. Its JSON
// form is a contract; its keys are append-only.
type Backtests struct {
	Incidents []Backtest `json:"incidents"` // the oldest first
	Same      int        `json:"same"`
	Differ    int        `json:"differ"`
	Unknown   int        `json:"unknown"` // of which the record does not tell
}

// Backtest is one of them.
type Backtest struct {
	Case    string            `json:"case"`
	Alert   string            `json:"alert"`
	Object  string            `json:"object"`
	Labels  map[string]string `json:"labels"`
	Opened  Stamp             `json:"opened"`
	Closed  Stamp             `json:"closed"`  // null: it was open at the end of the record
	Verdict string            `json:"verdict"` // same, differs, unknown
	Then    BacktestWay       `json:"then"`
	Now     BacktestWay       `json:"now"`
	Parts   *BacktestPoint    `json:"parts"`   // where the two part; null: nowhere
	Unknown *BacktestPoint    `json:"unknown"` // from where on nothing is known; null: all is
}

// BacktestWay is what was done, or would be.
type BacktestWay struct {
	Runbook string         `json:"runbook"` // empty: none is for it
	Steps   []BacktestStep `json:"steps"`
	Ended   state.Reason   `json:"ended"` // Escalated and so on: the ladder ended, and a human was called; empty: it did not
}

// BacktestStep is one rung of a way.
type BacktestStep struct {
	Rung    int    `json:"rung"`
	Action  string `json:"action"`
	At      Stamp  `json:"at"`
	Outcome string `json:"outcome"` // done, failed, interrupted, refused; empty: not known
	Helped  Stamp  `json:"helped"`  // when its verify was seen to pass; null: it was not
}

// BacktestPoint is a moment, and what there is to say of it.
type BacktestPoint struct {
	At     Stamp  `json:"at"`
	Detail string `json:"detail"`
}

// Text is for people: of each alert what was done then and what would be done now.
func (b Backtests) Text(st Style) string {
	var out strings.Builder
	for _, one := range b.Incidents {
		one.text(&out, st)
	}
	if len(b.Incidents) == 0 {
		return "No alert is on record that these runbooks are for.\n"
	}
	fmt.Fprintf(&out, "%d on record: %d the same, %d differ, %d unknown\n", len(b.Incidents), b.Same, b.Differ, b.Unknown)
	return out.String()
}

func (b Backtest) text(out *strings.Builder, st Style) {
	paint := map[string]colour{"same": green, "differs": red, "unknown": yellow}[b.Verdict]
	lasted := "open at the end of the record"
	if !b.Closed.IsZero() {
		lasted = "for " + span(b.Closed.Sub(b.Opened.Time))
	}
	fmt.Fprintf(out, "%s  %s  %s  %s, %s: %s\n", b.Opened.clock(time.Time{}), Escape(b.Alert), Escape(b.Object), b.Case, lasted, st.paint(paint, b.Verdict))
	b.Then.text(out, "then", b.Opened.Time)
	b.Now.text(out, "now", b.Opened.Time)
	for _, p := range []struct {
		word string
		at   *BacktestPoint
	}{{"they part", b.Parts}, {"unknown from here", b.Unknown}} {
		if p.at != nil {
			fmt.Fprintf(out, "  %-5s %8s  %s: %s\n", "", since(b.Opened.Time, p.at.At), p.word, Escape(p.at.Detail))
		}
	}
	out.WriteString("\n")
}

func (w BacktestWay) text(out *strings.Builder, word string, opened time.Time) {
	book := "no runbook"
	if w.Runbook != "" {
		book = "runbook " + Escape(w.Runbook)
	}
	fmt.Fprintf(out, "  %-5s %s\n", word, book)
	for _, s := range w.Steps {
		outcome := orElse(s.Outcome, "how it would have ended is not known")
		if !s.Helped.IsZero() {
			outcome += ", helped at " + since(opened, s.Helped)
		}
		fmt.Fprintf(out, "  %-5s %8s  %d. %s: %s\n", "", since(opened, s.At), s.Rung, Escape(s.Action), outcome)
	}
	if w.Ended != "" {
		fmt.Fprintf(out, "  %-5s %8s  %s\n", "", "", w.Ended)
	}
}

// since is how long after the beginning of an incident something was.
func since(opened time.Time, at Stamp) string {
	return "+" + desired.Duration(max(0, at.Sub(opened)).Round(time.Second)).String()
}

package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// HistoryLine is one Step that was done or tried. Its JSON form is a contract.
type HistoryLine struct {
	Time     Stamp        `json:"time"` // when it began
	Pass     uint64       `json:"pass"`
	ID       string       `json:"id"`
	Object   string       `json:"object"`
	Actuator string       `json:"actuator"`
	Verb     string       `json:"verb"`
	Reason   state.Reason `json:"reason"`
	Actor    string       `json:"actor"` // the human who asked; empty: evenkeel itself
	Key      string       `json:"key"`
	Case     string       `json:"case"`
	Revision string       `json:"revision"`
	Outcome  string       `json:"outcome"` // done, failed, interrupted, refused; empty: not ended yet
	Detail   string       `json:"detail"`
	MS       int64        `json:"ms"`
	Trace    string       `json:"trace"`

	Target    string `json:"-"` // the unit or path, for text
	Displaced string `json:"-"` // the ID of the version that was kept, for text
	Rung      int    `json:"-"` // which remedy of the Case, for text
}

// HistoryText is the history as a table, in the order given.
func HistoryText(lines []HistoryLine, st Style) string {
	if len(lines) == 0 {
		return "nothing was done\n"
	}
	t := &table{style: st}
	t.head("TIME", "PASS", "ID", "OBJECT", "ACTION", "REASON", "OUTCOME", "MS", "DETAIL")
	for _, l := range lines {
		t.add(l.Time.clock(st.Now), strconv.FormatUint(l.Pass, 10), l.ID, l.Object, l.action(), string(l.Reason), l.outcome(), l.took(), l.detail())
		t.paint(6, outcomeColours[l.Outcome])
	}
	return t.String()
}

var outcomeColours = map[string]colour{
	string(state.Done): green, string(state.StepFailed): red, string(state.Cut): yellow, string(state.StepRefused): yellow,
}

func (l HistoryLine) action() string {
	if l.Target == "" {
		return l.Actuator + "." + l.Verb
	}
	return l.Actuator + "." + l.Verb + " " + l.Target
}

func (l HistoryLine) outcome() string {
	if l.Outcome == "" {
		return "under way"
	}
	return l.Outcome
}

func (l HistoryLine) took() string {
	if l.Outcome == "" {
		return "-"
	}
	return strconv.FormatInt(l.MS, 10)
}

// detail names the human first, where one asked, and the Case last, where it was a
// remedy.
func (l HistoryLine) detail() string {
	text := l.Detail
	if l.Actor != "" {
		text = strings.TrimSuffix("by "+l.Actor+": "+text, ": ")
	}
	switch {
	case l.Case == "":
		return text
	case l.Rung > 0 && l.Reason == state.Alert:
		return strings.TrimSpace(fmt.Sprintf("%s (step %d of %s)", text, l.Rung, l.Case))
	case l.Rung > 0:
		return strings.TrimSpace(fmt.Sprintf("%s (remedy %d of %s)", text, l.Rung, l.Case))
	}
	return strings.TrimSpace(fmt.Sprintf("%s (for %s)", text, l.Case))
}

package report

import (
	"strings"
)

// Alarm is what a webhook is told of what an outsider sees. `text` is what Slack,
// and those who understand what is written for it, show.
type Alarm struct {
	Text        string  `json:"text"`
	Environment string  `json:"environment"`
	Time        Stamp   `json:"time"`
	Asked       int     `json:"asked"`   // how many URLs
	Failing     []Check `json:"failing"` // of them
}

// What is said at length in the text of an Alarm.
const (
	alarmLines = 20
	alarmWidth = 300
)

// Alarm is what is to be told; not ok if nothing fails.
func (o Outside) Alarm() (a Alarm, ok bool) {
	a = Alarm{Environment: o.Environment, Time: o.Time, Asked: len(o.Checks), Failing: o.failing()}
	lines := []string{"evenkeel: " + o.place() + " from outside: " + o.Totals()}
	for i, c := range a.Failing {
		if i == alarmLines {
			lines = append(lines, "and "+count(len(a.Failing)-i, "more URL"))
			break
		}
		lines = append(lines, "• "+cut(c.Object+" "+c.URL+": "+c.because(), alarmWidth))
	}
	for i := range lines {
		lines[i] = slackText.Replace(Escape(lines[i]))
	}
	a.Text = strings.Join(lines, "\n")
	return a, len(a.Failing) > 0
}

// slackText keeps what a stranger's server answers from being read as a mention of
// everybody, or as a link.
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

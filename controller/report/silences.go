package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Silences are those that stand. Its JSON form is a contract; its keys are
// append-only.
type Silences struct {
	Silences []Silence `json:"silences"`
}

// Silence is one that stands.
type Silence struct {
	ID       string   `json:"id"`
	Matchers []string `json:"matchers"`
	Actor    string   `json:"actor"`
	Reason   string   `json:"reason"` // in his own words
	Since    Stamp    `json:"since"`
	Until    Stamp    `json:"until"`
	Alerts   []string `json:"alerts"` // that are active and match, by ID
}

// Silences lists what stands, what ends first before the rest.
func (v View) Silences() Silences {
	out := Silences{Silences: []Silence{}}
	if v.Past == nil {
		return out
	}
	for _, s := range v.Past.Silences {
		if !s.Ended(v.Now) {
			out.Silences = append(out.Silences, Silence{
				ID: s.ID, Matchers: append([]string{}, s.Matchers...), Actor: s.Actor, Reason: s.Why,
				Since: At(s.At.Wall), Until: At(s.Until(v.Now).Wall), Alerts: v.silencedBy(s),
			})
		}
	}
	slices.SortFunc(out.Silences, func(a, b Silence) int {
		return cmp.Or(a.Until.Compare(b.Until.Time), strings.Compare(a.ID, b.ID))
	})
	return out
}

// silencedBy lists the IDs of active alerts that a silence matches.
func (v View) silencedBy(s state.Silence) []string {
	ids := []string{}
	m, err := desired.ParseAllMatchers(s.Matchers)
	if err != nil {
		return ids
	}
	for _, f := range v.Have.Alerts {
		for _, a := range f.Value.Active {
			if desired.MatchAll(m, a.Labels) {
				ids = append(ids, a.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Text is the list as a table.
func (s Silences) Text(st Style) string {
	if len(s.Silences) == 0 {
		return "nothing is silenced\n"
	}
	t := &table{style: st}
	t.head("ID", "ENDS", "MATCHERS", "ALERTS", "BY", "REASON")
	for _, one := range s.Silences {
		t.add(one.ID, one.Until.until(st.Now), strings.Join(one.Matchers, ", "), fmt.Sprint(len(one.Alerts)), by(one.Actor), cut(Escape(cmp.Or(one.Reason, "-")), reasonWidth))
	}
	return t.String()
}

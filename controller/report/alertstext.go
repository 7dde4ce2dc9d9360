package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// Text is the list as a table; wide cuts nothing, and all names the sources that have
// nothing active, too. Whatever a label or an annotation
// holds is a stranger's.
func (a Alerts) Text(st Style, wide, all bool) string {
	var b strings.Builder
	t := &table{style: st}
	columns := []string{"ALERT", "ID", "STATE", "SINCE", "OBJECT", "SEVERITY", "SAYS"}
	if wide {
		columns = []string{"ALERT", "ID", "STATE", "SINCE", "OBJECT", "SEVERITY", "SOURCE", "RUNBOOK", "CASE", "SAYS"}
	}
	t.head(columns...)
	for _, one := range a.Alerts {
		cells := []string{one.Name, one.ID, one.word(), one.Since.clock(st.Now), one.Object, cmp.Or(one.Severity, "-")}
		if wide {
			cells = append(cells, one.Source, cmp.Or(one.Runbook, "-"), cmp.Or(one.Case, "-"))
		}
		says := one.says()
		if !wide {
			says = cut(Escape(says), reasonWidth)
		}
		t.add(append(cells, says)...)
		t.paint(2, alertColours[one.word()])
	}
	if len(a.Alerts) > 0 {
		b.WriteString(t.String() + "\n")
	}
	b.WriteString(a.Totals() + "\n")
	for _, one := range a.Over {
		b.WriteString(st.paint(green, "over") + "     " + Escape(one.Name+" of "+one.Object+", and watched for a while") + "\n")
	}
	for _, gap := range a.Unknown {
		b.WriteString(st.paint(magenta, "unknown") + "  " + Escape(gap.Source+": "+gap.Detail) + "\n")
	}
	if all {
		for _, source := range a.Quiet {
			b.WriteString(st.paint(green, "quiet") + "    " + Escape(source) + "\n")
		}
	}
	return b.String()
}

var alertColours = map[string]colour{"firing": red, "pending": yellow, "suppressed": cyan, "blind": magenta, "over": green}

// word is the state of an alert in one word.
func (a Alert) word() string {
	switch {
	case a.Suppressed != nil:
		return "suppressed"
	case a.Blind != "":
		return "blind"
	}
	return a.State
}

// says is what matters most of an alert.
func (a Alert) says() string {
	switch {
	case a.Suppressed != nil:
		return "by " + a.Suppressed.By + ": " + a.Suppressed.Detail
	case a.Blind != "":
		return a.Blind
	case len(a.Held) > 0:
		return strings.TrimSuffix(string(a.Held[0].Reason)+": "+a.Held[0].Detail, ": ")
	}
	return cmp.Or(a.Annotations["impact"], a.Annotations["summary"], a.Annotations["description"])
}

// Totals counts the alerts in a line.
func (a Alerts) Totals() string {
	firing, pending, suppressed := a.Count()
	line := fmt.Sprintf("alerts: %d firing, %d pending, %d suppressed", firing, pending, suppressed)
	if len(a.Unknown) > 0 {
		line += ", and " + count(len(a.Unknown), "source") + " unknown"
	}
	return line
}

// Full is each alert in full, for a terminal of 80 columns.
func (a Alerts) Full(st Style) string {
	var parts []string
	for _, one := range slices.Concat(a.Alerts, a.Over) {
		parts = append(parts, one.full(st))
	}
	return strings.Join(parts, "\n")
}

func (a Alert) full(st Style) string {
	var b strings.Builder
	b.WriteString(st.paint(bold, Escape(a.Name)) + "  " + st.paint(alertColours[a.word()], a.word()) + "  " + Escape(a.Object) + "\n")
	b.WriteString(wrap(Escape(a.ID+", "+a.span(st)+", says "+a.Source), "", ""))
	var labels, more []string
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		labels = append(labels, name+"="+a.Labels[name])
	}
	for _, name := range slices.Sorted(maps.Keys(a.Annotations)) {
		if name != "impact" && name != "action" {
			more = append(more, name+": "+a.Annotations[name])
		}
	}
	blind := a.Blind
	if blind != "" {
		blind += "; it is shown, and nothing is done because of it"
	}
	suppressed := ""
	if a.Suppressed != nil {
		suppressed = "by " + a.Suppressed.By + ": " + a.Suppressed.Detail
	}
	for _, part := range []struct{ title, body string }{
		{"Impact", wrap(Escape(a.Annotations["impact"]), "", "")},
		{"Action", wrap(Escape(a.Annotations["action"]), "", "")},
		{"Suppressed", wrap(Escape(suppressed), "", "")},
		{"Blind", wrap(Escape(blind), "", "")},
		{"Runbook", wrap(Escape(cmp.Or(a.Runbook, "there is none for it")), "", "")},
		{"Done", a.doneText(st)},
		{"Waits", a.heldText(st)},
		{"Labels", bullets(labels)},
		{"Annotations", bullets(more)},
	} {
		if part.body != "" {
			b.WriteString("\n" + st.paint(bold, part.title) + "\n" + indent(part.body))
		}
	}
	return b.String()
}

// span is since when it is as it is, in words.
func (a Alert) span(st Style) string {
	since := a.Since.clock(st.Now)
	if a.State == "over" {
		return "fired at " + since + ", and does not any more"
	}
	return a.State + " since " + since
}

// doneText is the time line of an alert's Case.
func (a Alert) doneText(st Style) string {
	var b strings.Builder
	line := func(at Stamp, text string) {
		b.WriteString(wrap(Escape(text), fmt.Sprintf("%-14s", at.clock(st.Now)), strings.Repeat(" ", 14)))
	}
	for i, d := range a.Actions {
		text := a.broughtUp(i)
		if strings.Contains(text, "\n") {
			d.Detail = "" // it tells that itself
		}
		line(d.At, d.text())
		if text != d.Detail {
			for line := range strings.Lines(text) {
				b.WriteString("    " + Escape(strings.TrimSuffix(line, "\n")) + "\n")
			}
		}
	}
	return b.String()
}

// text is what was done, and how that ended.
func (d AlertAction) text() string {
	how := cmp.Or(d.Outcome, "under way")
	if how == string(state.Done) && d.Detail != "" {
		how = d.Detail
	} else if d.Detail != "" {
		how += "; " + d.Detail
	}
	return fmt.Sprintf("step %d, %s: %s", d.Rung, actuators.Words(d.Action), how)
}

// broughtUp is the evidence that an action gathered.
func (a Alert) broughtUp(action int) string {
	for _, e := range a.Evidence {
		if a.gatheredBy(e) == action {
			return e.Text
		}
	}
	return ""
}

// gatheredBy finds the action that brought something to light: of those of its rung,
// which may have been climbed in several rounds, the last that began before it; -1: it
// is not remembered.
func (a Alert) gatheredBy(e AlertEvidence) int {
	found := -1
	for i, d := range a.Actions {
		if d.Rung == e.Rung && d.Action == e.What && !d.At.After(e.At.Time) {
			found = i
		}
	}
	return found
}

// heldText says what waits, and the command that lets it go.
func (a Alert) heldText(st Style) string {
	var b strings.Builder
	for _, h := range a.Held {
		line := st.paint(cyan, string(h.Reason))
		if !h.Until.IsZero() {
			line += "  " + h.Until.until(st.Now)
		}
		b.WriteString(line + "\n" + wrap(Escape(h.Detail), "  ", "  "))
		for _, id := range h.Steps {
			if strings.Contains(h.Detail, "evenkeel approve "+id) {
				continue // it says so itself
			}
			b.WriteString("  let it go with: evenkeel approve " + Escape(id) + "\n")
		}
	}
	return b.String()
}

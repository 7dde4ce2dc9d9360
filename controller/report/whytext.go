package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pakashop/evenkeel/state"
)

// lineWidth is how wide text is that is to be read at night, on any terminal.
const lineWidth = 80

// Text is the answer for a terminal of 80 columns. Commands and names are never
// broken.
func (w Why) Text(st Style) string {
	var b strings.Builder
	b.WriteString(st.paint(bold, Escape(w.Object)) + "  " + st.paint(stateColours[w.State], string(w.State)))
	if w.Reason != "" {
		b.WriteString("  " + string(w.Reason))
	}
	b.WriteString("\n" + wrap("declared at "+Escape(w.Declared), "", ""))
	for _, part := range []struct{ title, body string }{
		{"Why", wrap(Escape(w.Rule), "", "")},
		{"Health", w.heldText(st, true)},
		{"What it waits for", chainText(w.Chain, st)},
		{"Held", w.heldText(st, false)},
		{"About to be done", w.stepsText()},
		{"Case", casesText(w.Cases, st)},
		{"Alerts", alertsText(w.Alerts, st)},
		{"Waiting for it", bullets(w.Waiting)},
		{"Evidence", w.evidenceText(st)},
		{"Budget of repairs", w.Budget.text(st)},
		{"What would unblock it", bullets(w.Unblocks)},
		{"Commands", w.commandsText()},
	} {
		if part.body != "" {
			b.WriteString("\n" + st.paint(bold, part.title) + "\n" + indent(part.body))
		}
	}
	return b.String()
}

// heldText lists what only says how well the service is, or what holds something.
func (w Why) heldText(st Style, health bool) string {
	var b strings.Builder
	for _, h := range w.Held {
		if onlyHealth(h.Info, h.Reason) != health || h.Reason == state.Alert && len(w.Alerts) > 0 {
			continue // alerts have a part of their own
		}
		line := st.paint(cyan, string(h.Reason))
		if h.Unit != "" {
			line += "  " + Escape(h.Unit)
		}
		if !h.Until.IsZero() {
			line += "  " + h.Until.until(st.Now)
		}
		b.WriteString(line + "\n")
		b.WriteString(wrap(Escape(h.Explains), "  ", "  "))
		if h.Detail != "" {
			b.WriteString(wrap(Escape(h.Detail), "  ", "  "))
		}
		for _, a := range h.Actions {
			b.WriteString(wrap(Escape("not done: "+a), "  ", "    "))
		}
	}
	return b.String()
}

func (w Why) stepsText() string {
	var b strings.Builder
	for _, s := range w.Steps {
		line := s.ID + "  " + s.Action + "  " + string(s.Reason)
		if s.Under {
			line += "  (under way)"
		}
		b.WriteString(wrap(Escape(line), "", "  "))
		b.WriteString(wrap(Escape(s.Detail), "  ", "  "))
	}
	return b.String()
}

// evidenceText puts the facts below their sources, each with its time.
func (w Why) evidenceText(st Style) string {
	var b strings.Builder
	source := ""
	for _, e := range w.Evidence {
		if e.Source != source {
			source = e.Source
			b.WriteString(st.paint(bold, Escape(source)) + "\n")
		}
		at := e.At.clock(st.Now)
		if e.At.IsZero() {
			at = ""
		}
		b.WriteString(wrap(Escape(e.Fact+": "+e.Value), fmt.Sprintf("  %-14s", at), strings.Repeat(" ", 16)))
	}
	return b.String()
}

func (b WhyBudget) text(st Style) string {
	if b.Left == nil {
		return ""
	}
	line := fmt.Sprintf("%d of %d in %s left", *b.Left, b.Of, b.Per)
	if !b.Until.IsZero() {
		line += ", one more " + strings.Replace(b.Until.until(st.Now), "until", "at", 1)
	}
	out := wrap(line, "", "")
	if b.Host != "" {
		out += wrap(b.Host, "", "")
	}
	return out
}

func (w Why) commandsText() string {
	var b strings.Builder
	for _, c := range w.Commands {
		b.WriteString(Escape(c) + "\n")
	}
	return b.String()
}

func bullets(list []string) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(wrap(Escape(s), "- ", "  "))
	}
	return b.String()
}

// wrap breaks a text between words so that it fits behind the indent of a
// section; a word that is longer stands on a line of its own. Nothing is no line.
func wrap(text, first, rest string) string {
	var b strings.Builder
	line, empty := first, true
	for _, w := range strings.Fields(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) > lineWidth-2 {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+w, false
	}
	if !empty {
		b.WriteString(line + "\n")
	}
	return b.String()
}

package report

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"
)

// Text is the activity for a terminal.
func (a Activity) Text(st Style) string {
	var b strings.Builder
	b.WriteString(st.paint(bold, Escape(a.Host)) + "  " + a.span(st.Now) + "\n")
	b.WriteString("\n" + st.paint(bold, a.doneTitle()) + "\n")
	if len(a.Done) > 0 {
		t := &table{style: st}
		t.head("  OBJECT", "ACTION", "REASON", "TIMES", "BAD", "TOOK", "LONGEST", "LAST")
		for _, d := range a.Done {
			t.add("  "+d.Object, d.Action, string(d.Reason), strconv.Itoa(d.Count), d.bad(), millis(d.MS), millis(d.MaxMS), d.Last.clock(st.Now))
			if d.bad() != "-" {
				t.paint(4, red)
			}
		}
		b.WriteString(t.String() + notesText(a.doneNotes()))
	}
	b.WriteString("\n" + st.paint(bold, a.sickTitle()) + "\n")
	if len(a.Sick) > 0 {
		t := &table{style: st}
		t.head("  OBJECT", "REASON", "CASES", "TRIED", "GAVE UP", "HEALED", "OPEN", "FOR", "LAST")
		for _, s := range a.Sick {
			t.add("  "+s.Object, string(s.Reason), strconv.Itoa(s.Count), strconv.Itoa(s.Tried), orDash(s.GaveUp), orDash(s.Healed), orDash(s.Open), lasted(s.MS), s.Last.clock(st.Now))
			if s.Open > 0 {
				t.paint(6, red)
			}
		}
		b.WriteString(t.String() + notesText(a.sickNotes()))
	}
	b.WriteString("\n" + st.paint(bold, a.wouldTitle()) + "\n")
	if len(a.WouldHave) > 0 {
		t := &table{style: st}
		t.head("  OBJECT", "ACTION", "REASON", "TIMES", "STANDS", "FOR", "SINCE")
		for _, w := range a.WouldHave {
			t.add("  "+w.Object, w.Action, string(w.Reason), strconv.Itoa(w.Count), strconv.Itoa(w.Standing), lasted(w.MS), w.First.clock(st.Now))
		}
		b.WriteString(t.String() + notesText(a.wouldNotes()))
	}
	return b.String()
}

// Markdown is the activity for a chat or an issue.
func (a Activity) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**, %s\n\n%s\n", html.EscapeString(Escape(a.Host)), a.span(time.Time{}), a.doneTitle())
	if len(a.Done) > 0 {
		b.WriteString("\n| object | action | reason | times | bad | took | longest | last |\n|---|---|---|--:|--:|--:|--:|---|\n")
		for _, d := range a.Done {
			row(&b, codeSpan(d.Object), codeSpan(d.Action), codeSpan(string(d.Reason)), strconv.Itoa(d.Count), d.bad(), millis(d.MS), millis(d.MaxMS), d.Last.String())
		}
		notesMarkdown(&b, a.doneNotes())
	}
	b.WriteString("\n" + a.sickTitle() + "\n")
	if len(a.Sick) > 0 {
		b.WriteString("\n| object | reason | cases | tried | gave up | healed | open | for | last |\n|---|---|--:|--:|--:|--:|--:|--:|---|\n")
		for _, s := range a.Sick {
			row(&b, codeSpan(s.Object), codeSpan(string(s.Reason)), strconv.Itoa(s.Count), strconv.Itoa(s.Tried), orDash(s.GaveUp), orDash(s.Healed), orDash(s.Open), lasted(s.MS), s.Last.String())
		}
		notesMarkdown(&b, a.sickNotes())
	}
	b.WriteString("\n" + a.wouldTitle() + "\n")
	if len(a.WouldHave) > 0 {
		b.WriteString("\n| object | action | reason | times | stands | for | since |\n|---|---|---|--:|--:|--:|---|\n")
		for _, w := range a.WouldHave {
			row(&b, codeSpan(w.Object), codeSpan(w.Action), codeSpan(string(w.Reason)), strconv.Itoa(w.Count), strconv.Itoa(w.Standing), lasted(w.MS), w.First.String())
		}
		notesMarkdown(&b, a.wouldNotes())
	}
	return b.String()
}

func row(b *strings.Builder, cells ...string) {
	for _, c := range cells {
		b.WriteString("| " + cell(c) + " ")
	}
	b.WriteString("|\n")
}

func (a Activity) span(now time.Time) string {
	return "from " + a.Since.clock(now) + " to " + a.Until.clock(now)
}

func (a Activity) doneTitle() string {
	text := "Nothing was done."
	if a.Steps > 0 {
		text = "Done: " + count(a.Steps, "step")
		if a.Failed > 0 {
			text += fmt.Sprintf(", %d of them not well", a.Failed)
		}
	}
	if a.Partial {
		text += " (the last of more: ask for less time)"
	}
	return text
}

func (a Activity) sickTitle() string {
	all, open := a.counted()
	if all == 0 {
		return "Nothing fell sick."
	}
	return fmt.Sprintf("Fell sick: %s, %d still open", count(all, "case"), open)
}

func orDash(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func (a Activity) sickNotes() []note {
	var out []note
	for _, s := range a.Sick {
		for _, d := range s.Details {
			out = append(out, note{s.Object + " " + string(s.Reason), d})
		}
	}
	return out
}

func (a Activity) wouldTitle() string {
	n := a.Wishes()
	if n == 0 {
		return "Nothing was held back by observing."
	}
	return fmt.Sprintf("Would have been done, but for observing: %s, %d still to be done", count(n, "step"), a.Standing())
}

// bad is how many did not end well, "-" for none.
func (d Deed) bad() string {
	if n := d.Failed + d.Interrupted + d.Refused; n > 0 {
		return strconv.Itoa(n)
	}
	return "-"
}

func millis(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }

func lasted(ms int64) string { return span(time.Duration(ms) * time.Millisecond) }

// note is what does not fit into a table: of one line of it.
type note struct{ about, text string }

func (a Activity) doneNotes() []note {
	var out []note
	for _, d := range a.Done {
		about := d.Object + " " + d.Action
		for _, f := range d.Failures {
			out = append(out, note{about, "not well: " + f})
		}
		for _, id := range d.Displaced {
			out = append(out, note{about, "kept what lay there: evenkeel displaced show " + id})
		}
		if len(d.Actors) > 0 {
			out = append(out, note{about, "by " + strings.Join(d.Actors, ", ")})
		}
	}
	return out
}

func (a Activity) wouldNotes() []note {
	var out []note
	for _, w := range a.WouldHave {
		for _, d := range w.Details {
			out = append(out, note{w.Object + " " + w.Action, d})
		}
	}
	return out
}

func notesText(notes []note) string {
	var b strings.Builder
	for i, n := range notes {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString(wrap(Escape(n.about+": "+n.text), "  ", "    "))
	}
	return b.String()
}

func notesMarkdown(b *strings.Builder, notes []note) {
	for i, n := range notes {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("- " + codeSpan(n.about) + ": " + codeSpan(n.text) + "\n")
	}
}

package report

import (
	"fmt"
	"html"
	"strings"
	"time"
)

// Text is the board of an outsider: the Services, the Endpoints, totals.
func (o Outside) Text(st Style) string {
	t := &table{style: st}
	t.head("OBJECT", "STATE", "ASKED", "TOOK", "REASON")
	endpoints := false
	for _, c := range o.Checks {
		if c.outside() && !endpoints {
			endpoints = true
			t.add("")
			t.head("Endpoints")
		}
		t.add(nameOf(c.Object), string(c.State), c.URL, millis(c.MS), c.because())
		t.paint(1, stateColours[c.State])
	}
	title := st.paint(bold, Escape(o.place())+" from outside") + ", " + o.Time.clock(st.Now)
	return title + "\n\n" + t.String() + "\n" + o.totals(st) + "\n"
}

// place is the environment; of those who have none, everything.
func (o Outside) place() string {
	if o.Environment == "" {
		return "everything"
	}
	return o.Environment
}

// nameOf is the name of an object without its kind.
func nameOf(object string) string {
	_, name, _ := strings.Cut(object, "/")
	return name
}

// totals is Totals with the words in colour, and how much is not to be seen.
func (o Outside) totals(st Style) string {
	line := o.Totals()
	for _, w := range States {
		line = strings.Replace(line, " "+string(w), " "+st.paint(stateColours[w], string(w)), 1)
	}
	if n := len(o.Skipped); n > 0 {
		line += "; " + count(n, "object") + " with no public URL"
	}
	return line
}

// Markdown is the board for the summary of a pipeline.
func (o Outside) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### evenkeel: %s from outside: %s\n\n", html.EscapeString(Escape(o.place())), o.Totals())
	fmt.Fprintf(&b, "%s.\n", o.Time.clock(time.Time{}))
	if len(o.Checks) > 0 {
		b.WriteString("\n| object | state | asked | took | reason |\n|---|---|---|--:|---|\n")
	}
	for _, c := range o.Checks {
		word := string(c.State)
		if c.State != OK {
			word = "**" + word + "**"
		}
		row(&b, codeSpan(c.Object), word, codeSpan(c.URL), millis(c.MS), codeSpan(c.because()))
	}
	if n := len(o.Skipped); n > 0 {
		fmt.Fprintf(&b, "\n<details><summary>%s with no public URL</summary>\n\n", count(n, "object"))
		for _, s := range o.Skipped {
			fmt.Fprintf(&b, "- %s %s\n", codeSpan(s.Object), codeSpan(s.Why))
		}
		b.WriteString("\n</details>\n")
	}
	return b.String()
}

package report

import (
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
)

// Markdown is the diff for a comment on a pull request. Every string from
// outside stands in a code span or a code block, where it is neither markup nor
// a mention of anybody.
func (d Diff) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### evenkeel: %s\n\n%s\n", d.Summary(), d.subject())
	d.markdownSteps(&b)
	markdownHeld(&b, "Held", d.Holds())
	markdownHeld(&b, "Health", d.Health())
	if len(d.Gaps) > 0 {
		b.WriteString("\n#### Gaps\n\n")
	}
	for _, g := range d.Gaps {
		fmt.Fprintf(&b, "- %s %s\n", codeSpan(g.Object), codeSpan(g.line()))
	}
	return b.String()
}

func markdownHeld(b *strings.Builder, title string, list []Held) {
	if len(list) > 0 {
		b.WriteString("\n#### " + title + "\n\n")
	}
	for _, h := range list {
		fmt.Fprintf(b, "- %s **%s**%s\n", codeSpan(h.Object), html.EscapeString(Escape(string(h.Reason))), h.markdownTail())
		for _, diff := range h.Diffs {
			b.WriteString(details("what differs", diff))
		}
	}
}

// subject says for what the Plan is.
func (d Diff) subject() string {
	s := "Host " + codeSpan(d.Host)
	if d.Host == "" {
		s = "This host"
	}
	if d.Environment != "" {
		s += ", environment " + codeSpan(d.Environment)
	}
	if d.Revision != "" {
		s += ", revision " + codeSpan(desired.ShortRevision(d.Revision))
	}
	if !d.History {
		s += "; the past is not known"
	}
	return s + "."
}

func (h Held) markdownTail() string {
	s := ""
	if !h.Until.IsZero() {
		s += " " + h.Until.until(time.Time{})
	}
	if h.Detail != "" {
		s += ": " + codeSpan(h.Detail)
	}
	return s
}

func (d Diff) markdownSteps(b *strings.Builder) {
	if len(d.Steps) == 0 {
		return
	}
	numbers := d.numbers()
	b.WriteString("\n| # | object | action | effect | reason | after |\n|--:|---|---|---|---|---|\n")
	for i, s := range d.Steps {
		reason := html.EscapeString(Escape(string(s.Reason)))
		if s.Detail != "" {
			reason += " " + codeSpan(s.Detail)
		}
		after := s.after(numbers)
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s | %s |\n", i+1,
			cell(codeSpan(s.Object)), cell(codeSpan(s.action())), html.EscapeString(Escape(string(s.Effect))), cell(reason), cell(html.EscapeString(Escape(after))))
	}
	for i, s := range d.Steps {
		lines := ""
		for _, f := range s.plainFields() {
			lines += Escape(f.String()) + "\n"
		}
		if body := lines + s.Diff; body != "" {
			b.WriteString(details(fmt.Sprintf("%d: %s", i+1, s.action()), body))
		}
	}
}

// details is a block that unfolds, with a diff in it.
func details(summary, diff string) string {
	diff = EscapeLines(strings.TrimSuffix(diff, "\n"))
	fence := strings.Repeat("`", max(3, longestRun(diff)+1))
	return "\n<details><summary><code>" + html.EscapeString(Escape(summary)) + "</code></summary>\n\n" +
		fence + "diff\n" + diff + "\n" + fence + "\n\n</details>\n"
}

// codeSpan is a code span on one line; nothing for nothing.
func codeSpan(s string) string {
	if s == "" {
		return ""
	}
	s = Escape(s)
	ticks := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.Trim(s, " ") == "" {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// cell keeps a bar from ending a table's cell; GitHub reads \| even in code.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// longestRun is the length of the longest run of backticks.
func longestRun(s string) int {
	longest, run := 0, 0
	for _, r := range s {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

package report

import (
	"fmt"
	"html"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// ReviewMark is the first line of a review in Markdown. Nobody sees it; whoever
// comments on a change finds his one comment by it.
const ReviewMark = "<!-- evenkeel-review -->"

// maxMarkdown is how long a comment may be: GitHub takes 65536 characters, and
// whoever posts it may add some.
const maxMarkdown = 60000

// Markdown is the reviews for a comment on a pull request, written as a diff's: no
// string from outside is markup, or a mention of anybody. What would make it too
// long for a comment is left out, first the content of files, then the steps.
func (r Reviews) Markdown() string {
	text := ""
	for depth := range 3 {
		if text = r.markdown(2 - depth); len(text) <= maxMarkdown {
			break
		}
	}
	if len(text) <= maxMarkdown {
		return text
	}
	end := strings.LastIndex(text[:maxMarkdown], "\n") + 1
	return text[:end] + "\n*The rest is too long for a comment: see `evenkeel diff -o text`.*\n"
}

// markdown is all of it for depth 2, without the content of files for 1, and
// without steps for 0.
func (r Reviews) markdown(depth int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n### evenkeel: %s\n\n%s.\n", ReviewMark, html.EscapeString(r.Summary()), r.compared())
	if len(r.Problems) > 0 {
		b.WriteString("\n#### Errors\n\nHosts refuse this, and stay with what they have.\n\n")
	}
	for _, p := range r.Problems {
		b.WriteString("- " + codeSpan(p) + "\n")
	}
	for _, one := range r.Reviews {
		one.markdown(&b, depth, len(r.Reviews) > 1)
	}
	if depth < 2 {
		b.WriteString("\n*What is too long for a comment is left out: see `evenkeel diff -o text`.*\n")
	}
	return b.String()
}

func (r Reviews) compared() string {
	s := "Revision " + codeSpan(desired.ShortRevision(r.Revision)) + " was compared with "
	if r.Base == "" {
		return s + "nothing"
	}
	return s + codeSpan(desired.ShortRevision(r.Base))
}

func (r Review) markdown(b *strings.Builder, depth int, counted bool) {
	b.WriteString("\n#### " + codeSpan(r.place()))
	if counted {
		b.WriteString(": " + html.EscapeString(r.Summary()))
	}
	b.WriteString("\n")
	if !r.Changes {
		return
	}
	if g := r.gate(); g != "" {
		b.WriteString("\nThe revision is " + codeSpan(g) + ".\n")
	}
	r.markdownRisks(b)
	r.markdownRestarts(b)
	r.markdownObjects(b)
	if depth > 0 && len(r.Steps) > 0 {
		b.WriteString("\n**Steps**\n")
		d := r.Diff
		if depth < 2 {
			d = d.brief()
		}
		d.markdownSteps(b)
	}
	markdownHeld(b, "Held", r.Holds())
	markdownHeld(b, "Health", r.Health())
	if len(r.Gaps) > 0 {
		b.WriteString("\n**Not known**\n\n")
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(b, "- %s %s\n", codeSpan(g.Object), codeSpan(g.Detail))
	}
}

// brief is the diff without what files hold.
func (d Diff) brief() Diff {
	steps := make([]Step, len(d.Steps))
	for i, s := range d.Steps {
		s.Diff, s.Fields = "", nil
		steps[i] = s
	}
	d.Steps = steps
	return d
}

func (r Review) markdownRisks(b *strings.Builder) {
	if len(r.Risks) > 0 {
		b.WriteString("\n**Risks**\n\n")
	}
	for _, one := range r.Risks {
		fmt.Fprintf(b, "- **%s** %s: %s\n", html.EscapeString(Escape(string(one.Kind))), codeSpan(one.Object), codeSpan(one.Detail))
	}
}

func (r Review) markdownRestarts(b *strings.Builder) {
	if len(r.Restarts) > 0 {
		b.WriteString("\n**Disturbances**, in this order\n\n| # | unit | why | when | after |\n|--:|---|---|---|---|\n")
	}
	for i, one := range r.Restarts {
		var after []string
		for _, u := range one.After {
			after = append(after, codeSpan(u))
		}
		fmt.Fprintf(b, "| %d | %s %s | %s | %s | %s |\n", i+1, html.EscapeString(Escape(one.Verb)), cell(codeSpan(one.Unit)), cell(codeSpan(one.Why)),
			cell(codeSpan(one.when(Style{}))), cell(strings.Join(after, ", ")))
	}
}

func (r Review) markdownObjects(b *strings.Builder) {
	if len(r.Objects) > 0 {
		b.WriteString("\n**Objects**\n\n")
	}
	for _, o := range r.Objects {
		fmt.Fprintf(b, "- %s %s", codeSpan(o.Object), html.EscapeString(o.Change))
		if o.Declared != "" {
			b.WriteString(" at " + codeSpan(o.Declared))
		}
		if len(o.Hosts) > 0 {
			b.WriteString(", on hosts with " + codeSpan(strings.Join(o.Hosts, " and ")))
		}
		b.WriteString("\n")
		for _, f := range o.Fields {
			b.WriteString("  - " + codeSpan(o.line(f)) + "\n")
		}
	}
}

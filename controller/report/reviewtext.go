package report

import (
	"fmt"
	"strings"
)

// Text is the reviews for a terminal.
func (r Reviews) Text(st Style) string {
	var b strings.Builder
	b.WriteString("Review of " + Escape(r.against()) + "\n")
	textProblems(&b, st, r.Problems)
	for _, one := range r.Reviews {
		one.text(&b, st)
	}
	b.WriteString("\n" + st.paint(r.colour(), r.Summary()) + "\n")
	return b.String()
}

func (r Reviews) colour() colour {
	switch {
	case len(r.Problems) > 0:
		return red
	case r.Changes:
		return bold
	}
	return green
}

func textProblems(b *strings.Builder, st Style, list []string) {
	for i, p := range list {
		if i == 0 {
			b.WriteString("\n" + st.paint(bold, "Errors") + "\n")
		}
		b.WriteString("    " + st.paint(red, "!") + " " + Escape(p) + "\n")
	}
}

// text is one review: a title, and what there is of it.
func (r Review) text(b *strings.Builder, st Style) {
	fmt.Fprintf(b, "\n%s: %s\n", st.paint(bold, "== "+Escape(r.place())), Escape(r.Summary()))
	if g := r.gate(); g != "" {
		b.WriteString("   " + Escape(g) + "\n")
	}
	r.textRisks(b, st)
	r.textObjects(b, st)
	r.textSteps(b, st)
	r.textRestarts(b, st)
	r.textHeld(b, st, "Held", r.Holds())
	r.textHeld(b, st, "Health", r.Health())
	for i, g := range r.Gaps {
		if i == 0 {
			b.WriteString("\n" + st.paint(bold, "Not known") + "\n")
		}
		fmt.Fprintf(b, "    %s %s  %s\n", st.paint(magenta, "?"), st.paint(bold, Escape(g.Object)), Escape(g.Detail))
	}
}

func (r Review) textRisks(b *strings.Builder, st Style) {
	for i, one := range r.Risks {
		if i == 0 {
			b.WriteString("\n" + st.paint(bold, "Risks") + "\n")
		}
		fmt.Fprintf(b, "    %s %s  %s: %s\n", st.paint(yellow, "!"), st.paint(bold, Escape(one.Object)), Escape(string(one.Kind)), Escape(one.Detail))
	}
}

func (r Review) textObjects(b *strings.Builder, st Style) {
	for i, o := range r.Objects {
		if i == 0 {
			b.WriteString("\n" + st.paint(bold, "Objects") + "\n")
		}
		mark, c := o.mark()
		line := o.Change + at(o.Declared)
		if len(o.Hosts) > 0 {
			line += ", on hosts with " + strings.Join(o.Hosts, " and ")
		}
		fmt.Fprintf(b, "    %s %s  %s\n", st.paint(c, mark), st.paint(bold, Escape(o.Object)), Escape(line))
		for _, f := range o.Fields {
			b.WriteString("      " + Escape(o.line(f)) + "\n")
		}
	}
}

func at(place string) string {
	if place == "" {
		return ""
	}
	return " at " + place
}

func (o Changed) mark() (string, colour) {
	switch o.Change {
	case Added:
		return "+", green
	case Removed:
		return "-", red
	}
	return "~", yellow
}

func (r Review) textRestarts(b *strings.Builder, st Style) {
	for i, one := range r.Restarts {
		if i == 0 {
			b.WriteString("\n" + st.paint(bold, "Disturbances, in this order") + "\n")
		}
		fmt.Fprintf(b, "%3d %s  %s\n", i+1, st.paint(bold, Escape(one.Verb+" "+one.Unit)), Escape(one.Why))
		b.WriteString("      " + st.paint(dim, Escape(one.when(st)+one.after())) + "\n")
	}
}

func (r Restart) after() string {
	if len(r.After) == 0 {
		return ""
	}
	return ", after " + strings.Join(r.After, ", ")
}

// when is now, and until when it waits.
func (r Restart) when(st Style) string {
	s := r.now()
	if !r.Until.IsZero() {
		s += ", " + r.Until.until(st.Now)
	}
	return s
}

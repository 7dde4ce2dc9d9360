package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
)

// Text is the diff for a terminal.
func (d Diff) Text(st Style) string {
	var b strings.Builder
	if len(d.Steps)+len(d.Held)+len(d.Gaps) > 0 {
		b.WriteString(d.title() + "\n")
	}
	d.textSteps(&b, st)
	d.textHeld(&b, st, "Held", d.Holds())
	d.textHeld(&b, st, "Health", d.Health())
	d.textGaps(&b, st)
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	b.WriteString(st.paint(d.summaryColour(), d.Summary()) + "\n")
	return b.String()
}

// title says for what the Plan is.
func (d Diff) title() string {
	s := "Plan for " + place(d.Host, d.Environment)
	if d.Revision != "" {
		s += " at " + Escape(desired.ShortRevision(d.Revision))
	}
	if !d.History {
		s += "; the past is not known"
	}
	return s
}

func place(host, environment string) string {
	if host == "" {
		host = "this host"
	}
	if environment != "" {
		host += " (" + environment + ")"
	}
	return Escape(host)
}

// Summary is one line that counts, or says what is in sync.
func (d Diff) Summary() string {
	if d.InSync {
		return d.summaryInSync()
	}
	disruptive := 0
	for _, s := range d.Steps {
		if s.Effect == actuators.Disruptive {
			disruptive++
		}
	}
	ill := ""
	if n := d.notWell(); n > 0 {
		ill = fmt.Sprintf(", %d not well", n)
	}
	return fmt.Sprintf("%s (%d disruptive), %d held, %s%s", count(len(d.Steps), "step"), disruptive, len(d.Holds()), count(len(d.Gaps), "gap"), ill)
}

// summaryInSync does not call in sync what could not be read.
func (d Diff) summaryInSync() string {
	what := count(d.Services, "service") + ", " + count(d.Units, "unit")
	if n := len(d.Holds()); n > 0 {
		what += fmt.Sprintf(", %d held", n)
	}
	if n := d.notWell(); n > 0 {
		what += fmt.Sprintf(", %d not well", n)
	}
	if len(d.Gaps) > 0 {
		return "nothing to do: " + what + ", but " + count(len(d.Gaps), "gap")
	}
	return "in sync: " + what
}

func (d Diff) summaryColour() colour {
	switch {
	case !d.InSync:
		return bold
	case len(d.Gaps) > 0:
		return magenta
	}
	return green
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (d Diff) textSteps(b *strings.Builder, st Style) {
	numbers := d.numbers()
	for i, s := range d.Steps {
		if i == 0 {
			b.WriteString("\n" + st.paint(bold, "Steps") + "\n")
		}
		mark, c := s.mark()
		fmt.Fprintf(b, "%3d %s %s  %s  %s\n", i+1, st.paint(c, mark), st.paint(bold, Escape(s.Object)), Escape(s.action()), Escape(s.because()))
		if note := s.note(numbers); note != "" {
			b.WriteString("      " + st.paint(dim, Escape(note)) + "\n")
		}
		for _, f := range s.plainFields() {
			b.WriteString("      " + Escape(f.String()) + "\n")
		}
		b.WriteString(st.diff("      ", s.Diff))
	}
}

// numbers gives each Step its place in the list, by ID.
func (d Diff) numbers() map[string]int {
	n := make(map[string]int, len(d.Steps))
	for i, s := range d.Steps {
		n[s.ID] = i + 1
	}
	return n
}

// mark is + for what comes into being or starts, - for what goes or stops, ~
// for what changes.
func (s Step) mark() (string, colour) {
	switch {
	case s.Verb == "remove" || s.Verb == "stop" || s.Verb == "disable" || s.Verb == "mask":
		return "-", red
	case s.Verb == "start" || s.Verb == "enable" || s.Verb == "unmask" || strings.HasPrefix(s.Diff, "--- /dev/null"):
		return "+", green
	}
	return "~", yellow
}

func (s Step) action() string {
	return strings.TrimSpace(s.Actuator + "." + s.Verb + " " + s.Target)
}

func (s Step) because() string {
	if s.Detail == "" {
		return string(s.Reason)
	}
	return string(s.Reason) + ": " + s.Detail
}

// note says what the Step waits for, and whether it disturbs.
func (s Step) note(numbers map[string]int) string {
	var parts []string
	if s.Effect != actuators.Benign {
		parts = append(parts, string(s.Effect))
	}
	if after := s.after(numbers); after != "" {
		parts = append(parts, "after "+after)
	}
	return strings.Join(parts, ", ")
}

// after lists the numbers of the Steps that come first, spans of them as 1-4.
func (s Step) after(numbers map[string]int) string {
	var n []int
	var out []string
	for _, id := range s.Needs {
		if i, ok := numbers[id]; ok {
			n = append(n, i)
		} else {
			out = append(out, id)
		}
	}
	slices.Sort(n)
	return strings.Join(append(spans(n), out...), ", ")
}

// spans writes sorted numbers, three or more in a row as a span.
func spans(n []int) []string {
	var out []string
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] == n[j]+1 {
			j++
		}
		if j-i >= 2 {
			out = append(out, fmt.Sprintf("%d-%d", n[i], n[j]))
			i = j + 1
			continue
		}
		out = append(out, fmt.Sprint(n[i]))
		i++
	}
	return out
}

// plainFields are the fields that the diff does not show better, without the
// path that the Step names anyway.
func (s Step) plainFields() []Field {
	var out []Field
	for _, f := range s.Fields {
		if s.Diff != "" && (strings.HasSuffix(f.Path, ":content") || strings.HasSuffix(f.Path, ":kind") || f.Path == s.Target) {
			continue
		}
		f.Path = strings.TrimPrefix(f.Path, s.Target+":")
		out = append(out, f)
	}
	return out
}

// String is "mode: observed → desired".
func (f Field) String() string {
	return f.Path + ": " + orNone(f.Observed) + " → " + orNone(f.Desired)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (d Diff) textHeld(b *strings.Builder, st Style, title string, list []Held) {
	for i, h := range list {
		if i == 0 {
			b.WriteString("\n" + st.paint(bold, title) + "\n")
		}
		mark, c := "=", cyan
		if h.health() {
			mark, c = "!", yellow
		}
		fmt.Fprintf(b, "    %s %s  %s\n", st.paint(c, mark), st.paint(bold, Escape(h.Object)), Escape(h.line(st)))
		for _, diff := range h.Diffs {
			b.WriteString(st.diff("      ", diff))
		}
	}
}

// line is the reason, its end and the detail.
func (h Held) line(st Style) string {
	s := string(h.Reason)
	if !h.Until.IsZero() {
		s += " " + h.Until.until(st.Now)
	}
	if h.Detail != "" {
		s += ": " + h.Detail
	}
	return s
}

func (d Diff) textGaps(b *strings.Builder, st Style) {
	for i, g := range d.Gaps {
		if i == 0 {
			b.WriteString("\n" + st.paint(bold, "Gaps") + "\n")
		}
		fmt.Fprintf(b, "    %s %s  %s\n", st.paint(magenta, "?"), st.paint(bold, Escape(g.Object)), Escape(g.line()))
	}
}

func (g Gap) line() string {
	if g.Detail == "" {
		return g.Source
	}
	return g.Source + ": " + g.Detail
}

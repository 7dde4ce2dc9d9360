package report

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Style is how text is written. The zero Style has no colour and absolute times.
type Style struct {
	Color bool      // ANSI colours, always beside words that say the same
	Now   time.Time // for ages; zero: times are written out
}

type colour string

const (
	bold    colour = "1"
	dim     colour = "2"
	red     colour = "31"
	green   colour = "32"
	yellow  colour = "33"
	magenta colour = "35"
	cyan    colour = "36"
)

// paint colours text that was escaped before.
func (s Style) paint(c colour, text string) string {
	if !s.Color || text == "" || c == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// diff paints a unified diff, line by line, escaped and behind an indent.
func (s Style) diff(indent, d string) string {
	var b strings.Builder
	for line := range strings.Lines(d) {
		line = EscapeLines(strings.TrimSuffix(line, "\n"))
		if line == "" {
			b.WriteString("\n")
			continue
		}
		b.WriteString(indent + s.paint(diffColour(line), line) + "\n")
	}
	return b.String()
}

func diffColour(line string) colour {
	switch {
	case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		return bold
	case strings.HasPrefix(line, "@@"):
		return cyan
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "-"):
		return red
	}
	return ""
}

// table aligns columns. Cells are escaped; the last column is as wide as it is.
type table struct {
	style  Style
	rows   [][]string
	paints map[[2]int]colour
}

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = Escape(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// paint colours a cell of the row that was added last.
func (t *table) paint(column int, c colour) {
	if t.paints == nil {
		t.paints = make(map[[2]int]colour)
	}
	t.paints[[2]int{len(t.rows) - 1, column}] = c
}

// head adds the row of titles.
func (t *table) head(cells ...string) {
	t.add(cells...)
	for i := range cells {
		t.paint(i, bold)
	}
}

func (t *table) String() string {
	widths := t.widths()
	var b strings.Builder
	for i, row := range t.rows {
		var line strings.Builder
		for j, cell := range row {
			line.WriteString(t.style.paint(t.paints[[2]int{i, j}], cell))
			if j < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)+2))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

func (t *table) widths() []int {
	var w []int
	for _, row := range t.rows {
		if len(row) == 1 {
			continue // a title between rows
		}
		for j, cell := range row {
			if j == len(w) {
				w = append(w, 0)
			}
			w[j] = max(w[j], utf8.RuneCountInString(cell))
		}
	}
	return w
}

package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"
)

//go:embed diff.html
var diffPage string

// HTML is the diff as one page without scripts and without anything fetched
// from elsewhere.
func (d Diff) HTML() (string, error) {
	numbers := d.numbers()
	t, err := template.New("diff").Funcs(template.FuncMap{
		"one":   func(s any) string { return Escape(fmt.Sprint(s)) },
		"lines": htmlLines,
		"inc":   func(i int) int { return i + 1 },
		"after": func(s Step) string { return s.after(numbers) },
		"until": func(s Stamp) string { return s.until(time.Time{}) },
		"rev":   revision,

		"action": Step.action,
		"plain":  Step.plainFields,
		"line":   Gap.line,
	}).Parse(diffPage)
	if err != nil {
		return "", fmt.Errorf("parse the page of a diff: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, d); err != nil {
		return "", fmt.Errorf("write a diff as HTML: %w", err)
	}
	return b.String(), nil
}

// htmlLine is a line of a diff and the class that colours it.
type htmlLine struct{ Class, Text string }

func htmlLines(d string) []htmlLine {
	classes := map[colour]string{bold: "file", cyan: "hunk", green: "add", red: "del"}
	var out []htmlLine
	for line := range strings.Lines(d) {
		line = strings.TrimSuffix(line, "\n")
		out = append(out, htmlLine{Class: classes[diffColour(line)], Text: EscapeLines(line)})
	}
	return out
}

package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// pageHead is what all pages begin with, up to their heading: it needs a Summary.
//
//go:embed head.html
var pageHead string

// page fills in a page without scripts and without anything fetched from elsewhere.
func page(name, text string, funcs template.FuncMap, data any) (string, error) {
	t, err := template.New(name).Funcs(template.FuncMap{
		"one":   func(s any) string { return Escape(fmt.Sprint(s)) },
		"lines": htmlLines,
		"inc":   func(i int) int { return i + 1 },
		"rev":   desired.ShortRevision,

		"action": Step.action,
		"plain":  Step.plainFields,
	}).Funcs(funcs).Parse(text)
	if err == nil {
		_, err = t.New("head").Parse(pageHead)
	}
	if err != nil {
		return "", fmt.Errorf("parse the page of a %s: %w", name, err)
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", fmt.Errorf("write a %s as HTML: %w", name, err)
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

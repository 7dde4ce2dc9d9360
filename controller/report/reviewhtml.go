package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed review.html
var reviewPage string

// HTML is the reviews as one page without scripts and without anything fetched
// from elsewhere.
func (r Reviews) HTML() (string, error) {
	t, err := template.New("review").Funcs(template.FuncMap{
		"one":     func(s any) string { return Escape(fmt.Sprint(s)) },
		"join":    func(s []string) string { return Escape(strings.Join(s, ", ")) },
		"lines":   htmlLines,
		"inc":     func(i int) int { return i + 1 },
		"numbers": func(r Review) map[string]int { return r.numbers() },
		"after":   Step.after,
		"rev":     revision,
		"place":   Review.place,
		"gate":    Review.gate,
		"when":    func(r Restart) string { return r.when(Style{}) },
		"field":   Changed.line,
		"held":    func(h Held) string { return h.line(Style{}) },
		"holds":   func(r Review) []Held { return append(r.Holds(), r.Health()...) },

		"action": Step.action,
		"plain":  Step.plainFields,
	}).Parse(reviewPage)
	if err != nil {
		return "", fmt.Errorf("parse the page of a review: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, r); err != nil {
		return "", fmt.Errorf("write a review as HTML: %w", err)
	}
	return b.String(), nil
}

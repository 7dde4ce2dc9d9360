package report

import (
	_ "embed"
	"html/template"
	"strings"
)

//go:embed review.html
var reviewPage string

// HTML is the reviews as one page.
func (r Reviews) HTML() (string, error) {
	return page("review", reviewPage, template.FuncMap{
		"join":    func(s []string) string { return Escape(strings.Join(s, ", ")) },
		"numbers": func(r Review) map[string]int { return r.numbers() },
		"after":   Step.after,
		"place":   Review.place,
		"gate":    Review.gate,
		"when":    func(r Restart) string { return r.when(Style{}) },
		"field":   Changed.line,
		"held":    func(h Held) string { return h.line(Style{}) },
		"holds":   func(r Review) []Held { return append(r.Holds(), r.Health()...) },
	}, r)
}

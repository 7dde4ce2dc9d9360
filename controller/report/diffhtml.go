package report

import (
	_ "embed"
	"html/template"
	"time"
)

//go:embed diff.html
var diffPage string

// HTML is the diff as one page.
func (d Diff) HTML() (string, error) {
	numbers := d.numbers()
	return page("diff", diffPage, template.FuncMap{
		"after": func(s Step) string { return s.after(numbers) },
		"until": func(s Stamp) string { return s.until(time.Time{}) },
		"line":  Gap.line,
	}, d)
}

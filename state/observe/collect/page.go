package collect

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// page is a text of Prometheus' as it is put together.
type page struct {
	samples map[string][]string // lines, by the name of the metric
	seen    map[string]bool     // name and labels
	n       int
}

func newPage() *page { return &page{samples: map[string][]string{}, seen: map[string]bool{}} }

// maxLabel bounds a label's value in bytes.
const maxLabel = 128

// add adds a sample, with the values of the metric's labels in their order. Of two
// with the same labels the first one stays: Prometheus refuses a second.
func (p *page) add(m Metric, value float64, labels ...string) {
	var b strings.Builder
	b.WriteString(m.Name)
	for i, name := range m.Labels {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(name)
		b.WriteString(`="`)
		if i < len(labels) {
			b.WriteString(quote.Replace(clean(labels[i])))
		}
		b.WriteByte('"')
	}
	if len(m.Labels) > 0 {
		b.WriteByte('}')
	}
	series := b.String()
	if p.seen[series] {
		return
	}
	if p.n++; p.n > maxSamples {
		return // bytes says so
	}
	p.seen[series] = true
	p.samples[m.Name] = append(p.samples[m.Name], series+" "+number(value)+"\n")
}

// bytes is the whole, in the order of the list of metrics.
func (p *page) bytes() ([]byte, error) {
	if p.n > maxSamples {
		return nil, fmt.Errorf("more than %d samples", maxSamples)
	}
	var b bytes.Buffer
	for _, m := range All() {
		lines := p.samples[m.Name]
		if len(lines) == 0 {
			continue
		}
		slices.Sort(lines)
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", m.Name, m.Help, m.Name, m.Type)
		for _, l := range lines {
			b.WriteString(l)
		}
	}
	return b.Bytes(), nil
}

// clean makes a label's value of whatever a stranger said: valid, on one line and
// short.
func clean(s string) string {
	if len(s) > maxLabel {
		s = s[:maxLabel-3] + "…"
	}
	s = strings.ToValidUTF8(s, "?")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

var quote = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// truth is 1 or 0.
func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

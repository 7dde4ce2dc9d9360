package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// How much of a result is text.
const (
	maxSays      = 3
	maxLines     = 50
	maxExamples  = 15
	examplesFrom = 10 * time.Minute
)

// Text is what an expression comes to at a moment (zero: now), for people: one
// element a line. With exemplars it is those of what it selects in the ten minutes
// before, and nothing else.
func (e *Engine) Text(ctx context.Context, text string, at time.Time, exemplars bool) (string, error) {
	expr, err := e.check(text)
	if err != nil {
		return "", err
	}
	if at.IsZero() {
		at = time.Now()
	}
	if exemplars {
		return e.exemplars(ctx, expr, at)
	}
	value, err := e.exec(ctx, text, at)
	if err != nil {
		return "", err
	}
	return say(value, maxLines), nil
}

// example is one exemplar: a request that was counted, and its trace.
type example struct {
	labels labels.Labels // of the series
	trace  labels.Labels
	value  float64
	at     int64
}

// exemplars lists them, the largest first: of what took longest. One that several
// buckets of a histogram remember is told once.
func (e *Engine) exemplars(ctx context.Context, expr parser.Expr, at time.Time) (string, error) {
	q, err := e.db.ExemplarQuerier(ctx)
	if err != nil {
		return "", err
	}
	var matchers [][]*labels.Matcher
	for _, v := range selectors(expr) {
		matchers = append(matchers, v.LabelMatchers)
	}
	found, err := q.Select(at.Add(-examplesFrom).UnixMilli(), at.UnixMilli(), matchers...)
	if err != nil {
		return "", err
	}
	var all []example
	for _, s := range found {
		for _, x := range s.Exemplars {
			all = append(all, example{s.SeriesLabels, x.Labels, x.Value, x.Ts})
		}
	}
	if len(all) == 0 {
		return "no exemplar within ten minutes", nil
	}
	slices.SortStableFunc(all, func(a, b example) int { return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(b.at, a.at)) })
	var lines []string
	told := make(map[string]bool)
	for _, x := range all {
		if id := x.trace.String(); !told[id] {
			told[id] = true
			what := labels.NewBuilder(x.labels).Del(labels.BucketLabel).Del(ownLabels...).Labels()
			lines = append(lines, fmt.Sprintf("%s at %s  %s  %s", number(x.value), time.UnixMilli(x.at).UTC().Format(time.TimeOnly), plainly(x.trace), plainly(what)))
		}
	}
	return join(lines, maxExamples), nil
}

// ownLabels are those that a target is given here, beside its service, and the name,
// which whoever asks has written: they fill a line and tell nobody anything.
var ownLabels = []string{model.MetricNameLabel, "job", "instance", "unit", "host", "environment", "exported_service", "exported_job", "exported_instance"}

// brieflyNamed are the labels of the elements of a vector without those that tell
// nobody anything, as long as they still tell the elements apart.
func brieflyNamed(v promql.Vector) []labels.Labels {
	short := make([]labels.Labels, len(v))
	seen := make(map[string]bool, len(v))
	for i, s := range v {
		short[i] = labels.NewBuilder(s.Metric).Del(ownLabels...).Labels()
		seen[short[i].String()] = true
	}
	if len(seen) == len(v) {
		return short
	}
	for i, s := range v {
		short[i] = s.Metric
	}
	return short
}

// plainly are labels as name=value.
func plainly(l labels.Labels) string {
	var parts []string
	l.Range(func(l labels.Label) { parts = append(parts, l.Name+"="+l.Value) })
	return strings.Join(parts, " ")
}

// say is a result as text, of so many elements at most. The value comes first: of a
// line that is too long the end is cut off.
func say(v parser.Value, most int) string {
	switch v := v.(type) {
	case promql.Scalar:
		return number(v.V)
	case promql.String:
		return brief(v.V, maxText)
	case promql.Vector:
		var lines []string
		for i, name := range brieflyNamed(v) {
			text := "a histogram"
			if v[i].H == nil {
				text = number(v[i].F)
			}
			lines = append(lines, strings.TrimSpace(text+"  "+plainly(name)))
		}
		if len(lines) == 0 {
			return "nothing"
		}
		return join(lines, most)
	}
	return ""
}

func number(v float64) string {
	if math.IsNaN(v) {
		return "NaN (nothing was counted that could be divided)"
	}
	if a := math.Abs(v); a >= 1 && a < 1e15 {
		return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func join(lines []string, most int) string {
	if over := len(lines) - most; over > 0 {
		lines = append(lines[:most:most], fmt.Sprintf("and %d more", over))
	}
	for i, l := range lines {
		lines[i] = brief(l, maxText)
	}
	return strings.Join(lines, "\n")
}

package ruletest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"
)

// exactly is how values compare: what is no number is no value either.
func exactly(x, y float64) bool { return x == y }

// nearly allows the last digit to differ.
func nearly(x, y float64) bool {
	return x == y || math.Nextafter(x, math.Inf(-1)) == y || math.Nextafter(x, math.Inf(1)) == y
}

// firing is an alert, or what is expected of one.
type firing struct{ labels, annotations labels.Labels }

func (f firing) String() string {
	return "labels " + f.labels.String() + " annotations " + f.annotations.String()
}

func byLabels(a, b firing) int {
	return cmp.Or(labels.Compare(a.labels, b.labels), labels.Compare(a.annotations, b.annotations))
}

func sameAlert(a, b firing) bool {
	return labels.Equal(a.labels, b.labels) && labels.Equal(a.annotations, b.annotations)
}

// alerts holds those that fire to what is expected.
func (t *trial) alerts(cases []alertCase) {
	for _, c := range cases {
		got, want := t.firing(c.Name), []firing(nil)
		for _, e := range c.Expect {
			l := labels.NewBuilder(labels.FromMap(e.Labels)).Set(labels.AlertName, c.Name).Labels()
			want = append(want, firing{l, labels.FromMap(e.Annotations)})
		}
		slices.SortFunc(want, byLabels)
		if !slices.EqualFunc(want, got, sameAlert) {
			t.fail("alert %s at %s:\n  expected %s\n  got      %s", c.Name, c.At, lines(want), lines(got))
		}
	}
}

// firing are the alerts of a name that fire, of all groups.
func (t *trial) firing(name string) []firing {
	var all []firing
	for _, g := range t.groups {
		for _, r := range g.Rules() {
			a, ok := r.(*promrules.AlertingRule)
			if !ok || a.Name() != name {
				continue
			}
			for _, one := range a.ActiveAlerts() {
				if one.State == promrules.StateFiring {
					all = append(all, firing{one.Labels.Copy(), one.Annotations.Copy()})
				}
			}
		}
	}
	slices.SortFunc(all, byLabels)
	return all
}

// value is one sample of a result, or what is expected of one.
type value struct {
	labels    labels.Labels
	value     float64
	histogram string
}

func (v value) String() string {
	if v.histogram != "" {
		return v.labels.String() + " " + v.histogram
	}
	return v.labels.String() + " " + strconv.FormatFloat(v.value, 'g', -1, 64)
}

// expression holds the result of an expression to what is expected.
func (t *trial) expression(ctx context.Context, c exprCase) {
	vector, err := t.b.ask(ctx, c.Expr, t.from.Add(c.at()))
	if err != nil {
		t.fail("expr %q at %s: %w", c.Expr, c.At, err)
		return
	}
	var got, want []value
	for _, s := range vector {
		v := value{labels: s.Metric.Copy(), value: s.F}
		if s.H != nil {
			v.histogram = s.H.TestExpression()
		}
		got = append(got, v)
	}
	for _, s := range c.Expect {
		v, err := s.value()
		if err != nil {
			t.fail("expr %q at %s: exp_samples: %q: %w", c.Expr, c.At, s.Labels, err)
			return
		}
		want = append(want, v)
	}
	byName := func(a, b value) int { return labels.Compare(a.labels, b.labels) }
	slices.SortStableFunc(got, byName)
	slices.SortStableFunc(want, byName)
	same := func(a, b value) bool {
		return labels.Equal(a.labels, b.labels) && t.equal(a.value, b.value) && a.histogram == b.histogram
	}
	if !slices.EqualFunc(want, got, same) {
		t.fail("expr %q at %s:\n  expected %s\n  got      %s", c.Expr, c.At, lines(want), lines(got))
	}
}

// value is what a sample stands for.
func (s sample) value() (value, error) {
	v := value{value: s.Value}
	var err error
	if v.labels, err = promQL.ParseMetric(s.Labels); err != nil || s.Histogram == "" {
		return v, err
	}
	_, values, err := promQL.ParseSeriesDesc("{} " + s.Histogram)
	switch {
	case err != nil:
		return v, err
	case len(values) != 1 || values[0].Histogram == nil:
		return v, fmt.Errorf("%q is not one histogram", s.Histogram)
	}
	v.histogram = values[0].Histogram.TestExpression()
	return v, nil
}

// lines writes a list as people compare it.
func lines[T fmt.Stringer](all []T) string {
	if len(all) == 0 {
		return "nothing"
	}
	var out []string
	for _, one := range all {
		out = append(out, one.String())
	}
	return strings.Join(out, "\n           ")
}

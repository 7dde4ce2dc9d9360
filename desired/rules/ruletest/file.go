package ruletest

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v2" // as promtool: v3 takes other words for truth
)

// file is a file of unit tests.
type file struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval,omitempty"`
	GroupEvalOrder     []string       `yaml:"group_eval_order"`
	Tests              []group        `yaml:"tests"`
	FuzzyCompare       bool           `yaml:"fuzzy_compare,omitempty"`
}

// group is one test: series, and what is expected of them.
type group struct {
	Interval       model.Duration `yaml:"interval"`
	InputSeries    []input        `yaml:"input_series"`
	Alerts         []alertCase    `yaml:"alert_rule_test,omitempty"`
	Expressions    []exprCase     `yaml:"promql_expr_test,omitempty"`
	ExternalLabels labels.Labels  `yaml:"external_labels,omitempty"`
	ExternalURL    string         `yaml:"external_url,omitempty"`
	Name           string         `yaml:"name,omitempty"`
	Start          start          `yaml:"start_timestamp,omitempty"`
}

type input struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type alertCase struct {
	At     model.Duration `yaml:"eval_time"`
	Name   string         `yaml:"alertname"`
	Expect []struct {
		Labels      map[string]string `yaml:"exp_labels"`
		Annotations map[string]string `yaml:"exp_annotations"`
	} `yaml:"exp_alerts"`
}

type exprCase struct {
	Expr   string         `yaml:"expr"`
	At     model.Duration `yaml:"eval_time"`
	Expect []sample       `yaml:"exp_samples"`
}

type sample struct {
	Labels    string  `yaml:"labels"`
	Value     float64 `yaml:"value"`
	Histogram string  `yaml:"histogram"` // instead of a value
}

// start is a time as RFC 3339 or in seconds since 1970.
type start struct{ time.Time }

// UnmarshalYAML reads either form.
func (s *start) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		whole, part := math.Modf(n)
		s.Time = time.Unix(int64(whole), int64(part*float64(time.Second))).UTC()
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return fmt.Errorf("start_timestamp: %q is not a time; write it like 2026-01-02T15:04:05Z", text)
	}
	s.Time = t
	return nil
}

// Result is what came of one file.
type Result struct {
	File     string   `json:"file"`
	OK       bool     `json:"ok"`
	Errors   []string `json:"errors"` // of the file as a whole
	Warnings []string `json:"warnings"`
	Tests    []Test   `json:"tests"`
}

// Test is what came of one test.
type Test struct {
	Name   string   `json:"name"`
	OK     bool     `json:"ok"`
	Errors []string `json:"errors"`
}

// read reads a file of tests and finds the rule files that it names.
func read(name string, r *Result) (*file, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the tests: %w", err)
	}
	var f file
	if err := yaml.UnmarshalStrict(b, &f); err != nil {
		return nil, err
	}
	var found []string
	for _, pattern := range f.RuleFiles {
		if pattern != "" && !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(name), pattern)
		}
		m, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("rule_files: %q: %w", pattern, err)
		}
		if len(m) == 0 {
			r.Warnings = append(r.Warnings, "rule_files: no file matches "+pattern)
		}
		found = append(found, m...)
	}
	f.RuleFiles = found
	if f.EvaluationInterval == 0 {
		f.EvaluationInterval = model.Duration(time.Minute)
	}
	return &f, nil
}

// order is the place of each group that the file names.
func (f *file) order() (map[string]int, error) {
	order := map[string]int{}
	for i, name := range f.GroupEvalOrder {
		if _, ok := order[name]; ok {
			return nil, fmt.Errorf("group_eval_order: %s is named twice", name)
		}
		order[name] = i
	}
	return order, nil
}

// name is how a test is known.
func (g *group) name(i int) string {
	if g.Name != "" {
		return g.Name
	}
	return fmt.Sprintf("unnamed#%d", i)
}

// last is the time of the last expectation.
func (g *group) last() time.Duration {
	var last model.Duration
	for _, a := range g.Alerts {
		last = max(last, a.At)
	}
	for _, e := range g.Expressions {
		last = max(last, e.At)
	}
	return time.Duration(last)
}

// chosen tells whether a test is to be run.
func chosen(run *regexp.Regexp, name string) bool { return run == nil || run.MatchString(name) }

var errNoName = errors.New("an item of alert_rule_test has no alertname")

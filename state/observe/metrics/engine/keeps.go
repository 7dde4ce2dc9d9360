package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// The labels that tell targets apart. labelSet is a set of them.
var telling = []string{"job", "instance", "service", "unit"}

type labelSet uint8

const (
	noLabel  labelSet = 0
	allTells labelSet = 1<<4 - 1
)

func setOf(names []string) (s labelSet) {
	for i, name := range telling {
		if slices.Contains(names, name) {
			s |= 1 << i
		}
	}
	return s
}

// kept are the labels that tell on which targets an element of a result rests: if it
// has one of them with a value, it rests on no series of another value. So an alert
// for one service is not blinded by another that does not answer, and a sum is.
func kept(e parser.Expr) labelSet {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return kept(e.Expr)
	case *parser.UnaryExpr:
		return kept(e.Expr)
	case *parser.StepInvariantExpr:
		return kept(e.Expr)
	case *parser.SubqueryExpr:
		return kept(e.Expr)
	case *parser.MatrixSelector, *parser.VectorSelector, *parser.NumberLiteral, *parser.StringLiteral:
		return allTells
	case *parser.AggregateExpr:
		s := kept(e.Expr)
		if e.Param != nil {
			s &= kept(e.Param)
			if text, ok := e.Param.(*parser.StringLiteral); ok {
				s &^= setOf([]string{text.Val})
			}
		}
		if e.Without {
			return s &^ setOf(e.Grouping)
		}
		return s & setOf(e.Grouping)
	case *parser.BinaryExpr:
		s := kept(e.LHS) & kept(e.RHS)
		if m := e.VectorMatching; m != nil && m.On {
			s &= setOf(m.MatchingLabels)
		} else if m != nil {
			s &^= setOf(m.MatchingLabels)
		}
		return s
	case *parser.Call:
		return keptByCall(e)
	}
	return noLabel
}

func keptByCall(c *parser.Call) labelSet {
	s := allTells
	for _, arg := range c.Args {
		s &= kept(arg)
	}
	switch c.Func.Name {
	case "scalar", "absent", "absent_over_time", "info":
		if len(selectors(c)) > 0 {
			return noLabel
		}
	case "label_replace", "label_join":
		if len(c.Args) < 2 {
			return noLabel
		}
		if text, ok := c.Args[1].(*parser.StringLiteral); ok {
			return s &^ setOf([]string{text.Val})
		}
		return noLabel
	}
	return s
}

// selectors are all that an expression selects.
func selectors(e parser.Expr) (all []*parser.VectorSelector) {
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			all = append(all, v)
		}
		return nil
	})
	return all
}

// nameOf is the metric that a selector selects; empty: it does not say.
func nameOf(v *parser.VectorSelector) string {
	for _, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return v.Name
}

// sightless says why what an expression comes to is no ground for anything,
// whatever the data are. Empty: it may be one.
func sightless(e parser.Expr) string {
	why := ""
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if c, ok := n.(*parser.Call); ok && strings.HasPrefix(c.Func.Name, "absent") {
			why = "it rests on data that are absent"
		}
		return nil
	})
	for _, v := range selectors(e) {
		switch name := nameOf(v); {
		case name == "up" || strings.HasPrefix(name, "scrape_"):
			why = "it rests on whether metrics can be read, and not on what they say"
		case name == "ALERTS" || name == "ALERTS_FOR_STATE":
			why = "it rests on other alerts"
		}
	}
	if why == "" && len(selectors(e)) == 0 {
		why = "it rests on no data"
	}
	return why
}

// affordable refuses expressions that look back further than is kept with reason.
func affordable(e parser.Expr) error {
	var err error
	most := func(what string, d time.Duration) {
		if d > maxRange {
			err = fmt.Errorf("%s of more than a day", what)
		}
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.MatrixSelector:
			most("a range", n.Range)
		case *parser.SubqueryExpr:
			most("a subquery", n.Range)
			most("an offset", max(n.OriginalOffset, -n.OriginalOffset))
		case *parser.VectorSelector:
			most("an offset", max(n.OriginalOffset, -n.OriginalOffset))
		}
		return nil
	})
	return err
}

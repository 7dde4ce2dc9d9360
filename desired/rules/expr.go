package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/pakashop/evenkeel/desired"
)

// What an expression may ask for.
const (
	maxRange  = 24 * time.Hour
	maxExpr   = 16 << 10
	maxRegexp = 1000
)

// Expr says what is wrong with an expression; the places are within it.
func Expr(text string) []Fault {
	if len(text) > maxExpr {
		return []Fault{{Bound: true, Message: fmt.Sprintf("the expression is too long; evenkeel evaluates at most %d bytes", maxExpr)}}
	}
	_, err := promQL.ParseExpr(text)
	var parse parser.ParseErrors
	switch {
	case errors.As(err, &parse):
		all := make([]Fault, 0, len(parse))
		for _, one := range parse {
			all = append(all, exprFault("", one))
		}
		return all
	case err != nil:
		return []Fault{{Message: err.Error(), Line: 1, Col: 1}}
	}
	return exprBounds(text)
}

// exprFault is a syntax error with its place in the expression.
func exprFault(path string, e parser.ParseErr) Fault {
	f := Fault{Path: path}
	f.Line, f.Col = lineCol(e.Query, int(e.PositionRange.Start))
	f.Message = "not valid PromQL: " + e.Err.Error() + mend(e)
	return f
}

func lineCol(text string, offset int) (line, col int) {
	text = text[:max(0, min(offset, len(text)))]
	return 1 + strings.Count(text, "\n"), offset - strings.LastIndexByte(text, '\n')
}

// mend ends a message of the parser's with what may have been meant.
func mend(e parser.ParseErr) string {
	msg := e.Err.Error()
	switch {
	case strings.HasPrefix(msg, "unknown function with name "):
		names := slices.Sorted(maps.Keys(parser.Functions))
		if hint := desired.DidYouMean(strings.Trim(strings.TrimPrefix(msg, "unknown function with name "), `"`), names); hint != "" {
			return hint
		}
		return "; functions have Prometheus' names, such as rate or histogram_quantile"
	case strings.Contains(msg, "is experimental"):
		return "; evenkeel has what is experimental switched off, as Prometheus has unless it is told"
	case strings.Contains(msg, "unclosed"):
		return "; close it"
	case strings.Contains(msg, "end of input"):
		return "; something is missing at its end"
	case strings.Contains(msg, "expected type range vector"):
		return "; write a range behind the name, like [5m]"
	case strings.Contains(msg, "comparisons between scalars"):
		return "; write == bool"
	case strings.Contains(msg, "must contain at least one non-empty matcher"):
		return "; name the metric"
	}
	return "; write it like rate(errors_total[5m]) > 0.1"
}

// exprBounds holds an expression that can be read to what evenkeel evaluates.
func exprBounds(text string) []Fault {
	expr, err := promQL.ParseExpr(text)
	if err != nil {
		return nil
	}
	var all []Fault
	bound := func(n parser.Node, format string, args ...any) {
		f := Fault{Bound: true, Message: fmt.Sprintf(format, args...)}
		f.Line, f.Col = lineCol(text, int(n.PositionRange().Start))
		all = append(all, f)
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.MatrixSelector:
			if n.Range > maxRange {
				bound(n, "looks back over %s; evenkeel evaluates at most 1d", desired.Duration(n.Range))
			}
		case *parser.SubqueryExpr:
			if n.Range > maxRange {
				bound(n, "looks back over %s; evenkeel evaluates at most 1d", desired.Duration(n.Range))
			}
		case *parser.VectorSelector:
			for _, m := range n.LabelMatchers {
				if (m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp) && len(m.Value) > maxRegexp {
					bound(n, "the regular expression for %s is too long; evenkeel evaluates at most %d characters", m.Name, maxRegexp)
				}
			}
		}
		return nil
	})
	return all
}

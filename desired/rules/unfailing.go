package rules

import (
	"fmt"
	"math"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// Unfailing says why an expression that should judge something says yes whatever there
// is: it looks at nothing, or compares nothing that could come out otherwise. Empty: it
// can fail, or nobody can tell from its text.
func Unfailing(text string) string {
	if len(text) > maxExpr {
		return ""
	}
	expr, err := promQL.ParseExpr(text)
	if err != nil {
		return ""
	}
	looks := false
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		_, ok := n.(*parser.VectorSelector)
		looks = looks || ok
		return nil
	})
	f := filter{}
	switch {
	case !looks:
		return "it looks at no metric"
	case expr.Type() == parser.ValueTypeScalar || f.empties(expr):
		return ""
	case f.why != "":
		return f.why
	}
	return "it compares nothing: it has a result as long as there are series, whatever their values; write it like x < 0.8"
}

// filter looks for what may leave nothing of the series that there are.
type filter struct {
	why string // a comparison that was found on the way leaves everything
}

// empties tells whether the result can be empty though there are series.
func (f *filter) empties(e parser.Expr) bool {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return f.empties(e.Expr)
	case *parser.StepInvariantExpr:
		return f.empties(e.Expr)
	case *parser.UnaryExpr:
		return f.empties(e.Expr)
	case *parser.SubqueryExpr:
		return f.empties(e.Expr)
	case *parser.AggregateExpr:
		return f.empties(e.Expr)
	case *parser.Call:
		if strings.HasPrefix(e.Func.Name, "absent") {
			return true
		}
		for _, a := range e.Args {
			if f.empties(a) {
				return true
			}
		}
	case *parser.BinaryExpr:
		return f.parts(e)
	}
	return false
}

// parts tells the same of two expressions that an operator joins.
func (f *filter) parts(e *parser.BinaryExpr) bool {
	switch {
	case e.Op == parser.LUNLESS:
		return true
	case e.Op == parser.LOR:
		return f.either(e)
	case e.Op.IsComparisonOperator():
		why := always(e)
		if why == "" {
			return true
		}
		f.why = why
	}
	return f.empties(e.LHS) || f.empties(e.RHS)
}

// either tells it of an or: where one side leaves something, all of it does.
func (f *filter) either(e *parser.BinaryExpr) bool {
	if why := complements(e.LHS, e.RHS); why != "" {
		f.why = why
		return false
	}
	for _, side := range []parser.Expr{e.LHS, e.RHS} {
		if !f.empties(side) {
			if f.why == "" {
				f.why = fmt.Sprintf("one side of its or has a result whatever happens: %s", shorten(side.String()))
			}
			return false
		}
	}
	return true
}

// always says why a comparison leaves everything; empty: it may leave nothing.
func always(e *parser.BinaryExpr) string {
	left, right := bare(e.LHS), bare(e.RHS)
	reflexive := e.Op == parser.EQLC || e.Op == parser.GTE || e.Op == parser.LTE
	switch {
	case e.ReturnBool:
		return fmt.Sprintf("%s has a result whatever it compares, 0 or 1; leave out bool", shorten(e.String()))
	case reflexive && left.String() == right.String():
		return fmt.Sprintf("%s compares a value with itself", shorten(e.String()))
	}
	if n, ok := right.(*parser.NumberLiteral); ok && beyond(e.Op, least(left), n.Val) {
		return fmt.Sprintf("%s is true of every value that there can be", shorten(e.String()))
	}
	if n, ok := left.(*parser.NumberLiteral); ok && beyond(mirrored[e.Op], least(right), n.Val) {
		return fmt.Sprintf("%s is true of every value that there can be", shorten(e.String()))
	}
	return ""
}

// beyond tells whether what is at least so much stands to a number as op says, always.
func beyond(op parser.ItemType, least, than float64) bool {
	switch op {
	case parser.GTE:
		return least >= than
	case parser.GTR, parser.NEQ:
		return least > than
	}
	return false
}

var (
	mirrored = map[parser.ItemType]parser.ItemType{parser.LTE: parser.GTE, parser.LSS: parser.GTR, parser.NEQ: parser.NEQ}
	opposite = map[parser.ItemType]parser.ItemType{
		parser.GTR: parser.LTE, parser.LTE: parser.GTR, parser.LSS: parser.GTE, parser.GTE: parser.LSS, parser.EQLC: parser.NEQ, parser.NEQ: parser.EQLC,
	}
)

// least is what the values of an expression are at least, by what it is.
func least(e parser.Expr) float64 {
	switch e := e.(type) {
	case *parser.AggregateExpr:
		switch e.Op {
		case parser.COUNT:
			return 1
		case parser.STDDEV, parser.STDVAR:
			return 0
		}
	case *parser.Call:
		switch e.Func.Name {
		case "count_over_time", "present_over_time":
			return 1
		case "abs", "sqrt", "changes", "resets", "stddev_over_time", "stdvar_over_time":
			return 0
		}
	}
	return math.Inf(-1)
}

// complements says why of two sides of an or one always has a result, together; empty:
// nobody can tell.
func complements(left, right parser.Expr) string {
	left, right = bare(left), bare(right)
	if absent(left, right) || absent(right, left) {
		return fmt.Sprintf("%s or %s: one of the two always is", shorten(left.String()), shorten(right.String()))
	}
	a, isA := left.(*parser.BinaryExpr)
	b, isB := right.(*parser.BinaryExpr)
	if isA && isB && a.Op.IsComparisonOperator() && opposite[a.Op] == b.Op && bare(a.LHS).String() == bare(b.LHS).String() && bare(a.RHS).String() == bare(b.RHS).String() {
		return fmt.Sprintf("%s or %s: one of the two always is", shorten(left.String()), shorten(right.String()))
	}
	return ""
}

// absent tells whether one says that the other has no result.
func absent(e, of parser.Expr) bool {
	c, ok := e.(*parser.Call)
	return ok && c.Func.Name == "absent" && len(c.Args) == 1 && bare(c.Args[0]).String() == of.String()
}

// bare is an expression without parentheses around it.
func bare(e parser.Expr) parser.Expr {
	for {
		switch in := e.(type) {
		case *parser.ParenExpr:
			e = in.Expr
		case *parser.StepInvariantExpr:
			e = in.Expr
		default:
			return e
		}
	}
}

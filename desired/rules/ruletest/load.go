package ruletest

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/pakashop/evenkeel/desired/rules"
)

// loader reads rule files of Prometheus', and those with AlertRules objects.
type loader struct{}

// Load reads one file.
func (loader) Load(name string, ignoreUnknown bool, scheme model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, []error{fmt.Errorf("read rules: %w", err)}
	}
	sources, err := rules.Sources(text)
	if err != nil {
		return nil, []error{fmt.Errorf("%s: %w", name, err)}
	}
	all := &rulefmt.RuleGroups{}
	seen := map[string]bool{}
	for _, s := range sources {
		groups, errs := rulefmt.Parse(s.Text, ignoreUnknown, scheme, promQL, slog.New(slog.DiscardHandler))
		if errs != nil {
			for i := range errs {
				errs[i] = fmt.Errorf("%s: %w", name, errs[i])
			}
			return nil, errs
		}
		for _, g := range groups.Groups {
			if seen[g.Name] {
				return nil, []error{fmt.Errorf("%s: two objects have a group named %s; give one another name", name, g.Name)}
			}
			seen[g.Name] = true
		}
		all.Groups = append(all.Groups, groups.Groups...)
	}
	return all, nil
}

// Parse reads an expression.
func (loader) Parse(expr string) (parser.Expr, error) { return promQL.ParseExpr(expr) }

// at is when the expression is evaluated, from the beginning of the test.
func (c exprCase) at() time.Duration { return time.Duration(c.At) }

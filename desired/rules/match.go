package rules

import (
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// MayMatch tells whether matchers can match an alert of the rule: by the labels that
// are known before it is evaluated. What a template makes, and what the series of its
// expression bring, may be anything.
func (a Alert) MayMatch(matchers []desired.Matcher) bool {
	for _, m := range matchers {
		if v, ok := a.Labels[m.Name]; ok && !strings.Contains(v, "{{") && !m.Matches(a.Labels) {
			return false
		}
	}
	return true
}

package engine

import (
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A target that cannot be read as it is declared is told, and unknown; the others are
// read.
func TestTargetsThatAreWrong(t *testing.T) {
	x := export(t, constant("backlog 2\n"))
	e := running(t, one("backlog > 1"), x.target("shop"))
	nowhere := x.target("nowhere")
	nowhere.Metrics.HTTPGet = &desired.HTTPGet{}
	twice := x.target("shop")
	twice.Labels = map[string]string{"service": "twice"}
	_, err := e.Set([]desired.RuleFile{{Name: "test", Text: []byte(one("backlog > 1"))}}, []desired.Target{nowhere, x.target("shop"), twice}, nil, nil)
	for _, want := range []string{"read nowhere at ", "no port is given", "there are two targets shop at "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	until(t, e, ruleA, "shop firing")
	untilQuery(t, e, `backlog{job="nowhere"}`, func(f state.Fact[state.QueryResult]) bool {
		return strings.Contains(f.Err, "nowhere at "+nowhere.Instance+" was not read yet")
	})
}

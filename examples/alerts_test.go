package examples

import (
	"os"
	"strings"
	"testing"
)

// the eight alerts of the platform, with their thresholds.
var eight = map[string]string{
	"payment_error_rate":       "> 0.05",
	"api_p95_latency":          "> 0.5",
	"unhandled_exception":      "> 0",
	"redis_memory":             "> 0.8",
	"postgres_connections":     "> 0.8",
	"fraud_queue_backlog":      "> 100",
	"zra_transmission_failure": "> 5",
	"meilisearch_index_lag":    "> 60",
}

// Each of the eight is a rule that says what it means in plain words, a runbook that
// gathers evidence before it does anything and ends with a human, and unit tests.
func TestPakashopsEightAlerts(t *testing.T) {
	set := load(t, "pakashop", "")
	if len(set.Rules) != len(eight) || len(set.Runbooks) != len(eight) {
		t.Errorf("%d files of rules and %d runbooks, want %d", len(set.Rules), len(set.Runbooks), len(eight))
	}
	for alert, threshold := range eight {
		file := strings.ReplaceAll(alert, "_", "-")
		var rule string
		for _, r := range set.Rules {
			if strings.HasSuffix(r.Name, "/"+file+".yaml") {
				rule = string(r.Text)
			}
		}
		for _, want := range []string{"alert: " + alert + "\n", threshold, "severity: P", "summary: ", "impact: ", "action: "} {
			if !strings.Contains(rule, want) {
				t.Errorf("the rule of %s does not have %q", alert, want)
			}
		}
		var found bool
		for _, r := range set.Runbooks {
			if r.Name != file {
				continue
			}
			found = true
			steps := r.Spec.Steps
			if r.Spec.Match[0] != `alertname="`+alert+`"` || steps[0].Gather == "" || steps[len(steps)-1].Ask == "" || r.Spec.Limits == nil {
				t.Errorf("the runbook %s: %+v", file, r.Spec)
			}
			for i, s := range steps {
				if s.Do != "" && s.Verify == nil && s.Approve == "" {
					t.Errorf("%s: step %d, %s, is not verified", file, i, s.Do)
				}
			}
		}
		if !found {
			t.Errorf("%s has no runbook", alert)
		}
		tests, err := os.ReadFile("pakashop/alerts/tests/" + file + ".yaml")
		if err != nil || strings.Count(string(tests), "exp_alerts: []") < 3 || !strings.Contains(string(tests), "exp_labels") {
			t.Errorf("%s is not tested: %v", alert, err)
		}
	}
}

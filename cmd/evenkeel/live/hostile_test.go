package live_test

import (
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

// metricsPage is an nginx that says as metrics what lies in a folder.
const metricsPage = `server {
  listen 127.0.0.1:9100;
  default_type text/plain;
  location = /metrics { root /run/said; }
}
`

// eager are rules that fire on nearly anything, each with a runbook that restarts.
const eager = `apiVersion: evenkeel.dev/v1
kind: AlertRules
metadata: {name: eager}
spec:
  groups:
    - name: g
      interval: 1s
      rules:
        - {alert: Backlog, expr: 'backlog > 5', labels: {severity: P2}, annotations: {impact: x, action: x}}
        - {alert: Many, expr: 'count by (service) ({__name__=~".+", i=~".+"}) > 100', labels: {severity: P2}, annotations: {impact: x, action: x}}
        - {alert: Down, expr: 'up{job="shop"} == 0', labels: {severity: P2}, annotations: {impact: x, action: x}}
        - {alert: Absent, expr: 'absent(backlog{service="shop"})', labels: {severity: P2}, annotations: {impact: x, action: x}}
---
apiVersion: evenkeel.dev/v1
kind: Runbook
metadata: {name: restart}
spec:
  match: ['alertname=~"Backlog|Many|Down|Absent"']
  steps:
    - {do: restart, settle: 2s}
  limits: {runs: 9, per: 1h}
`

// A service's metrics are hostile, in one way after the other, and every alert has a
// runbook that would restart it: nothing is done, until it says something that can be
// gone by.
func TestHostileMetricsAreNoGround(t *testing.T) {
	t.Parallel()
	layer, err := rehearse.PackageLayer()
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t, hosttest.Boot(t, rehearse.Options{
		Name: "hostile", Layers: []string{layer}, Binds: []rehearse.Bind{{Source: binary, Target: "/usr/local/bin/evenkeel", ReadOnly: true}},
	}))
	b.write("/etc/nginx/conf.d/metrics.conf", metricsPage)
	b.write("/run/said/metrics", "backlog 0\n")
	b.sh("rm -f /etc/nginx/sites-enabled/default; systemctl restart nginx")
	b.declare("shop", service("shop", sleeper(), "metrics: {httpGet: {port: 9100}, interval: 1s}"))
	b.declare("eager", eager)
	b.keep()
	b.well("shop")
	const quiet = "quiet rule/g/Absent, quiet rule/g/Backlog, quiet rule/g/Down, quiet rule/g/Many"
	b.alertsAre(quiet)
	before := b.invocation("shop")
	for _, c := range []struct{ what, says, fires string }{
		{"100,000 series", `{ echo backlog 9; seq -f 'x{i="%.0f"} 1' 100000; } >metrics`, "Down"},
		{"more than 4 MiB", `{ echo backlog 9; head -c 5000000 /dev/zero | tr '\0' '#'; echo; } >metrics`, "Down"},
		{"no numbers", `echo 'backlog NaN' >metrics`, ""},
		{"a series twice", `printf 'backlog 9\nbacklog 8\n' >metrics`, "Backlog"},
		{"not UTF-8", `printf 'backlog 9\nx{a="\377"} 1\n' >metrics`, "Down"},
		{"nothing", `: >metrics`, "Absent"},
		{"no page", `rm metrics`, "Down"},
	} {
		b.sh("cd /run/said && " + c.says)
		if c.fires != "" {
			b.comes(`evenkeel alerts -o json | jq -e '.alerts[] | select(.name == "` + c.fires + `" and .state == "firing" and .blind != "")'`)
		}
		b.comes(`evenkeel alerts -o json | jq -e '[.alerts[] | select(.blind == "")] == []'`)
		if b.invocation("shop") != before {
			t.Errorf("%s: it was restarted\n%s", c.what, b.sh("evenkeel history"))
		}
	}
	if h := b.sh("evenkeel history -o json"); strings.Contains(h, `"reason":"Alert"`) {
		t.Errorf("something was done:\n%s", h)
	}
	b.sh("cd /run/said && echo backlog 9 >metrics")
	b.until("it is restarted", func() string {
		if b.invocation("shop") == before {
			return b.sh("evenkeel alerts")
		}
		return ""
	})
}

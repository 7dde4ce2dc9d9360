package live_test

import (
	"strings"
	"testing"
)

// drawing is `graph -o json`.
type drawing struct {
	Probed bool
	Nodes  []struct {
		Object, State, Reason string
		Culprit               bool
	}
	Edges []struct{ From, To, Kind string }
}

// The graph is drawn with a controller and without one; without one nobody
// probes, and that is said wherever something might be taken for well.
func TestGraphWithAndWithoutAController(t *testing.T) {
	t.Parallel()
	b := boot(t, "graph")
	endpoint := "apiVersion: evenkeel.dev/v1\nkind: Endpoint\nmetadata: {name: pay}\nspec:\n  probe: {tcpSocket: {host: 127.0.0.1, port: 9}}\n"
	b.declare("estate",
		service("db", sleeper(), "manualStop: {hold: 1h, then: escalate}"),
		service("api", sleeper(), "dependsOn: [db]"),
		service("web", sleeper(), "dependsOn: [api, pay]", "readinessProbe: {tcpSocket: {port: 9}}"), endpoint)
	b.must(0, "apply", "-f", desiredDir)
	b.sh("systemctl stop api db")

	var d drawing
	b.data(&d, "graph", "-f", desiredDir, "-o", "json")
	if d.Probed || len(d.Nodes) != 4 || len(d.Edges) != 3 {
		t.Errorf("%+v", d)
	}
	for _, n := range d.Nodes {
		if want := n.Object == "Service/db"; n.Culprit != want {
			t.Errorf("%s is the culprit: %v", n.Object, n.Culprit)
		}
	}
	for form, says := range map[string]string{"text": "by systemd's word only", "dot": "by systemd's word only", "mermaid": "by systemd's word only"} {
		if r := b.must(0, "graph", "-f", desiredDir, "-o", form); !strings.Contains(r.out, says) {
			t.Errorf("graph -o %s does not say on what it rests:\n%s", form, r.out)
		}
	}
	if r := b.must(0, "graph", "pay", "-f", desiredDir); strings.Contains(r.out, "db") || !strings.Contains(r.out, "web") {
		t.Errorf("around pay:\n%s", r.out)
	}
	if r := b.must(4, "graph", "wbe", "-f", desiredDir); !strings.Contains(r.err, "did you mean web?") {
		t.Errorf("of a name that nothing has: %s", r.err)
	}
	b.must(4, "graph", "Service/pay", "-f", desiredDir)
	b.must(2, "graph", "a", "b")
	if r := b.must(0, "why", "web", "-f", desiredDir); !strings.Contains(strings.Join(strings.Fields(r.out), " "), "not probed") {
		t.Errorf("why of what nobody probes:\n%s", r.out)
	}
	if r := b.must(0, "why", "pay", "-f", desiredDir); !strings.Contains(r.out, "Endpoint/pay  UNKNOWN") {
		t.Errorf("why of an endpoint:\n%s", r.out)
	}
	if r := b.must(0, "describe", "web", "-f", desiredDir); !strings.Contains(r.out, "Unknown  NotProbed") {
		t.Errorf("describe of what nobody probes:\n%s", r.out)
	}
	b.must(3, "status", "Endpoint/pay", "-f", desiredDir, "--fail-on", "unknown")
	b.must(0, "status", "web", "-f", desiredDir)

	b.keep()
	b.must(0, "start", "db", "api")
	b.until("drawn by the controller", func() string {
		r := b.evenkeel("graph")
		if r.code != 0 || !strings.Contains(r.out, "└─ api") {
			return r.out + r.err
		}
		return ""
	})
	if r := b.must(4, "graph", "nobody"); !strings.Contains(r.err, "unknown service or endpoint nobody") {
		t.Errorf("of a name that nothing has: %s", r.err)
	}
	b.must(0, "why", "pay")
	b.must(0, "graph", "Endpoint/pay", "-o", "dot")
}

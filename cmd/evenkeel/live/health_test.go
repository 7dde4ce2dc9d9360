package live_test

import (
	"slices"
	"strings"
	"testing"
)

// What is not ready, what waits for it, and what is outside, as people see it: on
// the board, in the conditions, in why, in the graph, in diff, and by exit codes.
func TestHealthAsPeopleSeeIt(t *testing.T) {
	t.Parallel()
	b := boot(t, "health")
	const quick = ", periodSeconds: 1, failureThreshold: 1}"
	b.declare("estate",
		service("base", sleeper(), "readinessProbe: {tcpSocket: {port: 7001}"+quick),
		service("api", sleeper(), "dependsOn: [base]", "readinessProbe: {tcpSocket: {port: 7002}"+quick),
		service("lone", sleeper(), "livenessProbe: {tcpSocket: {port: 7003}"+quick, "remedies: [{do: escalate}]"),
		"apiVersion: evenkeel.dev/v1\nkind: Endpoint\nmetadata: {name: pay}\nspec:\n  probe: {tcpSocket: {host: 127.0.0.1, port: 7004}"+quick+"\n")
	for _, u := range []string{"base", "api", "lone"} { // they run already: a start would wait for what is not ready
		b.write(unitDir+"/"+u+".service", sleeper())
	}
	b.sh("systemctl daemon-reload && systemctl start base api lone")
	b.keep()

	want := map[string]string{"base": "WARN NotReady", "api": "HELD DependencySick", "lone": "FAIL Escalated", "pay": "FAIL EndpointDown"}
	b.until("on the board", func() string {
		for _, r := range b.board().Services {
			if got := r.State + " " + r.Reason; got != want[r.Name] {
				return r.Name + " is " + got + ": " + r.Detail
			}
		}
		return ""
	})
	if s := b.board(); s.Healthy || len(s.Services) != 4 {
		t.Errorf("%+v", s)
	}
	b.must(3, "status")
	b.must(0, "status", "api", "base")
	b.must(3, "status", "pay")
	if r := b.must(3, "status", "-o", "wide"); !strings.Contains(r.out, "\nEndpoints\n") {
		t.Errorf("status -o wide:\n%s", r.out)
	}

	var w struct {
		State    string
		Chain    []struct{ Object, Needs, How string }
		Cases    []struct{ Ended, Next string }
		Waiting  []string
		Commands []string
	}
	b.data(&w, "why", "api", "-o", "json")
	if w.State != "HELD" || len(w.Chain) != 1 || w.Chain[0].Needs != "Service/base" || w.Chain[0].How != "is not ready" || !slices.Contains(w.Commands, "evenkeel why base") {
		t.Errorf("why api: %+v", w)
	}
	b.data(&w, "why", "base", "-o", "json")
	if !slices.Contains(w.Waiting, "Service/api") {
		t.Errorf("why base: %+v", w)
	}
	b.data(&w, "why", "lone", "-o", "json")
	if len(w.Cases) != 1 || w.Cases[0].Ended != "Escalated" || !slices.Contains(w.Commands, "evenkeel retry lone") {
		t.Errorf("why lone: %+v", w)
	}
	b.data(&w, "why", "pay", "-o", "json")
	if w.State != "FAIL" {
		t.Errorf("why pay: %+v", w)
	}

	var d drawing
	b.data(&d, "graph", "-o", "json")
	for _, n := range d.Nodes {
		if n.Culprit != (n.Object == "Service/base") {
			t.Errorf("%s is the culprit: %v", n.Object, n.Culprit)
		}
	}
	if !d.Probed {
		t.Error("the controller probes, and the graph does not say so")
	}

	var l struct {
		Items []struct {
			Metadata struct{ Name string }
			Status   struct {
				Conditions []struct{ Type, Status, Reason, LastTransitionTime string }
			}
		}
	}
	conditions := func(kind string) (all []string) {
		b.data(&l, "get", kind, "-o", "json")
		for _, o := range l.Items {
			for _, c := range o.Status.Conditions {
				if c.LastTransitionTime != "" || c.Status == "Unknown" {
					all = append(all, o.Metadata.Name+" "+c.Type+" "+c.Status+" "+c.Reason)
				}
			}
		}
		return all
	}
	for kind, is := range map[string]string{"endpoints": "pay Ready False EndpointDown", "services": "lone Healthy False LivenessFailed"} {
		if got := conditions(kind); !slices.Contains(got, is) {
			t.Errorf("get %s has no %s: %v", kind, is, got)
		}
	}
	if r := b.must(0, "changes", "--since", "1h"); !strings.Contains(r.out, "fell sick: LivenessFailed") || !strings.Contains(r.out, "Escalated") {
		t.Errorf("changes:\n%s", r.out)
	}
	if r := b.must(0, "report", "--since", "1h"); !strings.Contains(r.out, "Fell sick: 1 case, 1 still open") {
		t.Errorf("report:\n%s", r.out)
	}

	// What is merely not ready is no difference.
	b.declare("estate",
		service("base", sleeper(), "readinessProbe: {tcpSocket: {port: 7001}"+quick), service("api", sleeper(), "dependsOn: [base]"), service("lone", sleeper()))
	b.until("no difference", func() string {
		r := b.evenkeel("diff")
		if r.code != 0 || !strings.Contains(r.out, "Health") || !strings.Contains(r.out, "NotReady") {
			return r.out + r.err
		}
		return ""
	})
}

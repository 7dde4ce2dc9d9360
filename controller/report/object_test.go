package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

func TestKindOf(t *testing.T) {
	for word, want := range map[string]string{
		"services": "Service", "service": "Service", "Service": "Service", "caches": "Cache", "routes": "Route", "databases": "Database",
		"alertrules": "AlertRules", "defaults": "Defaults", "Runbook": "Runbook", "changewindows": "ChangeWindow", "": "", "all": "", "objects": "",
	} {
		if got, ok := KindOf(word); got != want || !ok {
			t.Errorf("KindOf(%q) = %q, %t", word, got, ok)
		}
	}
	if _, ok := KindOf("servces"); ok {
		t.Error("servces is a kind")
	}
}

func TestConditions(t *testing.T) {
	type short struct{ inSync, running, enabled, held, pending string }
	for name, want := range map[string]map[string]short{
		"in-sync":         {"pakashop-backend": {"True AsDeclared", "True Active", "True Enabled", "False NothingHeld", "False UpToDate"}},
		"first-apply":     {"backend": {"False UnitFileDrift", "False NotFound", "False NotFound", "False NothingHeld", "False UpToDate"}},
		"pending-restart": {"pakashop-backend": {"True AsDeclared", "True Active", "True Enabled", "False NothingHeld", "True PendingRestart"}},
		"gap":             {"redis": {"Unknown Unobserved", "Unknown Unobserved", "Unknown Unobserved", "False NothingHeld", "False UpToDate"}},
		"replicas":        {"worker": {"False Failed", "False Failed", "True Enabled", "True ManualStop", "False UpToDate"}},
		"gave-up": {
			"pakashop-backend": {"False BudgetSpent", "False Failed", "True Enabled", "True BudgetSpent", "False UpToDate"},
			"pakashop-gateway": {"False DependencySick", "False Inactive", "False Disabled", "True DependencySick", "False UpToDate"},
		},
		"suspended-healthy": {"pakashop-backend": {"True AsDeclared", "True Active", "True Enabled", "False NothingHeld", "False UpToDate"}},
	} {
		h := cases[name]()
		for service, want := range want {
			d, ok := h.Describe(service, nil)
			if !ok || len(d.Conditions) != 7 {
				t.Fatalf("%s: %s has %d conditions", name, service, len(d.Conditions))
			}
			var words []string
			for _, c := range d.Conditions {
				words = append(words, c.Status+" "+c.Reason)
				if c.ObservedGeneration != h.Want.Revision {
					t.Errorf("%s: %s: %s was observed at %q", name, service, c.Type, c.ObservedGeneration)
				}
			}
			if kinds := kindsOf(d.Conditions); kinds != "InSync Running Enabled Held PendingRestart Suspended Ready" {
				t.Errorf("%s: %s has the conditions %s", name, service, kinds)
			}
			got := short{words[0], words[1], words[2], words[3], words[4]}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(short{})); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, service, diff)
			}
		}
	}
}

func kindsOf(all []Condition) string {
	var kinds []string
	for _, c := range all {
		kinds = append(kinds, c.Type)
	}
	return strings.Join(kinds, " ")
}

func TestConditionsOfAUnitNeverLookedAt(t *testing.T) {
	h := newHost(app("x"))
	h.Have = state.World{}
	d, _ := h.Describe("x", nil)
	for _, c := range d.Conditions[:3] {
		if c.Status != Unknown || c.Reason != string(state.Unobserved) || !c.LastTransitionTime.IsZero() {
			t.Errorf("%s is %s %s since %v", c.Type, c.Status, c.Reason, c.LastTransitionTime)
		}
	}
}

// full is a service with everything that describe tells.
func full() *host {
	s := app("pakashop-backend")
	s.Files = []desired.Artifact{*artifact("/etc/pakashop/backend.env", []byte("A=1\n"), 0o640), {Path: "/etc/pakashop/keys.env", Host: true, Sensitive: true, Mode: 0o600, Owner: "root", Group: "root"}}
	s.DropIns = []desired.Artifact{*artifact("/etc/systemd/system/pakashop-backend.service.d/10-limits.conf", []byte("[Service]\nMemoryMax=512M\n"), 0o644)}
	s.Spec.UnitFile = &desired.Content{Content: string(s.UnitFile.Content)}
	s.Spec.Ports = map[string]int{"http": 3001}
	s.Spec.Remedies = []desired.Do{}
	h := newHost(s)
	h.Want.Objects[0].Origin = map[string]string{
		"spec": "built-in", "spec.limits": "Defaults/app", "spec.limits.restarts": "services/pakashop-backend.yaml:9:19", "spec.ports": "services/pakashop-backend.yaml:12:3",
	}
	h.absent(s.Files[0].Path)
	h.file(s.DropIns[0].Path, "[Service]\nMemoryMax=1G\n", 0o644)
	h.file("/etc/pakashop/keys.env", canary(0), 0o600)
	h.unit("pakashop-backend.service", state.Unit{
		Load: "loaded", Active: "failed", Sub: "failed", Boot: "enabled", Result: "oom-kill", Restarts: 2, ChangedAt: noon.Add(-time.Minute),
		Fragment: s.UnitFile.Path, DropIns: []string{s.DropIns[0].Path}, Invocation: "0f0f",
	})
	h.Past.Charges["pakashop-backend.service"] = []state.Time{moment(-2 * time.Hour), moment(-20 * time.Minute), moment(-5 * time.Minute)}
	for _, hold := range []state.Hold{
		{Object: s.Object(), Reason: state.Suspended, Since: moment(-time.Minute), For: time.Hour, Actor: "alice", Detail: "memory leak"},
		{Object: s.Object(), Reason: state.ManualStop, Unit: "pakashop-backend.service", Since: moment(-time.Minute)},
		{Object: s.Object(), Reason: state.Masked, Since: moment(-2 * time.Hour), For: time.Hour},
		{Object: "Service/other", Reason: state.Suspended, Since: moment(0)},
	} {
		h.Past.Holds[hold.Key()] = hold
	}
	h.hold(
		state.Held{Object: s.Object(), Unit: "pakashop-backend.service", Reason: state.Suspended, Detail: "memory leak", Until: until(59 * time.Minute)},
		state.Held{Object: "Service/other", Reason: state.Suspended},
	)
	h.steps(systemd("n", s.Object(), "start", "pakashop-backend.service", state.Failed, actuators.Benign), systemd("o", "Service/other", "start", "o.service", state.Failed, actuators.Benign))
	h.Plan.Gaps = []state.Gap{{Object: s.Object(), Source: state.Ref{Kind: state.RefDir, Name: "/run/systemd/system"}, Detail: "not looked at yet"}, {Object: "Service/other"}}
	return h
}

func TestDescribe(t *testing.T) {
	h := full()
	d, ok := h.Describe("pakashop-backend", lines())
	if !ok {
		t.Fatal("not found")
	}
	golden(t, "describe.txt", []byte(d.Text(Style{Now: noon})))
	golden(t, "describe.json", must(JSON(d))(t))
	var back Description
	check(t, json.Unmarshal(must(JSON(d))(t), &back))
	if diff := cmp.Diff(string(must(JSON(d))(t)), string(must(JSON(back))(t))); diff != "" {
		t.Errorf("what was read differs:\n%s", diff)
	}
	if got := colours.ReplaceAllString(d.Text(Style{Now: noon, Color: true}), ""); got != d.Text(Style{Now: noon}) {
		t.Error("colour changes the text")
	}
	if d.Text(Style{}) == "" {
		t.Error("no text without a now")
	}
}

func TestDescribeFindsObjectsAsPeopleNameThem(t *testing.T) {
	h := newHost(app("x"))
	h.Want.Objects = append(h.Want.Objects, desired.Object{APIVersion: desired.APIVersion, Kind: "Endpoint", Metadata: desired.Meta{Name: "pay"}, Spec: json.RawMessage(`{"severity":"P1"}`)})
	for name, want := range map[string]string{
		"x": "Service/x", "x.service": "Service/x", "Service/x": "Service/x", "service/x": "Service/x", "services/x.service": "Service/x",
		"Endpoint/pay": "Endpoint/pay", "endpoints/pay": "Endpoint/pay",
	} {
		if d, ok := h.Describe(name, nil); !ok || d.Object != want {
			t.Errorf("Describe(%q) found %q", name, d.Object)
		}
	}
	for _, name := range []string{"y", "pay", "Host/x", "Endpoint/x", ""} {
		if d, ok := h.Describe(name, nil); ok {
			t.Errorf("Describe(%q) found %q", name, d.Object)
		}
	}
}

// A service that this host does not run is declared, but has no conditions.
func TestAServiceOfAnotherHost(t *testing.T) {
	h := newHost(app("x"))
	h.Want.Services, h.Past = nil, nil
	d, ok := h.Describe("x", nil)
	if !ok || len(d.Conditions) != 0 || d.Conditions == nil || d.Holds == nil || d.Values == nil {
		t.Errorf("found %t: %+v", ok, d)
	}
	if l := h.Get("Service"); len(l.Items) != 1 || l.Items[0].Status.Conditions == nil {
		t.Errorf("get: %+v", l)
	}
	if got := (List{}).Text(Style{}); got != "no objects\n" {
		t.Errorf("an empty list is %q", got)
	}
}

func TestUntouchedSpecsAreShownByteForByte(t *testing.T) {
	raw := json.RawMessage(`{"restartOn":{"unit":"now"},"x-later":1}`)
	v := View{Want: &desired.Set{Objects: []desired.Object{{Kind: "Service", Spec: raw}, {Kind: "Task", Spec: raw}}}}
	for _, o := range v.Get("").Items {
		if string(o.Spec) != string(raw) {
			t.Errorf("%s: %s", o.Kind, o.Spec)
		}
	}
}

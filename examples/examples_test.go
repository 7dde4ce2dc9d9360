// Package examples holds what new users copy. Its tests see to it that the
// examples are valid, and say what their readers are told they say.
package examples

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

func load(t *testing.T, folder, environment string) *desired.Set {
	t.Helper()
	set, problems := read.Load([]string{folder}, read.Options{Environment: environment})
	for _, p := range problems.Errors() {
		t.Errorf("%v", p)
	}
	if set == nil {
		t.FailNow()
	}
	return set
}

func TestMinimalIsOneService(t *testing.T) {
	set := load(t, "minimal", "")
	if len(set.Services) != 1 || set.Services[0].Units[0] != "clock.service" {
		t.Errorf("services: %+v", set.Services)
	}
}

func TestPakashopIsTheWholeEstate(t *testing.T) {
	set := load(t, "pakashop", "")
	units := map[string]bool{}
	for _, s := range set.Services {
		units[s.Units[0]] = true
	}
	names := strings.Fields(`gateway backend config notifications tracking moderation recommendations
		scheduler search analytics fraud coupon loyalty whatsapp reports reconciliation invoicing pricing settlement`)
	want := []string{
		"nginx.service", "redis-server.service", "postgresql@15-main.service", "meilisearch.service", "pgbouncer.service",
		"outside.service", "pakashop-fraud-worker@1.service",
	}
	for _, n := range names {
		want = append(want, "pakashop-"+n+".service")
	}
	for _, u := range want {
		if !units[u] {
			t.Errorf("no service runs %s", u)
		}
	}
	if len(set.Services) != len(want) {
		t.Errorf("%d services, want %d", len(set.Services), len(want))
	}
}

// What a unit file says of ports and dependencies is said in YAML too; the two
// must agree.
func TestPakashopUnitsAgreeWithTheirServices(t *testing.T) {
	for _, s := range load(t, "pakashop", "").Services {
		if s.UnitFile == nil || s.Labels["tier"] == "platform" {
			continue
		}
		text := string(s.UnitFile.Content)
		if port := "PORT=" + itoa(s.Spec.Ports["http"]); s.Spec.Ports != nil && !strings.Contains(text, port+"\n") {
			t.Errorf("%s: the unit file does not say %s", s.Name, port)
		}
		if !strings.Contains(text, "EnvironmentFile="+s.Files[0].Path+"\n") {
			t.Errorf("%s: the unit file does not read %s", s.Name, s.Files[0].Path)
		}
		checked, required := checkedBy(text), requiredBy(s)
		if !slices.Equal(checked, required) {
			t.Errorf("%s: the unit checks %v, the service requires %v", s.Name, checked, required)
		}
		for _, line := range []string{"DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="} {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("%s: the unit file lacks %s", s.Name, line)
			}
		}
	}
}

func checkedBy(unit string) (names []string) {
	_, rest, _ := strings.Cut(unit, `"DEPENDS=`)
	list, _, _ := strings.Cut(rest, `"`)
	for _, word := range strings.Fields(list) {
		name, _, _ := strings.Cut(word, "=")
		if name == "postgres" {
			name = "postgresql"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func requiredBy(s desired.Service) (names []string) {
	for _, d := range s.Spec.DependsOn {
		if d.Kind != "order" && !slices.Contains([]string{"pawapay", "flutterwave"}, d.Name) { // those are OUTSIDE
			names = append(names, strings.TrimPrefix(d.Name, "pakashop-"))
		}
	}
	slices.Sort(names)
	return names
}

// What customers reach is asked in both environments by the URLs of each; without
// one the estate is as good, and only nobody can ask from outside.
func TestPakashopIsPublicInBothEnvironments(t *testing.T) {
	for environment, domain := range map[string]string{"production": "pakashop.store", "staging": "staging.pakashop.store"} {
		all, err := load(t, "pakashop", environment).Public()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range all {
			for _, q := range p.Probes {
				got = append(got, q.Probe.HTTPGet.URL)
				if q.Kind == desired.LivenessProbe && q.Probe.ExpectJSON["service"] != p.Name {
					t.Errorf("%s expects %v", p.Object(), q.Probe.ExpectJSON)
				}
			}
		}
		want := []string{"https://api." + domain + "/health", "https://api." + domain + "/health/ready", "https://" + domain + "/health", "https://" + domain + "/health/ready"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v;\nwant %v", environment, got, want)
		}
	}
	if _, err := load(t, "pakashop", "").Public(); err == nil {
		t.Error("without an environment there are URLs")
	}
}

func TestOverlaysDifferByEnvironment(t *testing.T) {
	for environment, want := range map[string]string{"production": "P1", "staging": "P3"} {
		set := load(t, "overlays", environment)
		if got := set.Services[0].Spec.Severity; got != want {
			t.Errorf("%s: severity %s, want %s", environment, got, want)
		}
	}
	if _, problems := read.Load([]string{"overlays"}, read.Options{}); len(problems) == 0 {
		t.Error("overlays without an environment are read")
	}
}

func TestEveryExampleCarriesTheModeline(t *testing.T) {
	found, err := filepath.Glob("*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob("*/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(found, deeper...) {
		checkModeline(t, f)
	}
}

// The policy that the example suggests is one, and lets the runbooks do what they do.
func TestPakashopsPolicyAllowsItsRunbooks(t *testing.T) {
	text, err := os.ReadFile("pakashop/policy.example")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p, problems := read.Policy(file)
	for _, problem := range problems {
		t.Error(problem)
	}
	set := load(t, "pakashop", "")
	for _, s := range set.Services {
		for _, u := range s.Units {
			if !p.AllowsUnit(u) {
				t.Errorf("%s may not be managed", u)
			}
		}
		for _, f := range s.Files {
			if !p.AllowsPath(f.Path) {
				t.Errorf("%s may not be written", f.Path)
			}
		}
	}
}

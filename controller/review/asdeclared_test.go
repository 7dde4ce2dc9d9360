package review_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/controller/review"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// nothing fails unless a host that is as declared is left alone entirely: no step,
// nothing that differs and is held, nothing that is not known, nothing to note.
func nothing(t interface{ Fatalf(string, ...any) }, set *desired.Set) {
	h := review.AsDeclared(set, noon)
	p := plan.Make(set, &h.Have, h.Past, h.Now)
	var said []string
	for _, s := range p.Steps {
		said = append(said, fmt.Sprintf("step %s %s: %s", s.Object, s.Action, s.Detail))
	}
	for _, held := range p.Held {
		if !held.Info {
			said = append(said, fmt.Sprintf("held %s %s: %s", held.Object, held.Reason, held.Detail))
		}
	}
	for _, g := range p.Gaps {
		said = append(said, fmt.Sprintf("gap %s %s: %s", g.Object, g.Source, g.Detail))
	}
	for _, n := range p.Notes {
		said = append(said, fmt.Sprintf("note %s %s", n.Kind, n.Object))
	}
	if len(said) > 0 {
		t.Fatalf("on a host that is as declared:\n%s", strings.Join(said, "\n"))
	}
}

func TestEveryExampleIsAsDeclared(t *testing.T) {
	for folder, environments := range map[string][]string{
		"minimal": {""}, "pakashop": {""}, "overlays": {"production", "staging"},
	} {
		for _, e := range environments {
			for _, everywhere := range []bool{false, true} {
				set, problems := read.Load([]string{"../../examples/" + folder}, read.Options{
					Environment: e, Host: desired.Host{Name: "app-1"}, Policy: desired.BuiltInPolicy(), Everywhere: everywhere,
				})
				if err := problems.Err(); err != nil {
					t.Fatal(err)
				}
				if len(set.Services) == 0 {
					t.Fatalf("%s has no services", folder)
				}
				nothing(t, set)
			}
		}
	}
}

// randomSet draws a Set as Compile makes it: services of ours and of the
// distribution, templates, masks, files, drop-ins, probes, what rests on what.
func randomSet(t *rapid.T) *desired.Set {
	in := desired.Input{
		Revision: "r1", Host: desired.Host{Name: "app-1"}, Policy: desired.BuiltInPolicy(),
		Endpoints: []desired.Endpoint{desired.NewEndpoint("pay", nil, desired.EndpointSpec{Probe: desired.Probe{TCPSocket: &desired.TCPSocket{Host: "pay.example", Port: &desired.Port{Number: 443}}}})},
	}
	if rapid.Bool().Draw(t, "confirmed") {
		in.Rollout = desired.Rollout{Branch: "main", ConfirmAfter: desired.Duration(5 * time.Minute), Verify: &desired.Argv{Argv: []string{"/bin/true"}}}
	}
	in.Objects = append(in.Objects, desired.Object{Kind: "Endpoint", Metadata: desired.Meta{Name: "pay"}})
	names := []string{"a", "b", "c", "d", "e", "f"}[:rapid.IntRange(1, 6).Draw(t, "services")]
	for i, name := range names {
		s := randomService(t, name, append([]string{"pay"}, names[:i]...))
		in.Services = append(in.Services, s)
		in.Objects = append(in.Objects, desired.Object{Kind: "Service", Metadata: desired.Meta{Name: name}})
	}
	set, found := desired.Compile(in)
	for _, f := range found {
		if !f.Warning {
			t.Fatalf("%s %s: %s", f.Object, f.Field, f.Message)
		}
	}
	return set
}

func randomService(t *rapid.T, name string, others []string) *desired.Service {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	spec := desired.ServiceSpec{
		Unit:       name + ".service",
		Management: pick("management", desired.Enforce, desired.Enforce, desired.Repair, desired.Observe),
		State:      pick("state", desired.Running, desired.Running, desired.Stopped, desired.Ignored),
		Boot:       pick("boot", "", desired.Enabled, desired.Disabled, desired.Ignored, desired.Masked),
		Drift:      &desired.Drift{Mode: pick("drift", desired.Enforce, desired.Warn, desired.Ignore), Hold: desired.Duration(rapid.IntRange(0, 1).Draw(t, "hold") * int(time.Hour))},
		OnRemove:   pick("onRemove", "", desired.OnRemoveDelete, desired.OnRemoveRelease, desired.OnRemoveStop),

		ForeignDropIns: pick("foreign", desired.Enforce, desired.Warn, desired.Ignore),
		RestartOn:      &desired.RestartOn{Unit: pick("on", desired.Now, desired.Window, desired.Manual), Files: desired.Now, Watch: desired.Now, Executable: desired.Manual},
	}
	kind := pick("kind", "simple", "oneshot", "template", "vendor")
	if kind == "template" {
		spec.Unit, spec.Replicas = name+"@.service", &desired.Replicas{Min: rapid.IntRange(1, 3).Draw(t, "replicas"), Max: 4}
		if spec.Boot == desired.Masked {
			spec.Boot = desired.Enabled
		}
	}
	if kind != "vendor" {
		body := "[Service]\nExecStart=/bin/sleep inf\n"
		if kind == "oneshot" {
			body += "Type=oneshot\n"
			if spec.State == desired.Running {
				spec.State = desired.Ignored
			}
		}
		if spec.Boot == desired.Enabled || rapid.Bool().Draw(t, "install") {
			body += "[Install]\nWantedBy=multi-user.target\n"
		}
		spec.UnitFile = &desired.Content{Content: body}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "drop-ins") {
		spec.DropIns = append(spec.DropIns, desired.DropIn{Name: fmt.Sprintf("%d0-x", i+1), Content: "[Service]\nNice=1\n"})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "files") {
		f := desired.File{Path: fmt.Sprintf("/etc/%s/%d", name, i), Content: "x", Mode: "0640", Sensitive: rapid.Bool().Draw(t, "sensitive")}
		if rapid.Bool().Draw(t, "host's") {
			f.Content, f.Host, f.Mode = "", true, ""
		}
		spec.Files = append(spec.Files, f)
	}
	if rapid.Bool().Draw(t, "watch") {
		spec.Watch = []string{"/opt/" + name + "/current"}
	}
	if kind != "template" && rapid.Bool().Draw(t, "release") {
		spec.Release = &desired.Release{Dir: "/opt/" + name + "/releases", Version: pick("version", "1.0", "1.1")}
	}
	if rapid.Bool().Draw(t, "probes") {
		p := desired.Probe{TCPSocket: &desired.TCPSocket{Port: &desired.Port{Number: 80}}, PeriodSeconds: 10, FailureThreshold: 3}
		spec.LivenessProbe, spec.ReadinessProbe, spec.StartupProbe = &p, &p, &p
	}
	for _, o := range others {
		switch rapid.IntRange(0, 4).Draw(t, "rests on") {
		case 0:
			spec.DependsOn = append(spec.DependsOn, desired.Dependency{Name: o})
		case 1:
			spec.DependsOn = append(spec.DependsOn, desired.Dependency{Name: o, Kind: "order"})
		}
	}
	s, found := desired.Build(desired.Declared{Name: name, Spec: spec}, desired.Vars{Host: "app-1"})
	if i := slices.IndexFunc(found, func(f desired.Finding) bool { return !f.Warning }); i >= 0 {
		t.Fatalf("%s: %s", name, found[i].Message)
	}
	return &s
}

func TestAHostThatIsAsDeclaredIsLeftAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { nothing(t, randomSet(t)) })
}

// Whatever changes, what is made up lets everything be planned.
func TestWhatANewSetAddsIsMet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, head := randomSet(t), randomSet(t)
		r := review.Make(review.Change{Base: base, Head: head, Now: noon})
		for _, g := range r.Gaps {
			if strings.Contains(g.Detail, "not looked at") || strings.Contains(g.Detail, "not asked") {
				t.Fatalf("gap %s %s: %s", g.Object, g.Source, g.Detail)
			}
		}
		for _, h := range r.Held {
			if h.Reason == state.Internal || h.Reason == state.Unobserved {
				t.Fatalf("held %s %s: %s", h.Object, h.Reason, h.Detail)
			}
		}
	})
}

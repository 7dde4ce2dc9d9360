package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// canary is a secret that must never be seen.
func canary(i int) string { return fmt.Sprintf("CANARY-%02d-7f3a9e", i) }

// canaries plants twenty secrets wherever one can lie: declared content,
// observed content, specs, files decrypted on the host, files that are no longer
// declared, headers.
func canaries() *host {
	s := app("vault")
	var steps []state.Step
	for i := range 5 {
		a := artifact(fmt.Sprintf("/etc/vault/%d.env", i), []byte("K="+canary(i)+"\n"), 0o600)
		a.Sensitive = i != 4 // the last one is only known by its encrypted source
		s.Files = append(s.Files, *a)
		f := desired.File{Path: a.Path, Content: string(a.Content), Sensitive: true}
		if i == 4 {
			f = desired.File{Path: a.Path, Source: "vault.env.age", Content: string(a.Content)}
		}
		s.Spec.Files = append(s.Spec.Files, f)
	}
	s.Spec.LivenessProbe = &desired.Probe{HTTPGet: &desired.HTTPGet{HTTPHeaders: []desired.Header{
		{Name: "Authorization", Value: "Bearer " + canary(10)}, {Name: "X-Api-Key", Value: canary(11)},
	}}}
	s.Spec.ReadinessProbe = &desired.Probe{HTTPGet: &desired.HTTPGet{HTTPHeaders: []desired.Header{{Name: "Cookie", Value: canary(12)}}}}
	s.Spec.StartupProbe = &desired.Probe{HTTPGet: &desired.HTTPGet{HTTPHeaders: []desired.Header{{Name: "X-Auth-Token", Value: canary(13)}}}}
	s.Spec.Metrics = &desired.Metrics{HTTPGet: &desired.HTTPGet{HTTPHeaders: []desired.Header{{Name: "proxy-authorization", Value: canary(14)}}}}
	h := newHost(s)
	for i, a := range s.Files {
		h.file(a.Path, "K="+canary(5+i)+"\n", 0o600)
		st := write(s, a, state.FileDrift, h.Have.Files[a.Path].Value.Digest)
		st.ID = fmt.Sprint("w", i)
		steps = append(steps, st)
		h.hold(state.Held{Object: s.Object(), Reason: state.ObserveOnly, Detail: fmt.Sprint(i), Fields: []state.Field{
			{Path: a.Path + ":content", Desired: "sha256:aaaa", Observed: "sha256:bbbb"}, {Path: a.Path, Desired: "absent"},
		}})
	}
	for i := 15; i < 18; i++ {
		path := fmt.Sprintf("/etc/gone/%d.env", i)
		h.file(path, canary(i), 0o644)
		steps = append(steps, state.Step{
			ID: path, Object: s.Object(), Reason: state.NotDeclared, Effect: actuators.Benign,
			Action: actuators.Action{Actuator: "file", Verb: "remove", Target: path, Args: map[string]string{"was": state.Digest([]byte(canary(i)))}},
		})
		h.hold(state.Held{Object: "Service/gone", Reason: state.Shrunk, Fields: []state.Field{{Path: path, Desired: "absent"}}})
	}
	h.steps(steps...)
	defaults, _ := json.Marshal(desired.DefaultsSpec{Service: desired.ServiceSpec{
		Files: []desired.File{{Path: "/etc/d.env", Content: canary(18), Sensitive: true}},
	}})
	endpoint, _ := json.Marshal(desired.EndpointSpec{Probe: desired.Probe{HTTPGet: &desired.HTTPGet{
		URL: "https://example.org", HTTPHeaders: []desired.Header{{Name: "Authorization", Value: canary(19)}},
	}}})
	h.Want.Objects = append(h.Want.Objects,
		desired.Object{Kind: "Defaults", Metadata: desired.Meta{Name: "d"}, Spec: defaults},
		desired.Object{Kind: "Endpoint", Metadata: desired.Meta{Name: "e"}, Spec: endpoint})
	return h
}

func TestSecretsAppearInNoOutput(t *testing.T) {
	for name, build := range map[string]func() *host{"canaries": canaries, "secrets": secrets, "removed": removed} {
		for _, f := range outputs(t, build()) {
			for i := range 20 {
				if bytes.Contains(f.Data, []byte(canary(i))) {
					t.Errorf("%s: %s shows secret %d", name, f.Name, i)
				}
				// Who knows how a secret begins tries the rest: its digest tells it, too.
				for _, content := range []string{canary(i), "K=" + canary(i) + "\n"} {
					if digest := state.Digest([]byte(content)); bytes.Contains(f.Data, []byte(digest[:8])) {
						t.Errorf("%s: %s shows the digest of secret %d", name, f.Name, i)
					}
				}
			}
		}
	}
}

func TestSensitiveFilesAreNotEvenRead(t *testing.T) {
	h := canaries()
	NewDiff(h.Want, h.Have, h.Past, h.Plan, func(path string) ([]byte, error) {
		t.Errorf("read %s", path)
		return nil, nil
	})
}

func TestSensitiveFilesShowThatTheyChange(t *testing.T) {
	d := secrets().diff()
	for i, want := range []string{"changed, sensitive", "changed (was absent), sensitive"} {
		if got := d.Steps[i].Diff; got != want {
			t.Errorf("step %d shows %q, not %q", i, got, want)
		}
	}
}

// Of what this host cannot decrypt nobody says that it would change.
func TestWhatIsLockedIsUnknown(t *testing.T) {
	h := secrets()
	s := &h.Want.Services[0]
	for i := range s.Files {
		s.Files[i].Content, s.Files[i].Digest, s.Files[i].Locked = nil, "", "it is encrypted"
	}
	d, ok := h.View.Describe(s.Name, nil)
	if !ok {
		t.Fatal("no description")
	}
	states := map[string]string{}
	for _, f := range d.Files {
		if f.As == "file" {
			states[f.Path] = f.State + f.Desired + f.Observed
		}
	}
	if want := map[string]string{"/etc/pakashop/pay.env": "unknown", "/etc/pakashop/new.env": "absent"}; !maps.Equal(states, want) {
		t.Errorf("%v, want %v", states, want)
	}
	h.hold(state.Held{Object: s.Object(), Reason: state.Unobserved, Detail: s.Files[0].Path + ": it is encrypted", Fields: []state.Field{{Path: s.Files[0].Path + ":content"}}})
	for _, held := range h.diff().Held {
		if len(held.Diffs) > 0 {
			t.Errorf("a change is shown: %v", held.Diffs)
		}
	}
}

// A spec that cannot be read cannot be redacted.
func TestABrokenSpecIsNotShown(t *testing.T) {
	for _, kind := range []string{"Service", "Defaults", "Endpoint", "Task"} {
		v := View{Want: &desired.Set{Objects: []desired.Object{{Kind: kind, Spec: json.RawMessage(`{"files": "` + canary(0))}}}}
		if got := string(v.Get("").Items[0].Spec); got != "{}" {
			t.Errorf("%s: the spec is %s", kind, got)
		}
	}
}

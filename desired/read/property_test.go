package read

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/desired"
)

// anyText draws texts that YAML is known to misunderstand.
func anyText(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"no", "yes", "0640", "1.10", "null", "~", "", " lead", "trail ", "a: b", "- a", "#c", "a #b", "'", `"`, "\\", "*a", "&a", "!t", "%x", "@", "`",
			"line\n", "two\nlines\n", "\n", "\n\nx", "tab\there", " \n", "end\n\n", "x\n  indented\n", "---\n", "...", "é ü", "\u2028", "1e3", "0x1", "2026-01-01", "$$(literal)", "=", "<<", "? a", "key:", "{a", "[a", "|", ">",
		}),
		rapid.StringN(0, 20, 60),
	).Filter(func(s string) bool { return !hasVariable(s) && clean(s) }).Draw(t, label)
}

func hasVariable(s string) bool {
	for i := 1; i < len(s); i++ {
		if s[i-1:i+1] == "$(" && (i < 2 || s[i-2] != '$') {
			return true
		}
	}
	return false
}

// clean tells a text that is the same in JSON and in YAML: what JSON does not
// escape must be allowed in YAML as it is.
func clean(s string) bool {
	for _, r := range s {
		if r >= 0x7f && r < 0xa0 || r >= 0xfff0 || r == 0xfeff {
			return false
		}
	}
	return true
}

// TestEffectiveMeansTheSame draws Services and Defaults, written as JSON (which
// is YAML), prints their effective values and reads those.
func TestEffectiveMeansTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var files, defaults []any
		for i := range rapid.IntRange(0, 3).Draw(rt, "files") {
			files = append(files, map[string]any{"path": fmt.Sprintf("/etc/x/%d", i), "content": anyText(rt, "content"), "mode": "0640"})
		}
		spec := map[string]any{
			"stateful": rapid.Bool().Draw(rt, "stateful"), "reload": rapid.Bool().Draw(rt, "reload"),
			"limits":         map[string]any{"restarts": rapid.IntRange(0, 5).Draw(rt, "restarts")},
			"manualStop":     map[string]any{"hold": rapid.SampledFrom([]string{"0s", "1h", "90m"}).Draw(rt, "hold")},
			"livenessProbe":  rapid.SampledFrom([]any{nil, map[string]any{"tcpSocket": map[string]any{"port": 80}, "initialDelaySeconds": 0}}).Draw(rt, "probe"),
			"readinessProbe": map[string]any{"httpGet": map[string]any{"port": 80, "path": "/"}, "expectJSON": map[string]any{anyText(rt, "key"): anyText(rt, "value"), "n": 1.5, "l": []any{true, nil, "no"}}},
		}
		if files != nil {
			spec["files"] = files
		}
		if rapid.Bool().Draw(rt, "defaults") {
			defaults = append(defaults, declared("Defaults", "d", map[string]any{"service": map[string]any{
				"stateful": true, "reload": true, "severity": "P1", "manualStop": map[string]any{"hold": "2h"},
				"livenessProbe": map[string]any{"tcpSocket": map[string]any{"port": 81}, "periodSeconds": 3},
				"files":         []any{map[string]any{"path": "/etc/x/0", "content": "default", "owner": "nobody"}},
			}}))
		}
		tree := fstest.MapFS{}
		for i, d := range append(defaults, declared("Service", "a", spec)) {
			b, err := json.Marshal(d)
			if err != nil {
				rt.Fatal(err)
			}
			tree[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: b}
		}
		o := Options{FS: tree, Host: desired.Host{Name: "app-1"}, Origins: true, Revision: "test"}
		set, problems := Load([]string{"."}, o)
		if set == nil {
			rt.Fatalf("%s", problems)
		}
		roundTrip(t, set, tree, o)
		if t.Failed() {
			rt.FailNow()
		}
	})
}

func declared(kind, name string, spec any) map[string]any {
	return map[string]any{"apiVersion": desired.APIVersion, "kind": kind, "metadata": map[string]any{"name": name}, "spec": spec}
}

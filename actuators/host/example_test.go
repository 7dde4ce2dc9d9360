package host_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
)

const example = "../../examples/actuator"

// The plugin of a third party, in a module of its own: built with the go tool,
// verified, launched and used as evenkeel does it.
func TestAStrangersPlugin(t *testing.T) {
	program := actuatortest.Build(t, example)
	dir := t.TempDir()
	spec := actuatortest.Program(t, "motd", program)
	spec.Config = map[string]any{"folder": dir}
	set := actuators.Request{Action: actuators.Action{
		Actuator: "motd", Verb: "set", Target: "maintenance", Args: map[string]string{"text": "Back at noon."},
	}}

	t.Run("does what it is asked", func(t *testing.T) {
		a := actuatortest.Launch(t, spec)
		info, err := a.Info(t.Context())
		if err != nil || info.Name != "motd" || len(info.Verbs) != 2 {
			t.Fatalf("%+v, %v", info, err)
		}
		res, err := a.(actuators.Previewer).Preview(t.Context(), set)
		if d := cmp.Diff(actuators.Result{Changed: true, Detail: "show maintenance"}, res); err != nil || d != "" {
			t.Errorf("preview: %v %s", err, d)
		}
		if _, err := a.Apply(t.Context(), set); err != nil {
			t.Error(err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "maintenance")); string(text) != "Back at noon.\n" {
			t.Errorf("%q %v", text, err)
		}
		if res, err := a.Apply(t.Context(), set); err != nil || res.Changed {
			t.Errorf("again: %+v %v", res, err)
		}
	})
	t.Run("a config it does not know", func(t *testing.T) {
		spec := spec
		spec.Config = map[string]any{"foldr": dir}
		_, err := actuatortest.Launch(t, spec).Info(t.Context())
		if err == nil || !strings.Contains(err.Error(), `unknown field`) || !strings.Contains(err.Error(), "foldr") {
			t.Errorf("the error does not name the field: %v", err)
		}
	})
	t.Run("another checksum", func(t *testing.T) {
		spec := spec
		spec.SHA256 = strings.Repeat("0", 64)
		_, err := actuatortest.Launch(t, spec).Apply(t.Context(), set)
		if actuators.KindOf(err) != actuators.Refused {
			t.Errorf("%v: %v", actuators.KindOf(err), err)
		}
	})
	t.Run("under another name", func(t *testing.T) {
		_, err := actuatortest.Launch(t, actuatortest.Program(t, "another-name", program)).Info(t.Context())
		if actuators.KindOf(err) != actuators.Unavailable || !strings.Contains(err.Error(), `it calls itself "motd"`) {
			t.Errorf("got %v", err)
		}
	})
}

// The guide quotes the example. What it quotes must be there, to the letter.
func TestTheGuideQuotesTheExample(t *testing.T) {
	guide, err := os.ReadFile("../../docs/actuator-guide.md")
	if err != nil {
		t.Fatal(err)
	}
	quotes := regexp.MustCompile("(?s)<!-- (\\S+) -->\n```\\w*\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	if len(quotes) < 5 {
		t.Fatalf("only %d quotes found", len(quotes))
	}
	for _, q := range quotes {
		source, err := os.ReadFile(filepath.Join("../..", q[1]))
		if err != nil {
			t.Error(err)
		}
		if !strings.Contains(string(source), q[2]) {
			t.Errorf("docs/actuator-guide.md quotes what is not in %s:\n%s", q[1], q[2])
		}
	}
}

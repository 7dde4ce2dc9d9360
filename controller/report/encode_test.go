package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// anyText has what a terminal, YAML, Markdown or HTML might trip over.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{
			"", "no", "1e3", "null", "~", "2026-11-23", "- a", "a: b", "# c", " lead", "trail ", "tab\t", "a\nb\n", "\n", "a\n \nb", "a\r\nb", "---", "...",
			"\x1b[31m", "\u202e", "\u009b", "\ufeff", "\x7f", "\u2028", "\U000e0041", "🙂", `"'\`, "```", "|", "<b>", "!!str", "&a", "*a", "?", "%",
		}),
	)
}

func anyDiff(t *rapid.T) Diff {
	str := func(name string) string { return anyText().Draw(t, name) }
	strs := func(name string) []string { return rapid.SliceOfN(anyText(), 0, 3).Draw(t, name) }
	d := Diff{Revision: str("revision"), Host: str("host"), Environment: str("environment"), InSync: rapid.Bool().Draw(t, "inSync"), Steps: []Step{}, Held: []Held{}, Gaps: []Gap{}}
	for range rapid.IntRange(0, 3).Draw(t, "steps") {
		s := Step{
			ID: str("id"), Key: str("key"), Object: str("object"), Actuator: str("actuator"), Verb: str("verb"), Effect: actuators.Benign,
			Reason: state.Reason(str("reason")), Detail: str("detail"), Needs: strs("needs"), Fields: []Field{}, Diff: str("diff"),
		}
		for _, f := range strs("fields") {
			s.Fields = append(s.Fields, Field{Path: f, Desired: f, Observed: f})
		}
		d.Steps = append(d.Steps, s)
	}
	for range rapid.IntRange(0, 2).Draw(t, "held") {
		h := Held{Object: str("object"), Reason: state.Reason(str("reason")), Detail: str("detail")}
		if rapid.Bool().Draw(t, "ends") {
			h.Until = At(noon.Add(time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "until"))))
		}
		d.Held = append(d.Held, h)
		d.Gaps = append(d.Gaps, Gap{Object: str("object"), Source: str("source"), Detail: str("detail")})
	}
	return d
}

func TestDiffSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDiff(t)
		b, err := JSON(d)
		if err != nil {
			t.Fatal(err)
		}
		var back Diff
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		again, err := JSON(back)
		if err != nil || !bytes.Equal(b, again) {
			t.Fatalf("what was read differs: %s", cmp.Diff(string(b), string(again)))
		}
		if bytes.Contains(b, []byte("null,\n")) && !strings.Contains(string(b), `"until": null`) {
			t.Fatalf("null where a list should be: %s", b)
		}
	})
}

// What a program reads from YAML is what it reads from JSON, whatever stands in
// the strings.
func TestYAMLSaysWhatJSONSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDiff(t)
		j, err := JSON(d)
		if err != nil {
			t.Fatal(err)
		}
		y, err := YAML(d)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(j, &a); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(y, &b); err != nil {
			t.Fatalf("%v in:\n%s", err, y)
		}
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("JSON and YAML differ: %s\n%s", cmp.Diff(a, b), y)
		}
	})
}

var colours = regexp.MustCompile("\x1b\\[[0-9]+m")

// No output of any format lets through what a terminal would obey, but the
// colours that were asked for; and without them nothing else is different.
func TestNoOutputObeysStrangers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDiff(t)
		plain, coloured := d.Text(Style{Now: noon}), d.Text(Style{Now: noon, Color: true})
		if got := colours.ReplaceAllString(coloured, ""); got != plain {
			t.Fatalf("colour changes the text: %s", cmp.Diff(plain, got))
		}
		page, err := d.HTML()
		if err != nil {
			t.Fatal(err)
		}
		j, _ := JSON(d)
		y, _ := YAML(d)
		line, _ := JSONLine(d)
		for name, out := range map[string]string{
			"text": plain, "markdown": d.Markdown(), "html": page, "json": string(j), "yaml": string(y), "line": string(line),
		} {
			if i := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && r != '\t' && dangerous(r) }); i >= 0 {
				t.Fatalf("%s holds %q", name, out[i:min(len(out), i+20)])
			}
		}
	})
}

func TestJSONKeepsOrderAndCharacters(t *testing.T) {
	v := struct {
		Z string `json:"z"`
		A []int  `json:"a"`
	}{"<a> & ½ \u202e\x7f\U000e0041", []int{}}
	if got, want := string(must(JSON(v))(t)), "{\n  \"z\": \"<a> & ½ \\u202e\\u007f\\udb40\\udc41\",\n  \"a\": []\n}\n"; got != want {
		t.Errorf("JSON = %s, want %s", got, want)
	}
	if got, want := string(must(YAML(v))(t)), "z: \"<a> & ½ \\u202e\\x7F\\U000E0041\"\na: []\n"; got != want {
		t.Errorf("YAML = %s, want %s", got, want)
	}
	if _, err := JSON(func() {}); err == nil {
		t.Error("a function was encoded")
	}
	if _, err := YAML(func() {}); err == nil {
		t.Error("a function was encoded")
	}
}

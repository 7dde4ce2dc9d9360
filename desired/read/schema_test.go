package read

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "rewrite goldens and descriptions")

// TestDescriptionsAreTheComments keeps descriptions.json what the comments of
// package desired say.
func TestDescriptionsAreTheComments(t *testing.T) {
	want := map[string]string{}
	files, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := goparser.ParseFile(token.NewFileSet(), name, nil, goparser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.TYPE {
				describe(want, d)
			}
			return true
		})
	}
	keep := map[string]string{}
	for typ, p := range newPlans() {
		for _, key := range append([]string{typ.Name()}, p.names...) {
			if key != typ.Name() {
				key = typ.Name() + "." + key
			}
			if want[key] != "" {
				keep[key] = want[key]
			}
		}
	}
	b, err := json.MarshalIndent(keep, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	if *update {
		if err := os.WriteFile("descriptions.json", b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile("descriptions.json"); !bytes.Equal(got, b) {
		t.Errorf("descriptions.json is old; run go test ./desired/read -run Descriptions -update\n%s", cmp.Diff(string(got), string(b)))
	}
}

func describe(into map[string]string, d *ast.GenDecl) {
	for _, s := range d.Specs {
		ts := s.(*ast.TypeSpec)
		st, ok := ts.Type.(*ast.StructType)
		if !ok {
			continue
		}
		doc := ts.Doc
		if doc == nil {
			doc = d.Doc
		}
		into[ts.Name.Name] = oneLine(doc.Text())
		for _, f := range st.Fields.List {
			if f.Tag == nil || f.Comment == nil {
				continue
			}
			tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
			name, _, _ := strings.Cut(tag.Get("json"), ",")
			into[ts.Name.Name+"."+name] = oneLine(f.Comment.Text())
		}
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("evenkeel.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("evenkeel.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// documents are those of a text of YAML, as JSON knows them.
func documents(t *testing.T, name string, content []byte) []any {
	t.Helper()
	var all []any
	for d := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var v any
		if err := d.Decode(&v); err != nil {
			if errors.Is(err, io.EOF) {
				return all
			}
			t.Fatal(name, err)
		}
		if v == nil {
			continue
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(name, err)
		}
		one, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(name, err)
		}
		all = append(all, one)
	}
}

// TestSchemaAcceptsWhatLoads holds the schema to every case of TestLoad that is
// valid, and to the examples. Overlays are parts, and pipelines are for forges; of
// these it says nothing.
func TestSchemaAcceptsWhatLoads(t *testing.T) {
	s := compiled(t)
	cases, _ := filepath.Glob("testdata/load/*.txtar")
	seen := 0
	for _, name := range cases {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tree, o := caseOf(a)
		if set, _ := Load([]string{"."}, o); set == nil {
			continue
		}
		for file, f := range tree {
			if !isYAML(file) || strings.HasPrefix(file, "environments/") || strings.HasPrefix(file, ".") {
				continue
			}
			for _, d := range documents(t, file, f.Data) {
				seen++
				if err := s.Validate(d); err != nil {
					t.Errorf("%s: %s: %v", name, file, err)
				}
			}
		}
	}
	err := filepath.WalkDir("../../examples", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !isYAML(name) || strings.Contains(name, "/environments/") || strings.Contains(name, "/examples/ci/") {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, doc := range documents(t, name, b) {
			seen++
			if err := s.Validate(doc); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	if err != nil || seen < 20 {
		t.Fatal(seen, err)
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compiled(t)
	service := func(spec string) string {
		return "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: " + spec
	}
	for name, text := range map[string]string{
		"unknown field":          service("{managment: enforce}"),
		"unknown word":           service("{state: runing}"),
		"a number for text":      service("{unit: 5}"),
		"mode as a number":       service("{files: [{path: /a, content: x, mode: 420}]}"),
		"no content":             service("{files: [{path: /a}]}"),
		"two contents":           service("{unitFile: {source: a, content: b}}"),
		"no path":                service("{files: [{content: x}]}"),
		"bad duration":           service("{manualStop: {hold: 1hour}}"),
		"bad drift":              service("{drift: sometimes}"),
		"bad long drift":         service("{drift: {mod: warn}}"),
		"no replicas":            service("{replicas: 0}"),
		"two handlers":           service("{livenessProbe: {exec: {command: [/x]}, unix: {path: /y}}}"),
		"no handler":             service("{livenessProbe: {periodSeconds: 3}}"),
		"port out of range":      service("{livenessProbe: {tcpSocket: {port: 70000}}}"),
		"a dependency's kind":    service("{dependsOn: [{name: a, kind: maybe}]}"),
		"unknown kind":           "apiVersion: evenkeel.dev/v1\nkind: Servce\nmetadata: {name: a}\nspec: {}",
		"unknown version":        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {}",
		"no name":                "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {}\nspec: {}",
		"bad name":               "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: A}\nspec: {}",
		"a label that is none":   "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: a, labels: {x: 1}}\nspec: {}",
		"in Defaults":            "apiVersion: evenkeel.dev/v1\nkind: Defaults\nmetadata: {name: a}\nspec: {service: {severity: P9}}",
		"two secrets":            "apiVersion: evenkeel.dev/v1\nkind: Database\nmetadata: {name: a}\nspec: {postgres: {dsn: {fromEnv: A, fromFile: /b}}}",
		"an unknown field above": "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: a}\nspce: {}",
	} {
		for _, d := range documents(t, name, []byte(text)) {
			if s.Validate(d) == nil {
				t.Errorf("%s was accepted", name)
			}
		}
		if _, problems := Load([]string{"."}, Options{FS: fstest.MapFS{"a.yaml": {Data: []byte(text)}}}); problems.Err() == nil {
			t.Errorf("%s is valid for Load", name)
		}
	}
}

package apart

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

// same loads in this process and apart, and wants the same, to the last field.
func same(t *testing.T, fsys fs.FS, o read.Options) *desired.Set {
	t.Helper()
	o.FS = fsys
	want, wrong := read.Load([]string{"."}, o)
	got, problems, err := children().load(t.Context(), fsys, o)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := problems.String(), wrong.String(); got != want {
		t.Errorf("problems apart:\n%s\nhere:\n%s", got, want)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the Set is another (-here +apart):\n%s", cmp.Diff(want, got))
	}
	return got
}

var environmentName = regexp.MustCompile(`(?s)kind: Environment\s+metadata: \{name: ([a-z0-9-]+)`)

// The estates that we ship come over whole, in each of their environments.
func TestExamplesComeOverWhole(t *testing.T) {
	const examples = "../../../examples"
	dirs, err := os.ReadDir(examples)
	if err != nil {
		t.Fatal(err)
	}
	loaded := 0
	for _, one := range dirs {
		if !one.IsDir() {
			continue
		}
		dir := filepath.Join(examples, one.Name())
		environments := map[string]bool{"": true}
		found := false
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".yaml" {
				return err
			}
			found = true
			b, err := os.ReadFile(name)
			for _, m := range environmentName.FindAllSubmatch(b, -1) {
				environments[string(m[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			continue
		}
		for environment := range environments {
			t.Run(filepath.Base(dir)+"/"+environment, func(t *testing.T) {
				o := read.Options{
					Environment: environment, Policy: desired.BuiltInPolicy(), Origins: true,
					Host: desired.Host{Name: "app-1", Labels: map[string]string{"role": "app", "env": "prod"}},
				}
				if set := same(t, os.DirFS(dir), o); set != nil {
					loaded += len(set.Services)
				}
			})
		}
	}
	if loaded < 10 {
		t.Errorf("only %d services were loaded: the test tests nothing", loaded)
	}
}

// So does whatever the reader is tried with, right and wrong.
func TestWhatIsReadAndRefusedComesOverWhole(t *testing.T) {
	cases, err := filepath.Glob("../testdata/load/*.txtar")
	if err != nil || len(cases) < 10 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tree := fstest.MapFS{}
			for _, f := range a.Files {
				tree[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
			}
			o := read.Options{Host: desired.Host{Name: "app-1", Labels: map[string]string{}}, Origins: true}
			for line := range strings.Lines(string(a.Comment)) {
				switch w := strings.Fields(line); {
				case len(w) == 2 && w[0] == "environment":
					o.Environment = w[1]
				case len(w) == 2 && w[0] == "host":
					o.Host.Name = w[1]
				case len(w) == 3 && w[0] == "label":
					o.Host.Labels[w[1]] = w[2]
				}
			}
			same(t, tree, o)
		})
	}
}

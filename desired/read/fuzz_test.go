package read

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pakashop/evenkeel/desired"
)

// FuzzLoad reads anything without a panic, says where each problem is, and what
// it accepts means the same when its effective values are read.
func FuzzLoad(f *testing.F) {
	cases, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range cases {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if isYAML(file.Name) && !strings.HasPrefix(file.Name, ".") {
				f.Add(string(file.Data), "[Service]\nExecStart=/bin/x\n")
			}
		}
	}
	f.Fuzz(func(t *testing.T, text, source string) {
		tree := fstest.MapFS{"a.yaml": {Data: []byte(text)}, "b.service": {Data: []byte(source)}, "files/b": {Data: []byte(source)}}
		o := Options{FS: tree, Host: desired.Host{Name: "app-1"}, Environment: "production", Origins: true, Revision: "fuzz"}
		set, problems := Load([]string{"."}, o)
		for _, p := range problems {
			if p.Pos.File == "" && !strings.HasPrefix(p.Message, "there is no environment") || strings.Contains(p.Message, "\n") || p.Message == "" {
				t.Errorf("a problem without a place, or of several lines: %q", p)
			}
			if p.Pos.File == "a.yaml" && p.Pos.Line > 1+strings.Count(text, "\n") {
				t.Errorf("%s is after the end", p)
			}
		}
		if (set == nil) == (problems.Err() == nil) {
			t.Fatalf("set %v and %v", set != nil, problems.Err())
		}
		if set != nil {
			roundTrip(t, set, tree, o)
		}
	})
}

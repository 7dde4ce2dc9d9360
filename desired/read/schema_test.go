package read

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

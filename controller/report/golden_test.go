package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// output is one form of a report, as one file of a txtar archive.
type output struct {
	Name string
	Data []byte
}

// outputs are all forms in which a situation can be reported.
func outputs(t *testing.T, h *host) []output {
	t.Helper()
	st := Style{Now: h.Now.Wall}
	d, b := h.diff(), h.board()
	page, err := d.HTML()
	check(t, err)
	files := []output{
		{Name: "diff.txt", Data: []byte(d.Text(st))},
		{Name: "diff.json", Data: must(JSON(d))(t)},
		{Name: "diff.yaml", Data: must(YAML(d))(t)},
		{Name: "diff.md", Data: []byte(d.Markdown())},
		{Name: "diff.html", Data: []byte(page)},
		{Name: "status.txt", Data: []byte(b.Text(st, false))},
		{Name: "status.wide", Data: []byte(b.Text(st, true))},
		{Name: "status.json", Data: must(JSON(b.Status))(t)},
		{Name: "status.yaml", Data: must(YAML(b.Status))(t)},
		{Name: "status.oneline", Data: []byte(b.Status.OneLine(Style{}))},
		{Name: "status.script", Data: []byte(b.Script(st))},
		{Name: "get.txt", Data: []byte(h.Get("Service").Text(st))},
		{Name: "get.json", Data: must(JSON(h.Get("")))(t)},
	}
	return append(files, described(t, h, st)...)
}

func described(t *testing.T, h *host, st Style) []output {
	t.Helper()
	var out []output
	for _, o := range h.Want.Objects {
		d, ok := h.Describe(o.Ref(), nil)
		if !ok {
			t.Fatalf("Describe(%s) found nothing", o.Ref())
		}
		out = append(out,
			output{Name: o.Metadata.Name + ".describe.txt", Data: []byte(d.Text(st))},
			output{Name: o.Metadata.Name + ".describe.json", Data: must(JSON(d))(t)})
	}
	return out
}

// TestGolden holds what people and programs read against testdata. Of the
// formats that say the same as another, only some cases keep a copy.
func TestGolden(t *testing.T) {
	everything := map[string]bool{"drift": true, "replicas": true, "secrets": true, "escapes": true, "not-well": true}
	always := map[string]bool{"diff.txt": true, "diff.json": true, "status.txt": true, "status.json": true, "status.oneline": true, "status.script": true, "get.txt": true}
	for name, build := range cases {
		t.Run(name, func(t *testing.T) {
			var all bytes.Buffer
			for _, f := range outputs(t, build()) {
				if everything[name] || always[f.Name] {
					fmt.Fprintf(&all, "-- %s --\n%s", f.Name, f.Data)
				}
			}
			golden(t, name+".txtar", all.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		check(t, os.WriteFile(path, got, 0o644))
		return
	}
	want, err := os.ReadFile(path)
	check(t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not as it was (-want +got); run with -update if that is meant:\n%s", path, diff)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must returns the bytes of an encoder, or ends the test.
func must(b []byte, err error) func(*testing.T) []byte {
	return func(t *testing.T) []byte {
		t.Helper()
		check(t, err)
		return b
	}
}

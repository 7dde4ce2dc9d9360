package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/pakashop/evenkeel/controller/adopt"
)

// systemd-analyze says the same in JSON and, where it is older, in a table.
func TestExposure(t *testing.T) {
	want := map[string]float64{"a.service": 9.6, "b@1.service": 0.2}
	got := scoresJSON([]byte(`[{"unit":"a.service","exposure":"9.6","predicate":"UNSAFE","happy":"x"},{"unit":"b@1.service","exposure":"0.2"}]`))
	if !maps.Equal(got, want) {
		t.Errorf("JSON: %v", got)
	}
	got = scoresText("UNIT         EXPOSURE PREDICATE HAPPY\na.service         9.6 UNSAFE    x\nb@1.service       0.2 SAFE      y\n\n2 units\n")
	if !maps.Equal(got, want) {
		t.Errorf("text: %v", got)
	}
	if got := scoresJSON([]byte("Unknown option")); got != nil {
		t.Errorf("no JSON: %v", got)
	}
}

// A folder is only ever taken for the one that would be written if it is that to
// the byte, and nothing else.
func TestDiffers(t *testing.T) {
	files := []adopt.File{{Path: "a.yaml", Content: []byte("a\n")}, {Path: "units/a.service", Content: []byte("b\n")}}
	for _, c := range []struct {
		name   string
		change func(dir string) error
		want   string
	}{
		{"the very same", func(string) error { return nil }, ""},
		{"another content", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.yaml"), []byte("x\n"), 0o644) }, "a.yaml"},
		{"another length", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.yaml"), nil, 0o644) }, "a.yaml"},
		{"one more", func(dir string) error { return os.WriteFile(filepath.Join(dir, "b.yaml"), nil, 0o644) }, "b.yaml"},
		{"one less", func(dir string) error { return os.Remove(filepath.Join(dir, "units/a.service")) }, "units/a.service"},
		{"a link in place of a file", func(dir string) error {
			a := filepath.Join(dir, "a.yaml")
			return errors.Join(os.Remove(a), os.Symlink("units/a.service", a))
		}, "a.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := (&draft{trial: dir}).write(files); err != nil {
				t.Fatal(err)
			}
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			if got, err := differs(dir, files); err != nil || got != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

package read_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/pakashop/evenkeel/desired/read"
)

// What lies over the rest takes the place of what has its name, and is as unique in itself.
func TestOver(t *testing.T) {
	book := func(name, does string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("apiVersion: evenkeel.dev/v1\nkind: Runbook\nmetadata: {name: " + name + "}\nspec: {match: ['alertname=\"A\"'], steps: [{ask: " + does + "}]}\n")}
	}
	files := fstest.MapFS{"base/a.yaml": book("a", "old"), "base/b.yaml": book("b", "old"), "new.yaml": book("a", "new"), "again.yaml": book("a", "newer")}
	set, problems := read.Load([]string{"base"}, read.Options{FS: files, Over: []string{"new.yaml"}})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	var asks []string
	for _, b := range set.Runbooks {
		asks = append(asks, b.Name+" "+b.Spec.Steps[0].Ask)
	}
	if !slices.Equal(asks, []string{"a new", "b old"}) {
		t.Errorf("got %q", asks)
	}
	if _, problems = read.Load([]string{"base"}, read.Options{FS: files, Over: []string{"new.yaml", "again.yaml"}}); problems.Err() == nil {
		t.Error("two of a name lie over the rest")
	}
}

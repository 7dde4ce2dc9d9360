package apart

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

// twoHundred are services as they lie in git: a file each, a unit file beside it.
func twoHundred() fstest.MapFS {
	tree := fstest.MapFS{}
	for i := range 200 {
		tree[fmt.Sprintf("services/evk-%03d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `apiVersion: evenkeel.dev/v1
kind: Service
metadata: {name: evk-%03d, labels: {tier: core}}
spec:
  boot: ignored
  unitFile: {source: ../units/evk-%03d.service}
  files:
    - {path: /etc/evk/%03d.env, content: "PORT=%d\n", mode: "0640"}
  livenessProbe: {httpGet: {path: /health, port: %d}, periodSeconds: 10}
`, i, i, i, 3000+i, 3000+i)}
		tree[fmt.Sprintf("units/evk-%03d.service", i)] = &fstest.MapFile{
			Data: fmt.Appendf(nil, "[Unit]\nDescription=Number %d\n[Service]\nExecStart=/usr/bin/sleep infinity\nUser=nobody\nMemoryMax=64M\n[Install]\nWantedBy=multi-user.target\n", i),
		}
	}
	return tree
}

// BenchmarkLoad200 is a revision of 200 services, read in a child and, for
// comparison, here.
func BenchmarkLoad200(b *testing.B) {
	tree := twoHundred()
	o := read.Options{Policy: desired.BuiltInPolicy(), Host: desired.Host{Name: "app-1"}, Revision: "c1", Origins: true, FS: tree}
	enough := func(set *desired.Set, problems read.Problems, err error) {
		if err != nil || set == nil || len(set.Services) != 200 {
			b.Fatal(problems, err)
		}
	}
	b.Run("apart", func(b *testing.B) {
		for b.Loop() {
			set, problems, err := children().load(b.Context(), tree, o)
			enough(set, problems, err)
		}
	})
	b.Run("here", func(b *testing.B) {
		for b.Loop() {
			set, problems := read.Load([]string{"."}, o)
			enough(set, problems, nil)
		}
	})
}

// BenchmarkStart is what a child costs that has nothing to read.
func BenchmarkStart(b *testing.B) {
	tree := fstest.MapFS{"a.yaml": {Data: []byte(oneService)}}
	for b.Loop() {
		if set, problems, err := children().load(b.Context(), tree, read.Options{}); set == nil {
			b.Fatal(problems, err)
		}
	}
}

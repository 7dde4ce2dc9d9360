package examples

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/pakashop/evenkeel/desired/read"
)

var update = flag.Bool("update", false, "rewrite evenkeel.schema.json")

// The schema that editors check the examples with is the one that evenkeel prints.
func TestTheSchemaIsTheCurrentOne(t *testing.T) {
	const file = "evenkeel.schema.json"
	want, err := read.Schema()
	if err != nil {
		t.Fatal(err)
	}
	want = append(bytes.TrimSpace(want), '\n')
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what `evenkeel schema` prints (%v); go test ./examples -update writes it", file, err)
	}
}

package desired

import (
	"slices"
	"testing"
)

// What a shell is to expand reaches it.
func TestACauseAsItIsRun(t *testing.T) {
	d := Drill{Cause: Exec{Command: []string{"/bin/sh", "-c", "for i in $$(seq 3); do echo $i ${i} $1; done"}}}
	want := []string{"/bin/sh", "-c", "for i in $(seq 3); do echo $i ${i} $1; done"}
	if got := d.Command(); !slices.Equal(got, want) {
		t.Errorf("it is %q", got)
	}
}

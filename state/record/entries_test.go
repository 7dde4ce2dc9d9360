package record

import (
	"math/rand/v2"
	"testing"
)

// Everything that was appended is read back, the oldest first, however many
// readings that takes.
func TestEntries(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	want := mustAppend(t, s, entries(rand.New(rand.NewPCG(1, 1)), chunkSize+7)...)
	got, err := s.Entries()
	if err != nil {
		t.Fatal(err)
	}
	if asJSON(t, got) != asJSON(t, want) {
		t.Errorf("%d entries were appended, and %d others are read", len(want), len(got))
	}
}

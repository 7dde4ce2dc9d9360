package record

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	bolt "go.etcd.io/bbolt"

	"github.com/pakashop/evenkeel/state"
)

func kept(t testing.TB, s *Store) (first, last uint64) {
	t.Helper()
	err := s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketEntries).Cursor()
		k, v := c.First()
		r, err := readRow(k, v)
		if err != nil {
			return err
		}
		first, last = r.seq, s.at.seq
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return first, last
}

func TestRetentionByNumberKeepsThePast(t *testing.T) {
	dir, o := t.TempDir(), options(t)
	o.Retention.Entries = 1500
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	var all []state.Entry
	for i := range 60 {
		all = append(all, mustAppend(t, s, entries(rand.New(rand.NewPCG(uint64(i), 1)), 100)...)...)
	}
	first, last := kept(t, s)
	if n := last - first + 1; n < 1500 || n > 1500+snapshotEvery+100 {
		t.Errorf("%d entries are kept, want 1500 and what came after the last snapshot", n)
	}
	want := foldOf(t, all)
	mustClose(t, s)
	if first, last = kept(t, mustReopen(t, dir, o, want)); last-first+1 != 1500 {
		t.Errorf("%d entries are kept after a close, want 1500", last-first+1)
	}
}

func mustReopen(t testing.TB, dir string, o Options, want string) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	believed(t, s)
	if got := asJSON(t, s.Past()); got != want {
		t.Error(cmp.Diff(want, got))
	}
	return s
}

func TestRetentionByAgeNeverEmptiesTheHistory(t *testing.T) {
	dir, o := t.TempDir(), options(t)
	now := clock
	o.Now = func() time.Time { return now }
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	all := mustAppend(t, s, entries(rand.New(rand.NewPCG(1, 1)), 3000)...)
	now = now.Add(89 * 24 * time.Hour)
	all = append(all, mustAppend(t, s, intent(1, "young", "x"))...)
	if first, _ := kept(t, s); first != 1 {
		t.Errorf("dropped before their time: %d is the first", first)
	}
	now = now.AddDate(1, 0, 0) // or somebody set the clock
	mustClose(t, s)
	s = mustReopen(t, dir, o, foldOf(t, all))
	if first, last := kept(t, s); last-first+1 != keepAtLeast {
		t.Errorf("%d entries are kept, want %d", last-first+1, keepAtLeast)
	}
}

func TestCompactionGivesSpaceBack(t *testing.T) {
	dir, o := t.TempDir(), options(t)
	o.Retention.Entries = keepAtLeast
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	all := mustAppend(t, s, entries(rand.New(rand.NewPCG(1, 1)), 12_000)...)
	for range 4 {
		if err := s.snapshot(); err != nil { // each drops some thousand
			t.Fatal(err)
		}
	}
	mustClose(t, s)
	before, _ := os.Stat(dir + "/evenkeel.db")
	want := foldOf(t, all)
	s = mustReopen(t, dir, o, want)
	after, _ := os.Stat(dir + "/evenkeel.db")
	if after.Size() > before.Size()/2 || after.Mode().Perm() != 0o600 {
		t.Errorf("%d bytes became %d, mode %v", before.Size(), after.Size(), after.Mode())
	}
	more := mustAppend(t, s, intent(1, "after", "x"))
	mustClose(t, s)
	mustReopen(t, dir, o, foldOf(t, append(all, more...)))
}

// BenchmarkOpen opens a store that is as full as it gets.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		batch := make([]state.Entry, 0, 500)
		for j := range 250 {
			id := fmt.Sprint(i*250 + j)
			batch = append(batch, intent(1, id, "x"), outcome(2, id, state.Done))
		}
		mustAppend(b, s, batch...)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	st, _ := os.Stat(dir + "/evenkeel.db")
	b.Run("write", func(b *testing.B) {
		b.ReportMetric(float64(st.Size())/1e6, "MB")
		for b.Loop() {
			s, err := Open(dir, Options{})
			if err != nil || s.Distrust() != "" {
				b.Fatal(err, s.Distrust())
			}
			_ = s.Close()
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			s, err := OpenReadOnly(dir)
			if err != nil || s.Distrust() != "" {
				b.Fatal(err, s.Distrust())
			}
			_ = s.Close()
		}
	})
}

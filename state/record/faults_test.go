package record

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

// filled makes a store of some size and returns its folder and its entries.
// Its last commit is one entry of its own.
func filled(t testing.TB) (string, []state.Entry) {
	t.Helper()
	dir := t.TempDir()
	s := mustOpen(t, dir)
	all := mustAppend(t, s, entries(rand.New(rand.NewPCG(5, 5)), 700)...)
	all = append(all, mustAppend(t, s, intent(900, "the-last", "x"))...)
	letDie(t, s)
	return dir, all
}

// letDie ends a Store as kill -9 would: nothing is written any more.
func letDie(t testing.TB, s *Store) {
	t.Helper()
	if err := s.letGo(); err != nil {
		t.Fatal(err)
	}
}

func edit(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func overwrite(from, to int) func([]byte) []byte {
	return func(b []byte) []byte {
		r := rand.New(rand.NewPCG(9, 9))
		for i := from; i < min(to, len(b)); i++ {
			b[i] = byte(r.Uint32())
		}
		return b
	}
}

func cut(percent int) func([]byte) []byte {
	return func(b []byte) []byte { return b[:len(b)*percent/100] }
}

// newest is the meta page that the last commit wrote.
func newest(t testing.TB, dir string) int {
	t.Helper()
	f, err := os.Open(dir + "/evenkeel.db")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, _, err := metasOf(f)
	if err != nil {
		t.Fatal(err)
	}
	return int(m.txid % 2)
}

// distrusted opens a store that must say why it is not believed, go on working
// meanwhile, say it again after a restart, and be believed once accepted.
func distrusted(t *testing.T, dir, why string) {
	t.Helper()
	if s, err := OpenReadOnly(dir); err != nil {
		t.Errorf("to be read: %v", err)
	} else {
		if s.Past().Distrust == "" {
			t.Error("believed by a reader")
		}
		mustClose(t, s)
	}
	for i := range 3 {
		s := mustOpen(t, dir)
		got := s.Past().Distrust
		if !strings.Contains(got, why) || !strings.HasSuffix(got, "evenkeel check --accept-store") {
			t.Fatalf("open %d: %q does not say %q and how to mend it", i, got, why)
		}
		if strings.Count(got, "\n") > 0 {
			t.Errorf("more than one line: %q", got)
		}
		before := s.Past().Seq
		out := mustAppend(t, s, intent(1000+i, fmt.Sprint("later-", i), "y"))
		if s.Past().Seq != before+1 || out[0].Seq != before+1 {
			t.Errorf("seq %d after %d", out[0].Seq, before)
		}
		if i == 1 {
			mustClose(t, s)
		} else {
			letDie(t, s)
		}
	}
	if err := Accept(dir, options(t)); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir)
	believed(t, s)
	if _, ok := s.Past().Flight["later-2"]; !ok {
		t.Error("what was appended while distrusted is gone")
	}
	mustClose(t, s)
}

func setAside(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(dir + "/evenkeel.db.damaged-*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestF11TruncatedDatabase(t *testing.T) {
	for _, percent := range []int{99, 60, 10, 1} {
		t.Run(fmt.Sprint(percent), func(t *testing.T) {
			dir, _ := filled(t)
			edit(t, dir+"/evenkeel.db", cut(percent))
			was, _ := os.ReadFile(dir + "/evenkeel.db")
			distrusted(t, dir, "damaged")
			if kept := setAside(t, dir); len(kept) != 1 {
				t.Errorf("set aside: %v", kept)
			} else if now, _ := os.ReadFile(kept[0]); !cmp.Equal(was, now) {
				t.Error("what was set aside is not what was found")
			}
		})
	}
}

func TestF12OneMetaPageGarbage(t *testing.T) {
	for name, of := range map[string]func(int) int{"the newest": func(n int) int { return n }, "the older": func(n int) int { return 1 - n }} {
		t.Run(name, func(t *testing.T) {
			dir, _ := filled(t)
			page := of(newest(t, dir)) * os.Getpagesize()
			edit(t, dir+"/evenkeel.db", overwrite(page, page+os.Getpagesize()))
			want := "meta page"
			if name == "the newest" {
				want = "700 and 701 were acknowledged" // its last transaction is silently gone
			}
			distrusted(t, dir, strings.NewReplacer("700 and 701", lost(t, dir)).Replace(want))
			if len(setAside(t, dir)) != 1 {
				t.Error("no copy was kept")
			}
		})
	}
}

// lost is how many entries state.seq knows of, beside those that are there.
func lost(t testing.TB, dir string) string {
	m, ok, err := peekMark(dir + "/state.seq")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return fmt.Sprintf("%d and %d", m.Seq-1, m.Seq)
}

func TestF13GarbagePages(t *testing.T) {
	page := os.Getpagesize()
	cases := map[string][2]int{"both metas": {0, 2 * page}, "all but the metas": {2 * page, 1 << 30}, "zeroed from here on": {5 * page, 1 << 30}}
	for name, span := range cases {
		t.Run(name, func(t *testing.T) {
			dir, _ := filled(t)
			edit(t, dir+"/evenkeel.db", overwrite(span[0], span[1]))
			distrusted(t, dir, "damaged")
		})
	}
}

// TestF13AnyPageGarbage damages each page in turn: whatever it was, the process
// lives, and either nothing that counts was lost or the store says so.
func TestF13AnyPageGarbage(t *testing.T) {
	dir, all := filled(t)
	whole, _ := os.ReadFile(dir + "/evenkeel.db")
	seq, _ := os.ReadFile(dir + "/state.seq")
	want, page := foldOf(t, all), os.Getpagesize()
	noticed := 0
	for i := range len(whole) / page {
		for _, zero := range []bool{false, true} {
			b := overwrite(i*page, (i+1)*page)(append([]byte(nil), whole...))
			if zero {
				clear(b[i*page : (i+1)*page])
			}
			dir := t.TempDir()
			if err := errors.Join(os.WriteFile(dir+"/evenkeel.db", b, 0o600), os.WriteFile(dir+"/state.seq", seq, 0o600)); err != nil {
				t.Fatal(err)
			}
			if s, err := OpenReadOnly(dir); err == nil {
				for range s.History(Filter{}) { // may end early, with an error
				}
				mustClose(t, s)
			}
			s := mustOpen(t, dir)
			p := s.Past()
			if p.Distrust != "" {
				noticed++
			} else if got := asJSON(t, p); got != want {
				t.Errorf("page %d: believed, and not the same: %s", i, cmp.Diff(want, got))
			}
			mustClose(t, s)
		}
	}
	if noticed < 40 {
		t.Errorf("only %d damaged pages of %d were noticed", noticed, 2*len(whole)/page)
	}
}

func TestF14EmptiedDatabase(t *testing.T) {
	dir, _ := filled(t)
	edit(t, dir+"/evenkeel.db", cut(0))
	distrusted(t, dir, "evenkeel.db was emptied")
}

func TestDeletedDatabase(t *testing.T) {
	dir, all := filled(t)
	if err := os.Remove(dir + "/evenkeel.db"); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir)
	if got := s.Past().Seq; got != uint64(len(all)) {
		t.Errorf("numbers begin again after %d, want %d", got, len(all))
	}
	letDie(t, s)
	distrusted(t, dir, "evenkeel.db is missing")
}

func TestRolledBackDatabase(t *testing.T) {
	dir, _ := filled(t)
	old, _ := os.ReadFile(dir + "/evenkeel.db")
	s := mustOpen(t, dir)
	mustAppend(t, s, outcome(901, "the-last", state.Done))
	mustClose(t, s)
	edit(t, dir+"/evenkeel.db", func([]byte) []byte { return old })
	distrusted(t, dir, "an older copy was put back")
	if s := mustOpen(t, dir); s.Past().Flight["the-last"].Intent.Step.ID == "" {
		t.Error("what the older copy knows was thrown away")
	}
}

// A rolled-back copy that grew again to the same length is another history.
func TestAnotherHistoryOfTheSameLength(t *testing.T) {
	dir, _ := filled(t)
	old, _ := os.ReadFile(dir + "/evenkeel.db")
	mark, _ := os.ReadFile(dir + "/state.seq")
	s := mustOpen(t, dir)
	mustAppend(t, s, outcome(901, "the-last", state.Done))
	mustClose(t, s)
	real, _ := os.ReadFile(dir + "/state.seq")
	edit(t, dir+"/evenkeel.db", func([]byte) []byte { return old })
	edit(t, dir+"/state.seq", func([]byte) []byte { return mark })
	s = mustOpen(t, dir)
	mustAppend(t, s, outcome(901, "the-last", state.StepFailed))
	mustClose(t, s)
	edit(t, dir+"/state.seq", func([]byte) []byte { return real })
	distrusted(t, dir, "is not the one that was acknowledged")
}

func TestDatabaseOfAnotherHost(t *testing.T) {
	dir, _ := filled(t)
	other, _ := filled(t)
	b, _ := os.ReadFile(other + "/evenkeel.db")
	edit(t, dir+"/evenkeel.db", func([]byte) []byte { return b })
	distrusted(t, dir, "another installation")
}

func TestSidecarLostOrDamaged(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"emptied": cut(0), "garbage": overwrite(0, 1024), "half of a slot": cut(25),
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := filled(t)
			edit(t, dir+"/state.seq", change)
			distrusted(t, dir, "state.seq")
		})
	}
	t.Run("deleted", func(t *testing.T) {
		dir, _ := filled(t)
		if err := os.Remove(dir + "/state.seq"); err != nil {
			t.Fatal(err)
		}
		distrusted(t, dir, "state.seq is missing")
	})
}

// A power cut tears at most the slot that was being written: the mark before
// it remains, and being behind is no harm.
func TestSidecarTornSlotIsNoHarm(t *testing.T) {
	dir, all := filled(t)
	m, _, _ := peekMark(dir + "/state.seq")
	at := int(m.N%2) * slot
	edit(t, dir+"/state.seq", overwrite(at+20, at+slot))
	s := mustOpen(t, dir)
	believed(t, s)
	if s.Past().Seq != uint64(len(all)) {
		t.Errorf("seq %d, want %d", s.Past().Seq, len(all))
	}
}

// An entry that was changed, removed or swapped in a database that is whole.
func TestTamperedEntries(t *testing.T) {
	change := map[string]func(*bolt.Bucket) error{
		"changed": func(b *bolt.Bucket) error {
			v := append([]byte(nil), b.Get(key(400))...)
			return b.Put(key(400), append(v[:len(v)-1], " }"...))
		},
		"removed": func(b *bolt.Bucket) error { return b.Delete(key(400)) },
		"swapped": func(b *bolt.Bucket) error {
			v, w := append([]byte(nil), b.Get(key(400))...), append([]byte(nil), b.Get(key(401))...)
			return errors.Join(b.Put(key(400), w), b.Put(key(401), v))
		},
		"removed from the end":   func(b *bolt.Bucket) error { k, _ := b.Cursor().Last(); return b.Delete(k) },
		"removed from the front": func(b *bolt.Bucket) error { return b.Delete(key(1)) },
	}
	for name, f := range change {
		t.Run(name, func(t *testing.T) {
			dir, _ := filled(t)
			tamper(t, dir, func(tx *bolt.Tx) error { return f(tx.Bucket(bucketEntries)) })
			why := "entry "
			if name == "removed from the end" {
				why = "were acknowledged"
			}
			distrusted(t, dir, why)
		})
	}
}

func tamper(t testing.TB, dir string, f func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(dir+"/evenkeel.db", 0o600, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestAtMostThreeDamagedFilesAreKept(t *testing.T) {
	dir, _ := filled(t)
	for range 6 {
		edit(t, dir+"/evenkeel.db", cut(10))
		letDie(t, mustOpen(t, dir))
	}
	if n := len(setAside(t, dir)); n != maxAside {
		t.Errorf("%d kept, want %d", n, maxAside)
	}
}

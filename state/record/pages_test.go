package record

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDamage overwrites bytes of a database anywhere. Whatever comes of it, the
// process lives, and a store that is believed holds the whole past.
func FuzzDamage(f *testing.F) {
	dir := f.TempDir()
	s := mustOpen(f, dir)
	all := mustAppend(f, s, entries(rand.New(rand.NewPCG(5, 5)), 200)...)
	mustAppend(f, s, intent(900, "the-last", "x"))
	all = append(all, intent(900, "the-last", "x"))
	all[len(all)-1].Seq = uint64(len(all))
	letDie(f, s)
	whole, err := os.ReadFile(dir + "/evenkeel.db")
	if err != nil {
		f.Fatal(err)
	}
	seq, _ := os.ReadFile(dir + "/state.seq")
	want := foldOf(f, all)
	for i, page := 0, os.Getpagesize(); i < len(whole)/page; i++ {
		f.Add(uint32(i*page+8), []byte{1, 0, 9})               // another kind, another count
		f.Add(uint32(i*page+16), []byte{255, 255, 255, 255})   // the first element
		f.Add(uint32(i*page+30), []byte{7, 0, 0, 0, 0, 0, 0})  // where it leads
		f.Add(uint32(i*page+page/2), []byte("something else")) // its content
	}
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		b := append([]byte(nil), whole...)
		copy(b[int(at)%len(b):], change)
		dir := t.TempDir()
		if err := errors.Join(os.WriteFile(dir+"/evenkeel.db", b, 0o600), os.WriteFile(dir+"/state.seq", seq, 0o600)); err != nil {
			t.Fatal(err)
		}
		if r, err := OpenReadOnly(dir); err == nil {
			for range r.History(Filter{}) { // may end early, with an error
			}
			mustClose(t, r)
		}
		s := mustOpen(t, dir)
		if p := s.Past(); p.Distrust == "" && asJSON(t, p) != want {
			t.Error("believed, and not the same past")
		}
		mustClose(t, s)
	})
}

func TestAStrangersDatabaseIsSetAside(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "evenkeel.db"), []byte("not a database at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	distrusted(t, dir, "damaged")
}

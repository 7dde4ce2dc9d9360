package record

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/pakashop/evenkeel/state"
)

func TestF15LockedByAnotherProgram(t *testing.T) {
	dir, all := filled(t)
	tool, err := bolt.Open(dir+"/evenkeel.db", 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir) // in time, or the test does not end
	if d := s.Past().Distrust; !strings.Contains(d, "another program has it locked") {
		t.Errorf("distrust %q", d)
	}
	if s.Past().Known {
		t.Error("a past that could not be read is known")
	}
	if _, err := s.Append([]state.Entry{intent(1, "a", "x")}); err == nil {
		t.Error("appended")
	}
	if err := s.Heal(); err == nil {
		t.Error("healed while it is locked")
	}
	if err := tool.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Heal(); err != nil {
		t.Fatal(err)
	}
	believed(t, s)
	if got, want := asJSON(t, s.Past()), foldOf(t, all); got != want {
		t.Error(cmp.Diff(want, got))
	}
	mustAppend(t, s, intent(1, "a", "x"))
}

// TestF10FailingSync has commits fail at each point: before anything was
// written, and after all of it was. Nothing of them may ever be seen.
func TestF10FailingSync(t *testing.T) {
	fail := map[string]func(*bolt.DB, func(*bolt.Tx) error) error{
		"nothing landed": func(*bolt.DB, func(*bolt.Tx) error) error { return syscall.EIO },
		"rolled back": func(db *bolt.DB, f func(*bolt.Tx) error) error {
			return db.Update(func(tx *bolt.Tx) error { return errors.Join(f(tx), syscall.EIO) })
		},
		"all landed":         func(db *bolt.DB, f func(*bolt.Tx) error) error { return errors.Join(db.Update(f), syscall.EIO) },
		"a panic in between": func(db *bolt.DB, f func(*bolt.Tx) error) error { panic("assertion failed") },
	}
	for name, commit := range fail {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpen(t, dir)
			all := mustAppend(t, s, entries(rand.New(rand.NewPCG(6, 6)), 1500)...)
			s.commit = commit
			if out, err := s.Append([]state.Entry{intent(2000, "lost", "x")}); err == nil || out != nil {
				t.Fatal("acknowledged what failed")
			}
			if d := s.Distrust(); !strings.Contains(d, "nothing can be recorded") && name != "rolled back" {
				t.Errorf("distrust %q", d)
			}
			s.commit = (*bolt.DB).Update
			if err := s.Heal(); err != nil {
				t.Fatal(err)
			}
			believed(t, s)
			all = append(all, mustAppend(t, s, intent(2001, "kept", "x"))...)
			if got, want := asJSON(t, s.Past()), foldOf(t, all); got != want {
				t.Error(cmp.Diff(want, got))
			}
			letDie(t, s)
			s = mustOpen(t, dir)
			believed(t, s)
			if got, want := asJSON(t, s.Past()), foldOf(t, all); got != want {
				t.Error(cmp.Diff(want, got))
			}
		})
	}
}

// A disk that goes on failing keeps the store distrusted, and what memory knew
// is in the fresh file when the old one turns out to be lost.
func TestF10DamagedWhileInUse(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	all := mustAppend(t, s, entries(rand.New(rand.NewPCG(7, 7)), 600)...)
	s.commit = func(*bolt.DB, func(*bolt.Tx) error) error { return syscall.EIO }
	if _, err := s.Append([]state.Entry{intent(2000, "lost", "x")}); err == nil {
		t.Fatal("acknowledged what failed")
	}
	if err := s.Heal(); err == nil && s.Distrust() == "" && s.trouble == nil {
		t.Log("healed: the file itself is whole")
	}
	edit(t, dir+"/evenkeel.db", cut(60))
	s.trouble = syscall.EIO
	s.commit = (*bolt.DB).Update
	if err := s.Heal(); err != nil {
		t.Fatal(err)
	}
	if d := s.Distrust(); !strings.Contains(d, "damaged") {
		t.Errorf("distrust %q", d)
	}
	if got, want := asJSON(t, s.Past()), foldOf(t, all); got != want {
		t.Error(cmp.Diff(want, got))
	}
	letDie(t, s)
	s = mustOpen(t, dir)
	if got, want := asJSON(t, s.Past()), foldOf(t, all); got != want || s.Distrust() == "" {
		t.Errorf("%q %s", s.Distrust(), cmp.Diff(want, got))
	}
}

// A file that is cut off while it is mapped faults at the next read.
func TestF11CutOffWhileInUse(t *testing.T) {
	dir, _ := filled(t)
	s := mustOpen(t, dir)
	if err := os.Truncate(dir+"/evenkeel.db", 4096); err != nil {
		t.Fatal(err)
	}
	var failed error
	for _, err := range s.History(Filter{}) {
		failed = err
	}
	if failed == nil {
		t.Error("history was read from a file that is not there")
	}
	// Whoever appends hears of it, again and again: a plan that was made on a
	// past that has become doubtful must not be carried out.
	for range 3 {
		if _, err := s.Append([]state.Entry{intent(1, "x", "x")}); err == nil || !strings.Contains(err.Error(), "accept-store") {
			t.Errorf("Append: %v", err)
		}
		if _, err := s.Append(nil); err == nil {
			t.Error("it says that it could write")
		}
	}
	letDie(t, s)
	distrusted(t, dir, "damaged")
}

func TestF19Versions(t *testing.T) {
	dir, all := filled(t)
	migrated := 0
	next := migrations{func(tx *bolt.Tx) error { migrated++; _, err := tx.CreateBucket([]byte("new")); return err }}

	s, err := open(dir, options(t), next) // the upgrade
	if err != nil {
		t.Fatal(err)
	}
	believed(t, s)
	if got, want := asJSON(t, s.Past()), foldOf(t, all); got != want || migrated != 1 {
		t.Errorf("%d migrations, %s", migrated, cmp.Diff(want, got))
	}
	mustAppend(t, s, outcome(901, "the-last", state.Done))
	mustClose(t, s)

	before := listing(t, dir)
	s = mustOpen(t, dir) // the downgrade
	if d := s.Distrust(); !strings.Contains(d, "newer evenkeel (version 2, this one knows 1)") {
		t.Errorf("distrust %q", d)
	}
	if _, err := s.Append([]state.Entry{intent(1, "a", "x")}); !errors.Is(err, ErrNewer) {
		t.Errorf("Append: %v", err)
	}
	mustClose(t, s)
	r, err := OpenReadOnly(dir)
	if err != nil || r.Past().Known || !strings.Contains(r.Distrust(), "newer") {
		t.Errorf("read only: %v", err)
	}
	mustClose(t, r)
	if after := listing(t, dir); !cmp.Equal(before, after) {
		t.Errorf("the newer record was touched: %s", cmp.Diff(before, after))
	}

	s, err = open(dir, options(t), next) // and back again
	if err != nil {
		t.Fatal(err)
	}
	believed(t, s)
	mustClose(t, s)
	if migrated != 1 {
		t.Errorf("migrated %d times", migrated)
	}

	if err := Accept(dir, options(t)); err != nil { // or a human gives it up
		t.Fatal(err)
	}
	believed(t, mustOpen(t, dir))
	if len(setAside(t, dir)) != 1 {
		t.Error("the newer record was not kept")
	}
}

func TestAMigrationThatFailsLeavesTheFile(t *testing.T) {
	dir, all := filled(t)
	broken := migrations{func(*bolt.Tx) error { return errors.New("no") }}
	s, err := open(dir, options(t), broken)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.Distrust(), "migrate the record from version 1 to 2: no") {
		t.Errorf("distrust %q", s.Distrust())
	}
	mustClose(t, s)
	s = mustOpen(t, dir)
	believed(t, s)
	if got, want := asJSON(t, s.Past()), foldOf(t, all); got != want {
		t.Error(cmp.Diff(want, got))
	}
}

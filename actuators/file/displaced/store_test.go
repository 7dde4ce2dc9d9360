package displaced_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators/file/displaced"
)

func copyOf(path, content string) displaced.Copy {
	sum := sha256.Sum256([]byte(content))
	return displaced.Copy{Path: path, Digest: hex.EncodeToString(sum[:]), Mode: 0o644, Owner: "root", Group: "root", Reason: "write"}
}

// clock is a clock that is set by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newStore(t *testing.T, max int64) (*displaced.Store, *clock, string) {
	c := &clock{time.Date(2026, 11, 23, 2, 1, 51, 0, time.UTC)}
	dir := filepath.Join(t.TempDir(), "lib", "displaced")
	return displaced.New(dir, displaced.Options{MaxSize: max, Now: c.now}), c, dir
}

func keep(t *testing.T, s *displaced.Store, path, content string) string {
	t.Helper()
	id, err := s.Keep(copyOf(path, content), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestKeepListGet(t *testing.T) {
	s, c, dir := newStore(t, 0)
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Fatalf("before the first: %v, %v", list, err)
	}
	one := keep(t, s, "/etc/a", "first")
	c.at = c.at.Add(time.Minute)
	two := keep(t, s, "/etc/b", "second")
	list, err := s.List()
	if err != nil || len(list) != 2 || list[0].ID != one || list[1].ID != two {
		t.Fatalf("list %+v, %v", list, err)
	}
	got, content, err := s.Get(two)
	want := copyOf("/etc/b", "second")
	want.ID, want.Size, want.At = two, 6, c.at
	if err != nil || string(content) != "second" || !cmp.Equal(got, want) {
		t.Errorf("got %q, %v:\n%s", content, err, cmp.Diff(want, got))
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v", info.Mode())
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode() != 0o600 {
			t.Errorf("%s is %v", e.Name(), info.Mode())
		}
	}
	if len(entries) != 4 {
		t.Errorf("%d files, want two a copy", len(entries))
	}
}

func TestUnknown(t *testing.T) {
	s, _, dir := newStore(t, 0)
	keep(t, s, "/etc/a", "first")
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "secret.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "20261123T020151Z-000000", "../secret", "/etc/passwd", "20261123T020151Z-00000\x00"} {
		if _, _, err := s.Get(id); !errors.Is(err, displaced.ErrUnknown) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestTheSameTwiceIsOneCopy(t *testing.T) {
	s, c, _ := newStore(t, 0)
	one := keep(t, s, "/etc/a", "same")
	c.at = c.at.Add(time.Minute)
	if again := keep(t, s, "/etc/a", "same"); again != one {
		t.Errorf("a repeated attempt made another copy")
	}
	c.at = c.at.Add(2 * time.Hour)
	if later := keep(t, s, "/etc/a", "same"); later == one {
		t.Errorf("a later change back is another copy")
	}
}

func TestPruning(t *testing.T) {
	s, c, _ := newStore(t, 100)
	old := keep(t, s, "/etc/a", strings.Repeat("a", 40))
	c.at = c.at.Add(time.Hour)
	mid := keep(t, s, "/etc/b", strings.Repeat("b", 40))
	c.at = c.at.Add(time.Hour)
	keep(t, s, "/etc/c", strings.Repeat("c", 40)) // no room for all three
	if _, _, err := s.Get(old); !errors.Is(err, displaced.ErrUnknown) {
		t.Errorf("the oldest is still there: %v", err)
	}
	if _, _, err := s.Get(mid); err != nil {
		t.Errorf("more was dropped than needed: %v", err)
	}
	c.at = c.at.Add(31 * 24 * time.Hour)
	keep(t, s, "/etc/d", "d")
	if list, _ := s.List(); len(list) != 1 {
		t.Errorf("after a month there are %d copies", len(list))
	}
	_, err := s.Keep(copyOf("/etc/big", strings.Repeat("x", 101)), strings.NewReader(strings.Repeat("x", 101)))
	if !errors.Is(err, displaced.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if list, _ := s.List(); len(list) != 1 {
		t.Errorf("a copy that is refused drops none: %d", len(list))
	}
}

func TestContentThatChanged(t *testing.T) {
	s, _, dir := newStore(t, 0)
	if _, err := s.Keep(copyOf("/etc/a", "seen"), strings.NewReader("changed")); !errors.Is(err, displaced.ErrChanged) {
		t.Errorf("%v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
	id := keep(t, s, "/etc/a", "seen")
	if err := os.WriteFile(filepath.Join(dir, id), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Get(id); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged content: %v", err)
	}
}

// What an interrupted Keep left is no copy, and goes with a later one.
func TestInterruptedKeep(t *testing.T) {
	s, c, dir := newStore(t, 0)
	keep(t, s, "/etc/a", "whole")
	for _, n := range []string{".new-20261123T010000Z-aaaaaa", "20261123T010000Z-bbbbbb", "note-of-a-human"} {
		p := filepath.Join(dir, n)
		if err := os.WriteFile(p, []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(p, c.at, c.at); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := s.List(); err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	c.at = c.at.Add(2 * time.Hour)
	keep(t, s, "/etc/b", "next")
	entries, _ := os.ReadDir(dir)
	if len(entries) != 5 { // two copies of two files, and the note
		t.Errorf("the folder holds %v", entries)
	}
}

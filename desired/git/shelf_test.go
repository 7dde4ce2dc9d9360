package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func shelf(t *testing.T) *Shelf {
	t.Helper()
	s, err := OpenShelf(filepath.Join(t.TempDir(), "shelf"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func made(t *testing.T, id string, files map[string][]byte) *Tree {
	t.Helper()
	tree, err := NewTree(Commit{
		ID: id, Parents: []string{"p1", "p2"}, Author: "Ada <ada@example.com>", Subject: "an odd one: \x00\xff",
		Time: time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC), Signer: "ada",
	}, files)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestAShelfGivesBackWhatWasPutThere(t *testing.T) {
	s := shelf(t)
	want := made(t, "c1", map[string][]byte{"a.yaml": []byte("a\n"), "units/x.service": {0, 0xff, '\n'}, "empty": {}})
	if err := s.Put(want); err != nil {
		t.Fatal(err)
	}
	s, err := OpenShelf(s.dir) // a restart
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Get("c1")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Files(), want.Files()) || !got.Commit.Time.Equal(want.Commit.Time) || got.Commit.Signer != "ada" || !slices.Equal(got.Commit.Parents, want.Commit.Parents) {
		t.Errorf("got %v of %+v, want %v of %+v", got.Files(), got.Commit, want.Files(), want.Commit)
	}
	for _, name := range want.Files() {
		a, err := fs.ReadFile(got, name)
		if err != nil || string(a) != string(want.files[name]) {
			t.Errorf("%s: got %q, %v, want %q", name, a, err, want.files[name])
		}
	}
	for path, mode := range map[string]fs.FileMode{s.dir: 0o700, filepath.Join(s.dir, "c1.tree"): 0o600} {
		if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want %v", path, fi.Mode(), err, mode)
		}
	}
}

func TestAShelfNeverGivesPartOfATree(t *testing.T) {
	for name, damage := range map[string]func(content []byte) []byte{
		"a flipped bit":    func(c []byte) []byte { c[len(c)/2] ^= 1; return c },
		"cut short":        func(c []byte) []byte { return c[:len(c)-1] },
		"longer":           func(c []byte) []byte { return append(c, 'x') },
		"another digest":   func(c []byte) []byte { c[len(shelfMagic)+1] ^= 1; return c },
		"empty":            func([]byte) []byte { return nil },
		"only its head":    func(c []byte) []byte { return c[:len(sealed(nil))] },
		"another revision": func([]byte) []byte { return sealed([]byte(`{"commit":{"id":"c2"},"files":{}}`)) },
		"another format":   func([]byte) []byte { return sealed([]byte(`[]`)) },
	} {
		s := shelf(t)
		if err := s.Put(made(t, "c1", map[string][]byte{"a": []byte("a"), "b": []byte("b")})); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(s.dir, "c1.tree")
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, damage(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if tree, err := s.Get("c1"); tree != nil || !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v, %v, want an error", name, tree, err)
		}
		// What is put there again is whole.
		if err := s.Put(made(t, "c1", map[string][]byte{"a": []byte("a")})); err != nil {
			t.Errorf("%s: put it there again: %v", name, err)
		}
		if _, err := s.Get("c1"); err != nil {
			t.Errorf("%s, put there again: %v", name, err)
		}
	}
}

func TestAShelfKeepsWhatItIsTold(t *testing.T) {
	s := shelf(t)
	for _, id := range []string{"c1", "c2", "c3"} {
		if err := s.Put(made(t, id, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetFloor("c1", "c3"); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep("c2", "", "not-there"); err != nil {
		t.Fatal(err)
	}
	if ids, err := s.IDs(); err != nil || !slices.Equal(ids, []string{"c2"}) {
		t.Errorf("left are %v, %v, want c2", ids, err)
	}
	if _, err := s.Get("c1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("c1, which was dropped: %v", err)
	}
	if floor, err := s.Floor(); err != nil || !slices.Equal(floor, []string{"c1", "c3"}) {
		t.Errorf("the floor is %v, %v, want c1 and c3", floor, err)
	}
}

func TestADamagedFloorIsNotNoFloor(t *testing.T) {
	s := shelf(t)
	if floor, err := s.Floor(); floor != nil || err != nil {
		t.Errorf("a floor that was never set: %v, %v", floor, err)
	}
	if err := s.SetFloor("c1"); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(s.dir, "floor"), 0); err != nil {
		t.Fatal(err)
	}
	if floor, err := s.Floor(); !errors.Is(err, ErrDamaged) {
		t.Errorf("a floor that is damaged: %v, %v", floor, err)
	}
}

func TestAShelfIsBounded(t *testing.T) {
	s := shelf(t)
	for i := range maxShelved {
		if err := s.Put(made(t, "c"+strings.Repeat("0", i), nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put(made(t, "d", nil)); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("one too many: %v", err)
	}
	if err := s.Put(made(t, "c", map[string][]byte{"a": nil})); err != nil {
		t.Errorf("one that is there already: %v", err)
	}
}

func TestAShelfRefuses(t *testing.T) {
	s := shelf(t)
	for _, id := range []string{"", ".", "..", "../x", "a/b", ".new-1", "-x", "a\x00b"} {
		if err := s.Put(&Tree{Commit: Commit{ID: id}}); err == nil {
			t.Errorf("put %q: no error", id)
		}
		if _, err := s.Get(id); err == nil {
			t.Errorf("get %q: no error", id)
		}
		if err := s.SetFloor("c1", id); err == nil {
			t.Errorf("floor %q: no error", id)
		}
	}
	outside := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(outside, sealed([]byte(`{"commit":{"id":"c1"},"files":{}}`)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(s.dir, "c1.tree")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get("c1"); err == nil {
		t.Error("a link out of the shelf is followed")
	}
}

func TestAShelfClearsAwayWhatWasLeftHalfWritten(t *testing.T) {
	s := shelf(t)
	left := filepath.Join(s.dir, shelfTemp+"123")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenShelf(s.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

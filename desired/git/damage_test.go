package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// objectsOf are the files of a repository that hold objects.
func objectsOf(t testing.TB, repository string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(filepath.Join(repository, "objects"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(name, ".idx") && !strings.HasSuffix(name, ".rev") {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("the objects of %s: %v, %v", repository, names, err)
	}
	return names
}

// spoil changes a file as a bad disk would.
func spoil(t testing.TB, name string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err == nil {
		_ = os.Chmod(name, 0o644)
		err = os.WriteFile(name, change(content), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func half(b []byte) []byte { return b[:len(b)/2] }

func flipped(b []byte) []byte {
	for i := len(b) / 2; i < len(b)/2+8 && i < len(b); i++ {
		b[i] ^= 0xff
	}
	return b
}

// Whatever becomes of the mirror, the branch is followed on.
func TestAMirrorThatIsDamagedIsMadeAnew(t *testing.T) {
	write := func(name, content string) func(*testing.T, string) {
		return func(t *testing.T, mirror string) {
			if err := os.WriteFile(filepath.Join(mirror, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(t *testing.T, mirror string){
		"a pack that is cut short": func(t *testing.T, mirror string) {
			for _, f := range objectsOf(t, mirror) {
				spoil(t, f, half)
			}
		},
		"a pack with other bytes": func(t *testing.T, mirror string) {
			for _, f := range objectsOf(t, mirror) {
				spoil(t, f, flipped)
			}
		},
		"no pack": func(t *testing.T, mirror string) {
			if err := os.RemoveAll(filepath.Join(mirror, "objects", "pack")); err != nil {
				t.Fatal(err)
			}
		},
		"an index with other bytes": func(t *testing.T, mirror string) {
			names, _ := filepath.Glob(filepath.Join(mirror, "objects", "pack", "*.idx"))
			for _, f := range names {
				spoil(t, f, flipped)
			}
		},
		"a stale lock of the branch": write("refs/evenkeel/branch.lock", ""),
		"a stale lock of all refs":   write("packed-refs.lock", ""),
		"no HEAD": func(t *testing.T, mirror string) {
			if err := os.Remove(filepath.Join(mirror, "HEAD")); err != nil {
				t.Fatal(err)
			}
		},
		"a configuration that is none": write("config", "[core\n"),
		"an empty ref":                 write("refs/evenkeel/branch", ""),
		"a ref to nothing":             write("refs/evenkeel/branch", none+"\n"),
		"a stale lock of shallow":      write("shallow.lock", ""),
		"objects that lie elsewhere":   write("objects/info/alternates", "/nonexistent/objects\n"),
		"a file in place of the mirror": func(t *testing.T, mirror string) {
			replace(t, mirror, func() error { return os.WriteFile(mirror, nil, 0o644) })
		},
		"an empty folder": func(t *testing.T, mirror string) { replace(t, mirror, func() error { return os.Mkdir(mirror, 0o755) }) },
		"a link that leads elsewhere": func(t *testing.T, mirror string) {
			replace(t, mirror, func() error { return os.Symlink("/nonexistent", mirror) })
		},
		"nothing at all": func(t *testing.T, mirror string) { replace(t, filepath.Dir(mirror), func() error { return nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t)
			first := o.commit(map[string]string{"a.yaml": strings.Repeat("first\n", 100)})
			o.push("main")
			m := mirror(t, o.options())
			fetched(t, m)
			damage(t, m.mirror())
			second := o.commit(map[string]string{"a.yaml": strings.Repeat("second\n", 100)})
			o.push("main")
			if h := fetched(t, m, first); h.Branch.ID != second {
				t.Fatalf("got %s, want %s", h.Branch.ID, second)
			}
			// From then on it is whole again, and nothing lies aside.
			third := o.commit(map[string]string{"a.yaml": "third"})
			o.push("main")
			if h := fetched(t, m, first, second); h.Branch.ID != third {
				t.Errorf("got %s, want %s", h.Branch.ID, third)
			}
			if fi, err := os.Lstat(m.mirror()); err != nil || !fi.IsDir() || fi.Mode().Perm() != 0o700 {
				t.Errorf("the mirror is %v, %v", fi, err)
			}
			names, err := os.ReadDir(m.options.Folder)
			if err != nil || len(names) != 1 {
				t.Errorf("in the folder are %v, %v, want the mirror alone", names, err)
			}
		})
	}
}

func replace(t *testing.T, path string, by func() error) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(path), by()); err != nil {
		t.Fatal(err)
	}
}

// An object that is another than its name says would be put in force under the name
// of a commit that somebody has signed.
func TestAnObjectThatIsNotWhatItsNameSaysIsNotRead(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a.yaml": "good\n"})
	o.push("main")
	options := o.options()
	m := mirror(t, options)
	fetched(t, m)

	// Somebody with the rights of git's user writes to the mirror: an object with
	// the name of a.yaml's, and another content.
	other := newOrigin(t)
	evil := other.blob("evil\n")
	good := o.blob("good\n")
	written, err := os.ReadFile(filepath.Join(other.work, ".git/objects", evil[:2], evil[2:]))
	if err != nil {
		t.Fatal(err)
	}
	packs, _ := filepath.Glob(filepath.Join(m.mirror(), "objects/pack/*"))
	for _, p := range packs {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
	loose := filepath.Join(o.work, ".git/objects")
	if err := os.CopyFS(filepath.Join(m.mirror(), "objects"), os.DirFS(loose)); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(m.mirror(), "objects", good[:2], good[2:])
	if err := errors.Join(os.Remove(target), os.WriteFile(target, written, 0o644)); err != nil {
		t.Fatal(err)
	}
	m = mirror(t, options)
	if got := content(t, fetched(t, m).Tree)["a.yaml"]; got != "good\n" {
		t.Errorf("got %q, want what the commit says", got)
	}
}

func TestWhatAKilledProcessLeftIsClearedAway(t *testing.T) {
	o := newOrigin(t)
	o.commit(nil)
	o.push("main")
	m := mirror(t, o.options())
	fetched(t, m)
	left := filepath.Join(m.options.Folder, asideName+"123")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	fetched(t, m)
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestKeysThatAKilledProcessLeftAreClearedAway(t *testing.T) {
	o := newOrigin(t)
	o.commit(nil)
	o.push("main")
	options := o.options()
	options.Scratch = room(t)
	left, used := filepath.Join(options.Scratch, scratchName+"1"), filepath.Join(options.Scratch, scratchName+"2")
	if err := errors.Join(os.Mkdir(left, 0o700), os.Mkdir(used, 0o700), os.WriteFile(filepath.Join(left, "key"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	lock, err := locked(used)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	fetched(t, mirror(t, options))
	if names, err := os.ReadDir(options.Scratch); err != nil || len(names) != 1 || names[0].Name() != filepath.Base(used) {
		t.Errorf("left are %v, %v, want what another process uses alone", names, err)
	}
}

// A remote that is damaged itself is said to be so, and another one is asked.
func TestARemoteThatIsDamaged(t *testing.T) {
	o := newOrigin(t)
	want := o.commit(map[string]string{"a.yaml": strings.Repeat("first\n", 100)})
	o.push("main")
	broken := filepath.Join(room(t), "broken.git")
	o.run("", "clone", "-q", "--bare", "--no-hardlinks", o.bare, broken)
	for _, f := range objectsOf(t, broken) {
		spoil(t, f, flipped)
	}
	options := o.options()
	options.Remotes = []string{broken}
	h, err := mirror(t, options).Fetch(t.Context())
	var r *Refused
	var u *Unreachable
	if !errors.As(err, &r) && !errors.As(err, &u) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %s, %v, want an error of one line", h.Branch.ID, err)
	}
	options.Remotes = []string{broken, o.bare}
	if h := fetched(t, mirror(t, options)); h.Branch.ID != want || h.Remote != o.bare {
		t.Errorf("got %s from %s, want %s from the other", h.Branch.ID, h.Remote, want)
	}
}

func TestManyPacksBecomeOne(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a.yaml": "0"})
	o.push("main")
	m := mirror(t, o.options())
	fetched(t, m)
	packs := func() int {
		names, err := filepath.Glob(filepath.Join(m.mirror(), "objects/pack/*.pack"))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	for i := range 3 {
		o.commit(map[string]string{"a.yaml": strings.Repeat("x", i+1)})
		o.push("main")
		fetched(t, m)
	}
	if n := packs(); n != 4 {
		t.Fatalf("there are %d packs, want one a fetch", n)
	}
	s, err := m.openSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(m.options.Log)
	m.tidy(t.Context(), s, m.mirror())
	if n := packs(); n != 4 {
		t.Errorf("%d packs: four are not many", n)
	}
	s.repack(t.Context(), m.mirror(), 3, m.options.Log)
	if n := packs(); n != 1 {
		t.Errorf("there are %d packs, want one", n)
	}
	fetched(t, m)
}

package files

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// wire is a tripwire, and a look at some folders that it covers, and at some of
// which it covers the parents.
func wire(t *testing.T, dirs ...string) (w *tripwire, look func(below ...string)) {
	t.Helper()
	w, err := newTripwire()
	must(t, err)
	t.Cleanup(w.close)
	return w, func(below ...string) {
		w.begin()
		for _, d := range dirs {
			w.cover(d)
		}
		for _, d := range below {
			w.watch(d)
		}
		w.end()
	}
}

// fallsSilent looks until silence follows. Tests that run beside this one change
// folders on the way, too; that nothing at all happens for so long cannot be.
func fallsSilent(t *testing.T, w *tripwire, look func(...string)) {
	t.Helper()
	for range 10_000 {
		if look(); w.silent() {
			return
		}
	}
	t.Fatal("there is no silence; do temporary files lie on a local file system?")
}

func TestWhatBreaksTheSilence(t *testing.T) {
	mkdir := func(p string) error { return os.Mkdir(p, 0o755) }
	for _, c := range []struct {
		name string
		do   func(root string) error
	}{
		{"a file is made", func(root string) error { return os.WriteFile(root+"/etc/system/new", nil, 0o644) }},
		{"a file is removed", func(root string) error { return os.Remove(root + "/etc/system/file") }},
		{"a file is replaced", func(root string) error { return os.Rename(root+"/elsewhere/file", root+"/etc/system/file") }},
		{"a file is moved away", func(root string) error { return os.Rename(root+"/etc/system/file", root+"/elsewhere/new") }},
		{"a file gets another name", func(root string) error { return os.Link(root+"/elsewhere/file", root+"/etc/system/new") }},
		{"two files are exchanged", func(root string) error { return exchange(root+"/elsewhere/file", root+"/etc/system/file") }},
		{"a folder is made", func(root string) error { return mkdir(root + "/etc/system/new") }},
		{"a link is made", func(root string) error { return os.Symlink("file", root+"/etc/system/new") }},
		{"its mode changes", func(root string) error { return os.Chmod(root+"/etc/system", 0o700) }},
		{"it is removed", func(root string) error { return os.RemoveAll(root + "/etc/system") }},
		{"it is moved away", func(root string) error { return os.Rename(root+"/etc/system", root+"/elsewhere/system") }},
		{"it is exchanged", func(root string) error { return exchange(root+"/etc/system", root+"/elsewhere") }},
		{"a folder above it is moved away", func(root string) error { return os.Rename(root+"/etc", root+"/gone") }},
		{"a folder above its mode changes", func(root string) error { return os.Chmod(root+"/etc", 0o700) }},
		{"one that was missing is made", func(root string) error { return mkdir(root + "/run") }},
		{"one that was missing is linked", func(root string) error { return os.Symlink("etc", root+"/run") }},
		{"a link on the way leads elsewhere", func(root string) error {
			if err := os.Symlink("elsewhere", root+"/next"); err != nil {
				return err
			}
			return os.Rename(root+"/next", root+"/middle")
		}},
		{"a file is made behind links", func(root string) error { return os.WriteFile(root+"/usr/lib/system/new", nil, 0o644) }},
		{"what a link leads to is moved away", func(root string) error { return os.Rename(root+"/usr/lib", root+"/usr/gone") }},
		{"a folder below it is moved away", func(root string) error { return os.Rename(root+"/etc/system/x.wants", root+"/elsewhere/x.wants") }},
		{"a folder below it is made anew", func(root string) error {
			if err := os.RemoveAll(root + "/etc/system/x.wants"); err != nil {
				return err
			}
			return mkdir(root + "/etc/system/x.wants")
		}},
		{"a file is made below it", func(root string) error { return os.WriteFile(root+"/etc/system/x.wants/new", nil, 0o644) }},
		{"the event of a folder is lost", func(root string) error {
			if err := overflow(root + "/etc/system/"); err != nil {
				return err
			}
			return exchange(root+"/etc/system/x.wants", root+"/elsewhere")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			put(t, root+"/etc/system/file", "", 0o644)
			must(t, mkdir(root+"/etc/system/x.wants"))
			put(t, root+"/elsewhere/file", "", 0o644)
			put(t, root+"/usr/lib/system/file", "", 0o644)
			must(t, os.Symlink("middle/../usr/lib", root+"/lib"))
			must(t, os.Symlink("usr", root+"/middle"))
			w, cover := wire(t, root+"/etc/system", root+"/run/system", root+"/lib/system")
			look := func(...string) { cover(root + "/etc/system/x.wants") }
			fallsSilent(t, w, look)
			must(t, c.do(root))
			if w.silent() {
				t.Error("silence")
			}
			fallsSilent(t, w, look)
			if len(w.former) > 0 {
				t.Errorf("%d watches are left", len(w.former))
			}
			// What has taken the place of a folder is watched in its stead.
			must(t, os.MkdirAll(root+"/etc/system/x.wants", 0o755))
			for _, name := range []string{"/etc/system/again", "/etc/system/x.wants/again"} {
				fallsSilent(t, w, look)
				put(t, root+name, "", 0o644)
				if w.silent() {
					t.Errorf("then silence about %s", name)
				}
			}
		})
	}
}

func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

// overflow makes more events than the kernel keeps.
func overflow(dir string) error {
	var limit int
	b, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(string(b), &limit); err != nil {
		return err
	}
	for i := range limit {
		if err := os.Rename(dir+[]string{"file", "moved"}[i%2], dir+[]string{"moved", "file"}[i%2]); err != nil {
			return err
		}
	}
	return nil
}

// What a unit file says is read from the file itself each time; the folder is
// as it was.
func TestContentLeavesTheSilence(t *testing.T) {
	root := t.TempDir()
	put(t, root+"/file", "", 0o644)
	w, look := wire(t, root)
	for range 10_000 {
		fallsSilent(t, w, look)
		must(t, os.WriteFile(root+"/file", []byte("more"), 0o644))
		if w.silent() {
			return
		}
	}
	t.Error("a file's content was told as a change of its folder")
}

// Where changes are not all told there is no silence.
func TestUnsure(t *testing.T) {
	root := t.TempDir()
	must(t, os.Symlink("loop", root+"/loop"))
	must(t, os.Symlink("/proc/self", root+"/proc"))
	for _, dir := range []string{"/proc/sys", root + "/loop/system", root + "/proc/task"} {
		w, look := wire(t, root, dir)
		for range 100 {
			if look(); w.silent() {
				t.Fatalf("silence about %s", dir)
			}
		}
	}
}

// Silence is not believed for ever.
func TestSilenceEnds(t *testing.T) {
	w, look := wire(t, t.TempDir())
	fallsSilent(t, w, look)
	w.looked = w.looked.Add(-longest)
	if w.silent() {
		t.Error("silence has not ended")
	}
}

func TestUnchangedFoldersAreNotLookedAt(t *testing.T) {
	root := t.TempDir()
	tree(t, root, "/etc/systemd/system/a.service WantedBy=x.target")
	l := NewLinks(root)
	stop, err := l.Watch()
	must(t, err)
	boot := func(...string) {
		if got, err := l.Boot([]string{"a.service"}); err != nil || got["a.service"] != "disabled" {
			t.Fatalf("%v, %v", got, err)
		}
	}
	fallsSilent(t, l.wire, boot)
	stop()
	tree(t, root, "/etc/systemd/system/x.target.wants/a.service -> ../a.service")
	if got, err := l.Boot([]string{"a.service"}); err != nil || got["a.service"] != "enabled" {
		t.Errorf("when nothing is watched any longer: %v, %v", got, err)
	}
}

// A change is seen by whoever asks next, without any pause, whatever becomes of
// the folders: a Links that watches answers like one that has only just been made.
func TestWatchedLinksAreNew(t *testing.T) {
	folders := []string{
		"/etc/systemd", "/etc/systemd/system", "/etc/systemd/system/x.target.wants", "/run/systemd", "/run/systemd/system",
		"/run/systemd/system/x.target.wants", "/opt/a/system/x.target.wants", "/opt/b", "/opt/c",
	}
	names := []string{"a.service", "b.service", "t@1.service"}
	rapid.Check(t, func(rt *rapid.T) {
		root, err := os.MkdirTemp(t.TempDir(), "root")
		must(t, err)
		tree(t, root, `
			/usr/lib/systemd/system/a.service WantedBy=x.target
			/usr/lib/systemd/system/t@.service WantedBy=x.target
			/etc/systemd/system/x.target.wants/b.service -> /usr/lib/systemd/system/b.service
			/opt/b/a.service -> /usr/lib/systemd/system/a.service
		`)
		l := NewLinks(root)
		stop, err := l.Watch()
		must(t, err)
		defer stop()
		folder := rapid.Custom(func(rt *rapid.T) string { return root + rapid.SampledFrom(folders).Draw(rt, "folder") })
		for range rapid.IntRange(1, 30).Draw(rt, "changes") {
			p := folder.Draw(rt, "at")
			name := p + "/" + rapid.SampledFrom(names).Draw(rt, "name")
			what := rapid.SampledFrom([]string{"make", "remove", "link", "unit", "unit", "rename", "exchange", "lead"}).Draw(rt, "what")
			switch what { // what cannot be done is not
			case "make":
				_ = os.MkdirAll(p, 0o755)
			case "remove":
				_ = os.RemoveAll(p)
			case "link":
				_ = os.Symlink("/usr/lib/systemd/system/a.service", name)
			case "unit":
				_ = os.MkdirAll(p, 0o755)
				_ = os.Remove(name) // or a link would be followed, out of this root
				_ = os.WriteFile(name, []byte("[Install]\nWantedBy=x.target\n"), 0o644)
			case "rename":
				_ = os.Rename(p, folder.Draw(rt, "to"))
			case "exchange":
				_ = exchange(p, folder.Draw(rt, "with"))
			case "lead": // a link in the place of a folder
				_ = os.Remove(p)
				_ = os.Symlink(root+rapid.SampledFrom([]string{"/opt/a", "/opt/b", "/opt/a/system"}).Draw(rt, "dest"), p)
			}
			got, err := l.Boot(names)
			fresh, freshErr := (&Links{root: l.root, folders: emptied(l.folders), parsed: make(map[string]parsed)}).Boot(names)
			if (err == nil) != (freshErr == nil) {
				rt.Fatalf("%s %s: %v, a fresh one says %v", what, strings.TrimPrefix(p, root), err, freshErr)
			}
			if d := cmp.Diff(fresh, got); d != "" {
				rt.Fatalf("%s %s: %s", what, strings.TrimPrefix(p, root), d)
			}
		}
	})
}

// emptied is the same search path, with nothing read of it.
func emptied(folders []*unitFolder) (out []*unitFolder) {
	for _, f := range folders {
		out = append(out, &unitFolder{path: f.path, where: f.where, runtime: f.runtime, absent: true})
	}
	return out
}

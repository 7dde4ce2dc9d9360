package files

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watched is a Watcher that runs, and what it reported.
type watched struct {
	*Watcher
	t       *testing.T
	reports chan []string
}

func watch(t *testing.T, paths, folders []string) *watched {
	t.Helper()
	w, err := NewWatcher(slog.New(slog.DiscardHandler))
	must(t, err)
	w.Set(paths, folders)
	ctx, cancel := context.WithCancel(t.Context())
	out := &watched{w, t, make(chan []string, 1024)}
	ended := make(chan error)
	go func() { ended <- w.Run(ctx, func(p []string) { out.reports <- p }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		must(t, w.Close())
	})
	return out
}

// expect waits for a path to be reported, whatever else is.
func (w *watched) expect(what, path string) {
	w.t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case got := <-w.reports:
			if slices.Contains(got, path) {
				return
			}
		case <-timeout:
			w.t.Fatalf("%s: %s was not reported", what, path)
		}
	}
}

// quietUntil sees to it that only the given path is reported from now on, by
// changing it last: what came before it in the queue would have come first.
func (w *watched) quietUntil(what, path string) {
	w.t.Helper()
	must(w.t, os.WriteFile(path, []byte("last"), 0o644))
	got := <-w.reports
	if !slices.Equal(got, []string{path}) {
		w.t.Errorf("%s: %v was reported", what, got)
	}
}

// drain forgets what was reported so far; marker is a watched file.
func (w *watched) drain(marker string) {
	w.t.Helper()
	must(w.t, os.WriteFile(marker, []byte("marker"), 0o644))
	w.expect("marker", marker)
	time.Sleep(2 * patience) // the marker's own last write
	for len(w.reports) > 0 {
		<-w.reports
	}
}

func TestWatchFile(t *testing.T) {
	dir := t.TempDir()
	p, marker := dir+"/x.service", dir+"/marker"
	w := watch(t, []string{p, marker}, nil)
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"created", func() error { return os.WriteFile(p, nil, 0o644) }},
		{"written in place", func() error { return os.WriteFile(p, []byte("x"), 0o644) }},
		{"mode", func() error { return os.Chmod(p, 0o600) }},
		{"replaced", func() error {
			if err := os.WriteFile(dir+"/.tmp", nil, 0o644); err != nil {
				return err
			}
			return os.Rename(dir+"/.tmp", p)
		}},
		{"replaced again", func() error {
			if err := os.WriteFile(dir+"/.tmp", nil, 0o644); err != nil {
				return err
			}
			return os.Rename(dir+"/.tmp", p)
		}},
		{"removed", func() error { return os.Remove(p) }},
		{"masked", func() error { return os.Symlink("/dev/null", p) }},
		{"moved away", func() error { return os.Rename(p, dir+"/away") }},
	} {
		w.drain(marker)
		must(t, c.do())
		w.expect(c.name, p)
	}
	w.drain(marker)
	must(t, os.WriteFile(dir+"/other", nil, 0o644))
	must(t, os.WriteFile(dir+"/.evenkeel-123", nil, 0o644))
	must(t, os.Remove(dir+"/.evenkeel-123"))
	w.quietUntil("other files", marker)
}

func TestWatchFolder(t *testing.T) {
	dir := t.TempDir()
	drop, marker := dir+"/x.service.d", dir+"/marker"
	w := watch(t, []string{marker}, []string{drop})
	must(t, os.Mkdir(drop, 0o755))
	w.expect("folder made", drop)
	must(t, os.WriteFile(drop+"/10.conf", nil, 0o644))
	w.expect("entry", drop+"/10.conf")
	w.drain(marker)
	must(t, os.WriteFile(drop+"/.evenkeel-123", nil, 0o644))
	must(t, os.WriteFile(drop+"/.10.conf.swp", nil, 0o644))
	w.quietUntil("temporary files", marker)
	must(t, os.RemoveAll(drop))
	w.expect("folder removed", drop)
	must(t, os.Mkdir(drop, 0o755))
	w.expect("folder made anew", drop)
	must(t, os.WriteFile(drop+"/20.conf", nil, 0o644))
	w.expect("entry of the new folder", drop+"/20.conf")
}

// A file is watched though nothing of the way to it exists yet, and though the
// folders above it are replaced.
func TestWatchWhatIsNotThereYet(t *testing.T) {
	dir := t.TempDir()
	p := dir + "/a/b/c/file"
	w := watch(t, []string{p}, nil)
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	w.expect("folders made", p)
	must(t, os.WriteFile(p, nil, 0o644))
	w.expect("file made", p)
	must(t, os.Rename(dir+"/a", dir+"/old"))
	w.expect("folder moved away", p)
	put(t, dir+"/new/b/c/file", "new", 0o644)
	must(t, os.Rename(dir+"/new", dir+"/a"))
	w.expect("another folder in its place", p)
	must(t, os.WriteFile(p, []byte("changed"), 0o644))
	w.expect("a change in it", p)
	must(t, unix.Renameat2(unix.AT_FDCWD, dir+"/a", unix.AT_FDCWD, dir+"/old", unix.RENAME_EXCHANGE))
	w.expect("folders exchanged", p)
	must(t, os.WriteFile(p, []byte("changed again"), 0o644))
	w.expect("a change in what was exchanged", p)
}

// A deploy switches a link; what is read through it is another file then.
func TestWatchThroughALink(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/releases/1/app.env", "1", 0o644)
	put(t, dir+"/releases/2/app.env", "2", 0o644)
	must(t, os.Symlink("releases/1", dir+"/current"))
	p := dir + "/current/app.env"
	w := watch(t, []string{p, dir + "/current"}, nil)
	put(t, dir+"/releases/1/app.env", "1b", 0o644)
	w.expect("a change behind the link", p)
	must(t, os.Symlink("releases/2", dir+"/next"))
	must(t, os.Rename(dir+"/next", dir+"/current"))
	w.expect("the link is switched", dir+"/current")
	put(t, dir+"/releases/2/app.env", "2b", 0o644)
	w.expect("a change behind the new link", p)
}

func TestSetAndAdd(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"a", "b", "c"} {
		must(t, os.Mkdir(dir+"/"+n, 0o755))
	}
	w := watch(t, []string{dir + "/a/file", dir + "/b/file"}, nil)
	w.Add([]string{dir + "/c/file"}, nil)
	put(t, dir+"/c/file", "", 0o644)
	w.expect("added", dir+"/c/file")
	w.Set([]string{dir + "/b/file"}, []string{dir + "/a"})
	w.drain(dir + "/b/file")
	put(t, dir+"/c/file", "no longer", 0o644)
	w.quietUntil("no longer wanted", dir+"/b/file")
	put(t, dir+"/a/any", "", 0o644)
	w.expect("now a folder", dir+"/a/any")
}

// A burst is one report, and nothing of it is lost.
func TestBurst(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, nil, []string{dir})
	for i := range 3000 {
		put(t, dir+"/"+strings.Repeat("f", 1+i%200), "x", 0o644)
	}
	put(t, dir+"/last", "", 0o644)
	seen := make(map[string]bool)
	for !seen[dir+"/last"] {
		for _, p := range <-w.reports {
			seen[p] = true
		}
	}
	if len(seen) < 201 {
		t.Errorf("%d of 201 paths reported", len(seen))
	}
}

// When the kernel's queue overflows, everything is reported as changed.
func TestOverflow(t *testing.T) {
	dir := t.TempDir()
	w, err := NewWatcher(slog.New(slog.DiscardHandler))
	must(t, err)
	defer w.Close()
	w.Set(nil, []string{dir})
	b, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	must(t, err)
	limit, err := strconv.Atoi(strings.TrimSpace(string(b)))
	must(t, err)
	for i := range limit + 100 {
		must(t, os.Chmod(dir, os.FileMode(0o700+i%2)))
		if i%2 == 0 {
			must(t, os.WriteFile(dir+"/a", nil, 0o644))
		} else {
			must(t, os.WriteFile(dir+"/b", nil, 0o644))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	overflow := false
	must(t, w.Run(ctx, func(p []string) {
		overflow = overflow || p == nil
		if overflow || slices.Contains(p, dir+"/end") {
			cancel()
		}
		_ = os.WriteFile(dir+"/end", nil, 0o644)
	}))
	if !overflow {
		t.Error("an overflow was not reported")
	}
}

func TestCloseEndsRun(t *testing.T) {
	w, err := NewWatcher(slog.New(slog.DiscardHandler))
	must(t, err)
	ended := make(chan error)
	go func() { ended <- w.Run(t.Context(), func([]string) {}) }()
	must(t, w.Close())
	must(t, <-ended)
	w.Set([]string{"/etc/x"}, nil) // harmless
}

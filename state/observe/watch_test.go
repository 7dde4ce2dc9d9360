package observe

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/files"
)

// watching is a Watch that runs, and what it reported.
type watching struct {
	t       *testing.T
	o       *Observer
	reports chan []state.Ref
}

func startWatch(t *testing.T, p *parts, refs []state.Ref) *watching {
	t.Helper()
	w := &watching{t, p.observer(), make(chan []state.Ref, 1024)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- w.o.Watch(ctx, func() []state.Ref { return refs }, func(r []state.Ref) { w.reports <- r }, nil)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if first := <-w.reports; len(first) != 0 {
		t.Errorf("it began with %v, not with everything", first)
	}
	return w
}

func (w *watching) expect(what string, refs ...state.Ref) {
	w.t.Helper()
	timeout := time.After(10 * time.Second)
	for left := refs; len(left) > 0; {
		select {
		case got := <-w.reports:
			left = slices.DeleteFunc(slices.Clone(left), func(r state.Ref) bool { return slices.Contains(got, r) })
		case <-timeout:
			w.t.Fatalf("%s: %v was not reported", what, left)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWatch(t *testing.T) {
	p := newParts(t)
	root := t.TempDir()
	system, wants, drop := root+"/system", root+"/system/x.target.wants", root+"/system/a.service.d"
	for _, d := range []string{system, wants} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.folders = []string{system, wants}
	p.boot = map[string]string{"a.service": "disabled", "t@1.service": "disabled", "b.service": "disabled"}
	refs := []state.Ref{unit("a.service"), unit("b.service"), unit("t@1.service"), file(root + "/a.env"), file(system + "/a.service"), dir(drop), hostRef}
	w := startWatch(t, p, refs)
	w.o.Observe(t.Context(), refs)

	write(t, p.stop, "")
	w.expect("kill switch", hostRef)
	write(t, root+"/a.env", "")
	w.expect("a file", file(root+"/a.env"))
	write(t, system+"/a.service", "")
	w.expect("a unit file", file(system+"/a.service"), unit("a.service"))
	write(t, system+"/t@.service", "")
	w.expect("a template", unit("t@1.service"))
	write(t, wants+"/a.service", "")
	w.expect("a link", unit("a.service"))
	if err := os.Mkdir(drop, 0o755); err != nil {
		t.Fatal(err)
	}
	w.expect("a drop-in folder", dir(drop), unit("a.service"))
	write(t, drop+"/10.conf", "")
	w.expect("a drop-in", dir(drop))
	p.mu.Lock()
	p.boot["b.service"] = "enabled"
	p.mu.Unlock()
	write(t, system+"/alias.service", "")
	w.expect("a link of another name", unit("b.service"))

	p.touch <- []string{"a.service"}
	w.expect("a signal", unit("a.service"))
	p.touch <- nil
	for got := range w.reports {
		if len(got) == 0 {
			break
		}
	}
}

// What is looked at for the first time is watched from then on, before it is
// read.
func TestWhatIsObservedIsWatched(t *testing.T) {
	p := newParts(t)
	root := t.TempDir()
	later := []state.Ref{file(root + "/late.env"), dir(root + "/late.d")}
	w := startWatch(t, p, later[:0])
	w.o.Observe(t.Context(), later)
	write(t, root+"/late.env", "")
	w.expect("a file", later[0])
	if err := os.Mkdir(root+"/late.d", 0o755); err != nil {
		t.Fatal(err)
	}
	w.expect("a folder", later[1])
}

// Whoever keeps the watch is woken by what is new, and by nothing else: an idle
// host is left to sleep.
func TestOnlyNewsWakes(t *testing.T) {
	w, err := files.NewWatcher(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	s := newScopes()
	s.begin(w)
	for _, c := range []struct {
		name string
		do   func()
		news bool
	}{
		{"a file for the first time", func() { s.add([]string{"/a"}, nil) }, true},
		{"the file again", func() { s.add([]string{"/a"}, nil) }, false},
		{"a folder for the first time", func() { s.add([]string{"/a"}, []string{"/d"}) }, true},
		{"systemd runs", func() { s.system("running") }, true},
		{"systemd still runs", func() { s.system("running") }, false},
		{"what is of interest", func() { s.set([]state.Ref{file("/a"), dir("/d")}, nil) }, false},
		{"what is of interest is looked at", func() { s.add([]string{"/a"}, []string{"/d"}) }, false},
		{"systemd stops", func() { s.system("stopping") }, true},
	} {
		c.do()
		news := false
		select {
		case <-s.news:
			news = true
		default:
		}
		if news != c.news {
			t.Errorf("%s: news %v", c.name, news)
		}
	}
}

// Where the folders of units cannot be watched all else is.
func TestFoldersOfUnitsUnwatched(t *testing.T) {
	p := newParts(t)
	p.blind = errors.New("too many open files")
	w := startWatch(t, p, []state.Ref{hostRef})
	write(t, p.stop, "")
	w.expect("kill switch", hostRef)
}

// A host on its way up is looked at until it is there.
func TestHostOnItsWayUp(t *testing.T) {
	p := newParts(t)
	p.manager.Value.System = "starting"
	w := startWatch(t, p, []state.Ref{hostRef})
	w.o.Observe(t.Context(), []state.Ref{hostRef})
	w.expect("still starting", hostRef)
}

func TestTemplate(t *testing.T) {
	for unit, want := range map[string]string{"x@1.service": "x@.service", "x@a.b.service": "x@.service", "x.service": "", "x@.service": "x@.service", "@": ""} {
		if got := template(unit); got != want {
			t.Errorf("%s: %q, want %q", unit, got, want)
		}
	}
}

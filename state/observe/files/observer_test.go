package files

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/state"
)

// now counts up: each reading has its own time.
func clock() func() state.Time {
	var n time.Duration
	return func() state.Time {
		n++
		return state.Time{Wall: time.Now().Round(0), Up: n, Boot: "b"}
	}
}

func newObserver(o Options) *Observer { return New(clock(), o) }

func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func one(t *testing.T, o *Observer, path string) state.Fact[state.File] {
	t.Helper()
	return o.Observe(t.Context(), []string{path})[path]
}

func TestWhatLiesAtAPath(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/passwd", "root:x:0:0::/:/bin/sh\nme:x:"+strconv.Itoa(os.Geteuid())+":1::/:/bin/sh\n", 0o644)
	put(t, dir+"/group", "root:x:0:\n", 0o644)
	put(t, dir+"/file", "content", 0o640)
	put(t, dir+"/setuid", "", 0o755|os.ModeSetuid|os.ModeSetgid)
	put(t, dir+"/folder/a", "1", 0o644)
	must(t, os.Chmod(dir+"/folder", 0o777|os.ModeSticky))
	must(t, os.Symlink("/dev/null", dir+"/mask"))
	must(t, os.Symlink("file", dir+"/link"))
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	owner := "me"
	if os.Geteuid() == 0 {
		owner = "root"
	}
	group := strconv.Itoa(os.Getegid())
	if os.Getegid() == 0 {
		group = "root"
	}
	for _, c := range []struct {
		path string
		want state.File
	}{
		{"/none", state.File{}},
		{"/file/below", state.File{}},
		{"/file", state.File{Kind: state.Regular, Digest: state.Digest([]byte("content")), Mode: 0o640, Size: 7}},
		{"/setuid", state.File{Kind: state.Regular, Digest: state.Digest(nil), Mode: 0o6755}},
		{"/mask", state.File{Kind: state.Symlink, Link: "/dev/null", Mode: 0o777, Size: 9}},
		{"/link", state.File{Kind: state.Symlink, Link: "file", Mode: 0o777, Size: 4}},
		{"/fifo", state.File{Kind: state.Other, Mode: 0o600}},
		{"/folder", state.File{Kind: state.Folder, Mode: 0o1777}},
	} {
		t.Run(strings.TrimPrefix(c.path, "/"), func(t *testing.T) {
			o := newObserver(Options{Passwd: dir + "/passwd", Group: dir + "/group"})
			f := one(t, o, dir+c.path)
			if !f.Known() {
				t.Fatalf("not known: %+v", f)
			}
			if c.want.Kind != state.Absent {
				c.want.Owner, c.want.Group = owner, group
				if f.Value.Changed.IsZero() {
					t.Error("no ctime")
				}
			}
			ignore := cmpopts.IgnoreFields(state.File{}, "Changed")
			if c.want.Kind == state.Folder {
				c.want.Digest = f.Value.Digest // see TestFolder
			}
			if d := cmp.Diff(c.want, f.Value, ignore); d != "" {
				t.Error(d)
			}
			if again := one(t, o, dir+c.path); again.Value != f.Value {
				t.Errorf("a second look differs: %+v", again.Value)
			}
		})
	}
}

// Content may have another name at some paths, now or from now on.
func TestNamesOfContent(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/secret", "content", 0o600)
	put(t, dir+"/plain", "content", 0o600)
	age(t) // so that it is not read again
	keyed := false
	o := newObserver(Options{Name: func(path, digest string) string {
		if keyed && path == dir+"/secret" {
			return "keyed " + digest
		}
		return digest
	}})
	plain := state.Digest([]byte("content"))
	for _, c := range []struct{ path, want string }{{dir + "/secret", plain}, {dir + "/secret", "keyed " + plain}, {dir + "/plain", plain}} {
		if f := one(t, o, c.path); f.Value.Digest != c.want {
			t.Errorf("%s is called %s, want %s", c.path, f.Value.Digest, c.want)
		}
		keyed = true
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/big", strings.Repeat("x", 100), 0o644)
	put(t, dir+"/fits", strings.Repeat("x", 99), 0o644)
	o := newObserver(Options{MaxSize: 99})
	if f := one(t, o, dir+"/big"); f.Known() || !strings.Contains(f.Err, ErrTooLarge.Error()) || f.At.IsZero() {
		t.Errorf("%+v", f)
	}
	if f := one(t, o, dir+"/fits"); !f.Known() {
		t.Errorf("%+v", f)
	}
	if f := one(t, o, dir+"/"+strings.Repeat("n", 300)); f.Known() || !strings.Contains(f.Err, "name too long") {
		t.Errorf("%+v", f)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f := o.Observe(ctx, []string{dir + "/fits"})[dir+"/fits"]; f.Known() || !strings.Contains(f.Err, context.Canceled.Error()) {
		t.Errorf("after the end: %+v", f)
	}
}

// age makes a file look as if it had been left alone: what is as young as its
// reading is not cached.
func age(t *testing.T) {
	t.Helper()
	time.Sleep(racy + 15*time.Millisecond)
}

func TestReadAgainOnlyWhenItChanged(t *testing.T) {
	dir := t.TempDir()
	p := dir + "/file"
	put(t, p, "aaaa", 0o644)
	o := newObserver(Options{})
	first := one(t, o, p).Value
	if len(o.files) != 0 {
		t.Fatal("a reading as young as the file was kept: a change within the same tick would be lost")
	}
	age(t)
	one(t, o, p)
	if len(o.files) != 1 {
		t.Fatal("a reading of a file that was left alone was not kept")
	}
	o.files[p] = cachedFile{o.files[p].stamp, "kept"} // what is not read again shows
	if got := one(t, o, p).Value; got.Digest != "kept" {
		t.Errorf("the file was read again: %+v", got)
	}
	for _, c := range []struct {
		name string
		do   func()
		want string
	}{
		{"same size, times set back", func() {
			put(t, p, "bbbb", 0o644)
			must(t, os.Chtimes(p, time.Unix(1, 0), time.Unix(1, 0)))
		}, "bbbb"},
		{"replaced", func() {
			put(t, dir+"/other", "cccc", 0o644)
			must(t, os.Rename(dir+"/other", p))
		}, "cccc"},
		{"rewritten in place", func() { put(t, p, "dddd", 0o644) }, "dddd"},
	} {
		c.do()
		if got := one(t, o, p).Value; got.Digest != state.Digest([]byte(c.want)) {
			t.Errorf("%s: an old reading", c.name)
		}
		age(t)
		one(t, o, p)
	}
	if first.Digest != state.Digest([]byte("aaaa")) {
		t.Errorf("first reading: %+v", first)
	}
	must(t, os.Remove(p))
	if got := one(t, o, p).Value; got.Kind != state.Absent {
		t.Errorf("removed: %+v", got)
	}
}

// The owner's name can change though the file does not.
func TestOwnersAreNotCachedWithTheContent(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/file", "x", 0o644)
	age(t)
	o := newObserver(Options{Passwd: dir + "/passwd", Group: dir + "/group"})
	id := strconv.Itoa(os.Geteuid())
	if got := one(t, o, dir+"/file").Value.Owner; got != id {
		t.Errorf("without a name: %q", got)
	}
	put(t, dir+"/passwd", "# comment\n+nis::::::\nbroken\nfirst:x:"+id+":0:::\nsecond:x:"+id+":0:::\n", 0o644)
	if got := one(t, o, dir+"/file").Value.Owner; got != "first" {
		t.Errorf("with a name: %q", got)
	}
}

func TestFactsAreDatedBeforeTheReading(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/a", "a", 0o644)
	put(t, dir+"/b", "b", 0o644)
	var at []time.Duration
	seen := clock()
	o := New(func() state.Time { n := seen(); at = append(at, n.Up); return n }, Options{})
	facts := o.Observe(t.Context(), []string{dir + "/a", dir + "/b", dir + "/a"})
	if len(facts) != 2 || facts[dir+"/a"].At.Up != at[0] || facts[dir+"/b"].At.Up <= facts[dir+"/a"].At.Up {
		t.Errorf("%v, clock read at %v", facts, at)
	}
}

func TestDirs(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/x.service.d/20-b.conf", "", 0o644)
	put(t, dir+"/x.service.d/10-a.conf", "", 0o644)
	put(t, dir+"/x.service.d/.evenkeel-0011", "", 0o644)
	put(t, dir+"/file", "", 0o644)
	must(t, os.Symlink("x.service.d", dir+"/linked.d"))
	o := newObserver(Options{MaxEntries: 5})
	want := state.Dir{Exists: true, Names: []string{"10-a.conf", "20-b.conf"}}
	ignore := cmpopts.IgnoreFields(state.Dir{}, "Changed")
	facts := o.Dirs(t.Context(), []string{dir + "/x.service.d", dir + "/linked.d", dir + "/none", dir + "/file"})
	for p, w := range map[string]state.Dir{"/x.service.d": want, "/linked.d": want, "/none": {}, "/file": {}} {
		f := facts[dir+p]
		if !f.Known() || !cmp.Equal(f.Value, w, ignore) {
			t.Errorf("%s: %+v", p, f)
		}
	}
	age(t)
	o.Dirs(t.Context(), []string{dir + "/x.service.d"})
	put(t, dir+"/x.service.d/30-c.conf", "", 0o644)
	if f := o.Dirs(t.Context(), []string{dir + "/x.service.d"})[dir+"/x.service.d"]; len(f.Value.Names) != 3 {
		t.Errorf("after one more: %+v", f)
	}
	for i := range 4 {
		put(t, dir+"/x.service.d/4"+strconv.Itoa(i), "", 0o644)
	}
	if f := o.Dirs(t.Context(), []string{dir + "/x.service.d"})[dir+"/x.service.d"]; f.Known() || !strings.Contains(f.Err, "more than 5 entries") {
		t.Errorf("too long: %+v", f)
	}
}

// A release folder that is watched differs when what lies in it does, as far as
// its listing shows.
func TestFolder(t *testing.T) {
	dir := t.TempDir() + "/release"
	put(t, dir+"/app", "one", 0o755)
	put(t, dir+"/lib/deep", "1", 0o644)
	must(t, os.Symlink("app", dir+"/link"))
	o := newObserver(Options{})
	last := one(t, o, dir).Value.Digest
	if again := one(t, o, dir).Value.Digest; again != last || last == "" {
		t.Fatalf("not the same twice: %q, %q", last, again)
	}
	for _, c := range []struct {
		name    string
		do      func() error
		differs bool
	}{
		{"a file is added", func() error { return os.WriteFile(dir+"/new", nil, 0o644) }, true},
		{"another size", func() error { return os.WriteFile(dir+"/app", []byte("longer"), 0o755) }, true},
		{"another time", func() error { return os.Chtimes(dir+"/app", time.Unix(9, 0), time.Unix(9, 0)) }, true},
		{"another mode", func() error { return os.Chmod(dir+"/app", 0o700) }, true},
		{"a link leads elsewhere", func() error {
			return errors.Join(os.Remove(dir+"/link"), os.Symlink("new", dir+"/link"))
		}, true},
		{"a file deeper is rewritten", func() error { return os.WriteFile(dir+"/lib/deep", []byte("2"), 0o644) }, false},
		{"evenkeel's own temporary file", func() error { return os.WriteFile(dir+"/.evenkeel-1", nil, 0o644) }, false},
	} {
		must(t, c.do())
		now := one(t, o, dir).Value.Digest
		if (now != last) != c.differs {
			t.Errorf("%s: differs %v, want %v", c.name, now != last, c.differs)
		}
		last = now
	}
}

// What is replaced under the reader is never read: not through a link, and a
// FIFO is never opened.
func TestRacingKinds(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/secret", "secret", 0o600)
	put(t, dir+"/file", "file", 0o644)
	must(t, os.Symlink("secret", dir+"/link"))
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			for _, other := range []string{"/link", "/fifo"} {
				_ = unix.Renameat2(unix.AT_FDCWD, dir+"/file", unix.AT_FDCWD, dir+other, unix.RENAME_EXCHANGE)
				_ = unix.Renameat2(unix.AT_FDCWD, dir+"/file", unix.AT_FDCWD, dir+other, unix.RENAME_EXCHANGE)
			}
		}
	}()
	o := newObserver(Options{})
	for range 5000 {
		f := one(t, o, dir+"/file")
		if f.Value.Digest == state.Digest([]byte("secret")) {
			t.Fatal("a link was followed")
		}
		if f.Value.Kind == state.Regular && f.Known() && f.Value.Digest != state.Digest([]byte("file")) {
			t.Fatalf("%+v", f)
		}
	}
	cancel()
	<-done
}

func BenchmarkObserveWarm1000(b *testing.B) {
	dir := b.TempDir()
	var paths []string
	for i := range 1000 {
		p := dir + "/" + strconv.Itoa(i)
		if err := os.WriteFile(p, []byte("[Service]\nExecStart=/bin/true\n"), 0o644); err != nil {
			b.Fatal(err)
		}
		paths = append(paths, p)
	}
	time.Sleep(2 * racy)
	o := newObserver(Options{})
	o.Observe(b.Context(), paths)
	for b.Loop() {
		o.Observe(b.Context(), paths)
	}
}

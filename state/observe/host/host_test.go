package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestClock(t *testing.T) {
	c, err := NewClock()
	if err != nil {
		t.Fatal(err)
	}
	a := c.Now()
	b := c.Now()
	if a.Boot == "" || strings.ContainsAny(a.Boot, "\n ") || a.Boot != c.Boot() || a.Up <= 0 || b.Up < a.Up || a.Wall.Location() != time.UTC {
		t.Errorf("first %+v, then %+v", a, b)
	}
	if b.Since(a) < 0 || b.Since(a) > time.Minute {
		t.Errorf("%s passed in between", b.Since(a))
	}
}

// fixture is a host with lock files that nobody holds.
func fixture(t *testing.T) (*Host, string) {
	root := t.TempDir()
	for _, p := range []string{"/var/lib/dpkg", "/run/evenkeel"} {
		if err := os.MkdirAll(root+p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"} {
		if err := os.WriteFile(root+p, nil, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return New(Options{Root: root, Poll: time.Millisecond, Idle: time.Millisecond}), root
}

func TestKillSwitch(t *testing.T) {
	h, root := fixture(t)
	stop := root + "/run/evenkeel/stop"
	for _, c := range []struct {
		name string
		do   func() error
		want bool
	}{
		{"absent", func() error { return nil }, false},
		{"a file", func() error { return os.WriteFile(stop, nil, 0o644) }, true},
		{"a dangling link", func() error { return link(stop) }, true},
		{"no folder", func() error { return os.RemoveAll(filepath.Dir(stop)) }, false},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if got, err := h.Observe(); err != nil || got.Stopped != c.want {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}

func link(p string) error {
	if err := os.Remove(p); err != nil {
		return err
	}
	return os.Symlink("nowhere", p)
}

// hold locks a file as another process would: a lock of an open file of its own
// conflicts with every other, in this process too.
func hold(t *testing.T, path string, kind int16) (release func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestPackageLocks(t *testing.T) {
	h, root := fixture(t)
	check := func(when string, want bool) {
		t.Helper()
		if got, err := h.Observe(); err != nil || got.Packages != want {
			t.Errorf("%s: %+v, %v", when, got, err)
		}
	}
	check("nobody", false)
	release := hold(t, root+"/var/lib/dpkg/lock", unix.F_WRLCK)
	check("dpkg works", true)
	check("and is not disturbed by a look", true)
	if listed, err := listed(root + "/var/lib/dpkg/lock"); err != nil || !listed {
		t.Errorf("in the kernel's list: %v, %v", listed, err)
	}
	if listed, err := listed(root + "/var/lib/dpkg/lock-frontend"); err != nil || listed {
		t.Errorf("the other in the kernel's list: %v, %v", listed, err)
	}
	release()
	check("dpkg has ended", false)
	release = hold(t, root+"/var/lib/dpkg/lock-frontend", unix.F_RDLCK)
	check("somebody only reads", false)
	release()
	if err := os.RemoveAll(root + "/var/lib/dpkg"); err != nil {
		t.Fatal(err)
	}
	check("no dpkg at all", false)
}

func TestWatchTellsOfPackageLocks(t *testing.T) {
	h, root := fixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	changes, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		h.Watch(ctx, func() {
			select {
			case changes <- struct{}{}:
			case <-ctx.Done():
			}
		})
	}()
	for told := 0; told < 2; { // it cannot be known when Watch looks first
		release := hold(t, root+"/var/lib/dpkg/lock", unix.F_WRLCK)
		select {
		case <-changes:
			told++
		case <-time.After(20 * time.Millisecond):
		}
		release()
		select {
		case <-changes:
			told++
		case <-time.After(20 * time.Millisecond):
		}
	}
	cancel()
	<-ended
}

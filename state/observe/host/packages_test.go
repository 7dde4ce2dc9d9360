package host

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/state"
)

// There is quiet for a minute after a package manager was last seen at work: at
// its lock, or by what it wrote. Looking again makes no difference.
func TestQuietAfterPackages(t *testing.T) {
	h, root := fixture(t)
	status, lock := root+"/var/lib/dpkg/status", root+"/var/lib/dpkg/lock"
	now := state.Time{Wall: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC), Up: time.Hour, Boot: "b1"}
	h.opt.Now = func() state.Time { return now }
	wrote := func(at time.Time) {
		t.Helper()
		if err := os.WriteFile(status, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(status, at, at); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, held bool, until time.Duration) {
		t.Helper()
		for range 2 {
			got, err := h.Observe()
			if err != nil || got.Packages != held || got.PackagesUntil != until {
				t.Errorf("%s: at work %t, until %s, %v; want %t, %s", when, got.Packages, got.PackagesUntil, err, held, until)
			}
			now = now.Add(time.Millisecond)
		}
		now = now.Add(-2 * time.Millisecond)
	}
	check("no database at all", false, 0)
	wrote(now.Wall.Add(-time.Hour))
	check("a run an hour ago", false, 0)
	wrote(now.Wall.Add(time.Hour))
	check("a run in the future: the clock was set", false, 0)
	wrote(now.Wall.Add(-20 * time.Second))
	check("a short run that nobody saw", false, now.Up+40*time.Second)

	now = now.Add(10 * time.Second)
	release := hold(t, lock, unix.F_WRLCK)
	check("at work", true, 0)
	now = now.Add(10 * time.Second)
	check("still at work", true, 0)
	last := now.Up + time.Millisecond // the second of both looks
	release()
	now = now.Add(5 * time.Second)
	check("its end", false, last+time.Minute)
	now = now.Add(time.Hour)
	check("long after", false, last+time.Minute)
	wrote(now.Wall)
	check("another run", false, now.Up+time.Minute)
}

package host

import (
	"context"
	"os"
	"sync"
	"testing"
	"testing/synctest"
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

// While nothing is at work the locks are looked at every half minute; while something
// is, and in the minute after it, every five seconds.
func TestHowOftenTheLocksAreLookedAt(t *testing.T) {
	h, root := fixture(t)
	h.opt.Poll, h.opt.Idle = 5*time.Second, 30*time.Second
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		h.opt.Now = func() state.Time { return state.Time{Wall: time.Now(), Up: time.Hour + time.Since(began), Boot: "b1"} }
		ctx, cancel := context.WithCancel(t.Context())
		told := make(chan struct{}, 1)
		var ended sync.WaitGroup
		ended.Go(func() { h.Watch(ctx, func() { told <- struct{}{} }) })
		tells := func(what string, within time.Duration) {
			t.Helper()
			since := time.Now()
			<-told
			if after := time.Since(since); after > within {
				t.Errorf("%s: told after %s, want %s", what, after, within)
			}
		}
		time.Sleep(time.Hour)
		release := hold(t, root+"/var/lib/dpkg/lock", unix.F_WRLCK)
		tells("it begins", 30*time.Second)
		time.Sleep(3 * time.Minute)
		release()
		tells("it ends", 5*time.Second)
		time.Sleep(20 * time.Second)
		release = hold(t, root+"/var/lib/dpkg/lock", unix.F_WRLCK)
		tells("it begins again", 5*time.Second)
		release()
		tells("it ends again", 5*time.Second)
		cancel()
		ended.Wait()
	})
}

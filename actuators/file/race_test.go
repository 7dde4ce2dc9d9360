package file_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file"
)

// swaps is how often an attacker changes what lies in the way.
const swaps = 10_000

// An attacker who may write to a folder on the way swaps folders and targets
// for links to where he may not write, again and again, while evenkeel writes.
// Nothing must ever be written there.
func TestRacingLinksNeverEscape(t *testing.T) {
	for _, c := range []struct {
		name string
		swap func(h *host)
	}{
		{"the parent becomes a link", func(h *host) {
			exchange(h, "/etc/app", "/etc/evil")
		}},
		{"the target becomes a link", func(h *host) {
			exchange(h, "/etc/app/x.conf", "/etc/evilfile")
		}},
		{"the target becomes a mask and back", func(h *host) {
			exchange(h, "/etc/app/x.conf", "/etc/mask")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			victim := t.TempDir()
			if err := os.WriteFile(filepath.Join(victim, "x.conf"), []byte("one"), 0o600); err != nil {
				t.Fatal(err)
			}
			mkdir(h, "/etc/app")
			h.put("/etc/app/x.conf", "one")
			link(h, victim, "/etc/evil")
			link(h, filepath.Join(victim, "x.conf"), "/etc/evilfile")
			link(h, "/dev/null", "/etc/mask")
			before := identity(t, victim)
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			var writes atomic.Int64
			wg.Go(func() {
				defer cancel()
				// Long enough that both got their turns in between.
				for i := 0; i < swaps || writes.Load() < 100 && i < 100*swaps; i++ {
					c.swap(h)
				}
			})
			for ctx.Err() == nil {
				for _, r := range []actuators.Request{
					write("/etc/app/x.conf", "two", "one"), write("/etc/app/x.conf", "one", "two"), remove("/etc/app/x.conf", "one"), write("/etc/app/x.conf", "one", ""),
				} {
					if res, err := h.a.Apply(context.Background(), r); err == nil && res.Changed {
						writes.Add(1)
					} else if k := actuators.KindOf(err); err != nil && k != actuators.Refused && k != actuators.Conflict && k != actuators.Failed && k != actuators.Unknown {
						t.Errorf("%s: %v", k, err)
					}
				}
			}
			wg.Wait()
			if writes.Load() == 0 {
				t.Error("no write took effect: nothing was tried")
			}
			if now := identity(t, victim); now != before {
				t.Errorf("the victim was %s, is %s", before, now)
			}
			for _, dest := range []string{victim, filepath.Join(victim, "x.conf"), "/dev/null"} {
				if !linked(t, h.path("/etc"), dest) {
					t.Errorf("the link to %s is gone: a link or mask was replaced", dest)
				}
			}
		})
	}
}

// identity is what changes when anything is done to a folder or the file in it,
// be it undone later.
func identity(t *testing.T, dir string) string {
	t.Helper()
	var d, f unix.Stat_t
	if err := unix.Stat(dir, &d); err != nil {
		t.Fatal(err)
	}
	if err := unix.Lstat(filepath.Join(dir, "x.conf"), &f); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(d.Ino, d.Ctim, f.Ino, f.Mode, f.Size, f.Ctim)
}

// linked tells whether a link to dest still lies somewhere below a folder. An
// attacker's own swaps may have moved it, and evenkeel may have set it aside.
func linked(t *testing.T, dir, dest string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if l, lerr := os.Readlink(p); lerr == nil && l == dest {
			found = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// exchange swaps two names in one step. One of them may be missing for a
// moment, while evenkeel removes the file.
func exchange(h *host, a, b string) {
	_ = unix.Renameat2(unix.AT_FDCWD, h.path(a), unix.AT_FDCWD, h.path(b), unix.RENAME_EXCHANGE)
}

// A human who saves a file again and again, by rename as editors do, never
// loses a version that evenkeel had not been told of.
func TestRacingHumanWins(t *testing.T) {
	h := newHost(t)
	a := file.New(file.Options{Root: h.root, Displaced: filepath.Join(t.TempDir(), "d")})
	for i := range 300 {
		h.put("/etc/x.conf", "seen")
		h.put("/etc/x.human", "by hand")
		var wg sync.WaitGroup
		wg.Go(func() {
			for range i % 17 {
				_ = h.get("/etc/x.human") // a little time, another one in each round
			}
			if err := os.Rename(h.path("/etc/x.human"), h.path("/etc/x.conf")); err != nil {
				t.Error(err)
			}
		})
		_, err := a.Apply(t.Context(), write("/etc/x.conf", "declared", "seen"))
		wg.Wait()
		// Whoever came last stands; it must be the human unless he came first
		// and evenkeel was refused.
		if got := h.get("/etc/x.conf"); got != "by hand" {
			t.Fatalf("round %d: there lies %q, the write said %v", i, got, err)
		}
	}
}

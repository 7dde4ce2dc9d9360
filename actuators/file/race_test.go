package file_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
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
		swap func(h *host, victim string, i int)
	}{
		{"the parent becomes a link", func(h *host, victim string, i int) {
			exchange(h, "/etc/app", "/etc/evil")
		}},
		{"the target becomes a link", func(h *host, victim string, i int) {
			exchange(h, "/etc/app/x.conf", "/etc/evilfile")
		}},
		{"the target becomes a mask and back", func(h *host, victim string, i int) {
			exchange(h, "/etc/app/x.conf", "/etc/mask")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			victim := t.TempDir()
			if err := os.WriteFile(filepath.Join(victim, "x.conf"), []byte("untouched"), 0o600); err != nil {
				t.Fatal(err)
			}
			mkdir(h, "/etc/app")
			h.put("/etc/app/x.conf", "one")
			link(h, victim, "/etc/evil")
			link(h, filepath.Join(victim, "x.conf"), "/etc/evilfile")
			link(h, "/dev/null", "/etc/mask")
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() {
				defer cancel()
				for i := range swaps {
					c.swap(h, victim, i)
				}
			})
			writes := 0
			for ctx.Err() == nil {
				for _, r := range []actuators.Request{
					write("/etc/app/x.conf", "two", "one"), write("/etc/app/x.conf", "one", "two"), remove("/etc/app/x.conf", "one"), write("/etc/app/x.conf", "one", ""),
				} {
					if res, err := h.a.Apply(context.Background(), r); err == nil && res.Changed {
						writes++
					} else if k := actuators.KindOf(err); err != nil && k != actuators.Refused && k != actuators.Conflict && k != actuators.Failed {
						t.Errorf("%s: %v", k, err)
					}
				}
			}
			wg.Wait()
			t.Logf("%d writes and removes took effect during %d swaps", writes, swaps)
			entries, err := os.ReadDir(victim)
			if err != nil || len(entries) != 1 {
				t.Errorf("the victim holds %v, %v", entries, err)
			}
			info, err := os.Lstat(filepath.Join(victim, "x.conf"))
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("the victim's file is %v, %v", info, err)
			}
			if b, _ := os.ReadFile(filepath.Join(victim, "x.conf")); string(b) != "untouched" {
				t.Errorf("the victim's file has %q", b)
			}
			for _, l := range []struct{ a, b, dest string }{
				{"/etc/evil", "/etc/app", victim}, {"/etc/evilfile", "/etc/app/x.conf", filepath.Join(victim, "x.conf")}, {"/etc/mask", "/etc/app/x.conf", "/dev/null"},
			} {
				one, _ := os.Readlink(h.path(l.a))
				two, _ := os.Readlink(h.path(l.b))
				three, _ := os.Readlink(h.path("/etc/evil/x.conf")) // where /etc/app may be now
				if one != l.dest && two != l.dest && three != l.dest {
					t.Errorf("the link to %s is gone: a link or mask was replaced", l.dest)
				}
			}
		})
	}
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

package resident

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const smaps = `00400000-01bc8000 r-xp 00000000 fe:00 100 /usr/bin/evenkeel
Rss:               12000 kB
Private_Dirty:        64 kB
Anonymous:             0 kB
01bc8000-02f6f000 r--p 017c8000 fe:00 100 /usr/bin/evenkeel
Anonymous:             0 kB
Swap:                  0 kB
02f6f000-02fff000 r--p 02b6f000 fe:00 100 /usr/bin/evenkeel
Private_Dirty:        64 kB
Anonymous:            64 kB
02fff000-03000000 r-xp 02b7f000 fe:00 100 /usr/bin/evenkeel
Anonymous:             0 kB
Swap:                  4 kB
03000000-03100000 rw-p 02bff000 fe:00 100 /usr/bin/evenkeel
Private_Dirty:         0 kB
Anonymous:             0 kB
03100000-03200000 rw-p 00000000 00:00 0
Anonymous:             0 kB
7f0000000000-7f0000001000 r--p 00000000 fe:00 101 /usr/bin/other
Anonymous:             0 kB
7f0000002000-7f0000003000 r--p 00000000 fe:00 101 /usr/bin/evenkeel (deleted)
Anonymous:             0 kB
VmFlags: rd mr mw me
`

// Only what is the program's file, and as the file has it, is let go.
func TestClean(t *testing.T) {
	want := []area{{0x400000, 0x1bc8000}, {0x1bc8000, 0x2f6f000}}
	if d := cmp.Diff(want, clean([]byte(smaps), "/usr/bin/evenkeel"), cmp.AllowUnexported(area{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	want = []area{{0x7f0000002000, 0x7f0000003000}} // a program that was replaced since
	if d := cmp.Diff(want, clean([]byte(smaps), "/usr/bin/evenkeel (deleted)"), cmp.AllowUnexported(area{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The program goes on, with less of itself in memory.
func TestTrim(t *testing.T) {
	before := mapped(t)
	for range 3 {
		if err := Trim(); err != nil {
			t.Fatal(err)
		}
	}
	after := mapped(t)
	t.Logf("%d kB of the program were mapped, and %d are", before, after)
	if before == 0 || after >= before {
		t.Errorf("%d kB of the program are mapped, and %d were", after, before)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Keep(ctx); err != nil {
		t.Error(err)
	}
}

var ofFiles = regexp.MustCompile(`(?m)^RssFile:\s+(\d+) kB$`)

func mapped(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := ofFiles.FindSubmatch(bytes.TrimSpace(b))
	if m == nil {
		t.Fatal("the kernel does not say it")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

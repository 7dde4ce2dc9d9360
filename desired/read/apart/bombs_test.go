package apart

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

// TestBombsCostLittle feeds a child what is made to cost much (FAULTS SEC-06):
// each is refused with a message, in little time, and the whole child, its program
// included, never takes more memory than the limit: 64 MiB, and more only where
// 64 MiB of files, or a million values, have to be held before it is too much.
func TestBombsCostLittle(t *testing.T) {
	head := "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: "
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'z'; c++ {
		laughs += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	var blocks, keys strings.Builder
	for i := range 1000 {
		blocks.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for i := 0; keys.Len() < read.MaxFile-20; i++ {
		fmt.Fprintf(&keys, "%x: 1\n", i)
	}
	for _, c := range []struct {
		name, text, says string
		files            int // of the same text
		most             int // MiB of memory
	}{
		{"a billion laughs", laughs, "aliases (*a) are not read", 1, 64},
		{"deep lists", head + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "\n", "nested too deeply", 1, 64},
		{"deeper lists than the parser takes", strings.Repeat("[", 150_000), "nested too deeply", 1, 64},
		{"deep tables", head + strings.Repeat("{a: ", 5000) + strings.Repeat("}", 5000) + "\n", "nested too deeply", 1, 64},
		{"deep blocks", blocks.String(), "nested too deeply", 1, 64},
		{"many values", head + "{hosts: [" + strings.Repeat("a,", read.MaxFile/2-100) + "]}\n", "too many values", 1, 64},
		{"many keys", keys.String(), "too many values", 1, 64},
		{"nearly too many values", head + "{hosts: [" + strings.Repeat("a,", 90_000) + "]}\n", "items are too many", 1, 64},
		{"many documents", strings.Repeat("---\na\n", read.MaxFile/6), "too many documents", 1, 64},
		{"one document of 64 MiB", strings.Repeat("# comment\n", 64<<20/10), "larger than 1 MiB", 1, 64},
		{"64 files of nearly too many values", head + "{hosts: [" + strings.Repeat("a,", 90_000) + "]}\n", "too many values", 64, 224},
		{"64 files of one MiB", head + `{unit: "` + strings.Repeat("x", read.MaxFile-200) + "\"}\n", "systemd allows 255", 64, 192},
		{"more than all may hold", strings.Repeat("# comment\n", read.MaxFile/10), "all files together are larger than 64 MiB", 70, 128},
		{"many small files", "a\n", "too many documents", 25_000, 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for i := range c.files {
				tree[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: []byte(c.text)}
			}
			r, took := children(), 0
			r.done = func(pid int) { took = peak(t, pid) }
			began := time.Now()
			set, problems, err := r.load(t.Context(), tree, read.Options{Host: desired.Host{Name: "app-1"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d MiB in %s", took, time.Since(began).Round(time.Millisecond))
			if set != nil || !strings.Contains(problems.String(), c.says) {
				t.Errorf("got %.300s, want …%s…", problems, c.says)
			}
			if took > c.most || took == 0 {
				t.Errorf("took %d MiB, and %d are allowed", took, c.most)
			}
		})
	}
}

// peak is the most memory that a process has ever had, in MiB.
func peak(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if w := strings.Fields(line); len(w) > 1 && w[0] == "VmHWM:" {
			kib, err := strconv.Atoi(w[1])
			if err != nil {
				t.Fatal(err)
			}
			return kib / 1024
		}
	}
	t.Fatalf("no VmHWM:\n%s", b)
	return 0
}

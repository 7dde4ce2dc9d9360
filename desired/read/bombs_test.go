package read

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

// TestBombsAreBounded feeds what is made to cost much (FAULTS SEC-06). Each is
// refused with a message, and none takes more memory than the limit.
func TestBombsAreBounded(t *testing.T) {
	const limit = 64 << 20
	head := "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: "
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'z'; c++ {
		laughs += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for _, c := range []struct{ name, text, says string }{
		{"a billion laughs", laughs, "aliases (*a) are not read"},
		{"a laugh within an object", head + "{hosts: &a [x], watch: [*a, *a]}\n", "aliases"},
		{"deep lists", head + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "\n", "nested too deeply"},
		{"deeper lists than the parser takes", strings.Repeat("[", 150_000), "nested too deeply"},
		{"deep tables", head + strings.Repeat("{a: ", 5000) + strings.Repeat("}", 5000) + "\n", "nested too deeply"},
		{"deep blocks", deepBlocks(), "nested too deeply"},
		{"many values", head + "{hosts: [" + strings.Repeat("a,", maxFile/2-100) + "]}\n", "too many values"},
		{"many small values", "- " + strings.Repeat("[],", maxFile/3-10), "too many values"},
		{"many keys", manyKeys(), "too many values"},
		{"many documents", strings.Repeat("---\na\n", maxFile/6), "too many documents"},
		{"one long text", head + `{unit: "` + strings.Repeat("x", maxFile-200) + "\"}\n", "systemd allows 255"},
		{"a long matcher", head + `{hosts: ["a=~\"` + strings.Repeat("(a|b)*", 100_000) + `\""]}`, "matcher of"},
		{"more than a file may hold", strings.Repeat("# comment\n", maxFile/10+1), "larger than 1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			set, problems := Load([]string{"."}, Options{FS: fstest.MapFS{"a.yaml": {Data: []byte(c.text)}}})
			runtime.ReadMemStats(&after)
			if set != nil || !strings.Contains(problems.String(), c.says) {
				t.Errorf("got %.300s, want …%s…", problems, c.says)
			}
			if got := after.HeapSys + after.StackSys; got > before.HeapSys+before.StackSys+limit {
				t.Errorf("took %d MiB", (got-before.HeapSys-before.StackSys)>>20)
			}
		})
	}
}

func deepBlocks() string {
	var b strings.Builder
	for i := range 1000 {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func manyKeys() string {
	var b strings.Builder
	for i := 0; b.Len() < maxFile-20; i++ {
		fmt.Fprintf(&b, "%x: 1\n", i)
	}
	return b.String()
}

// TestTotalIsBounded reads no more than the limit in all.
func TestTotalIsBounded(t *testing.T) {
	big := []byte("# " + strings.Repeat("x", maxFile-10) + "\n")
	tree := fstest.MapFS{}
	for i := range maxTotal/maxFile + 2 {
		tree[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: big}
	}
	if _, problems := Load([]string{"."}, Options{FS: tree}); !strings.Contains(problems.String(), "all files together are larger than 64 MiB") {
		t.Errorf("%.300s", problems)
	}
}

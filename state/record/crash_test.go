package record

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/state"
)

// TestF06PowerCut appends batches by chance and cuts the power in each commit:
// bbolt writes pages, syncs, writes one meta page, syncs. Any part of the pages
// may have reached the disk before the first sync, and state.seq may be as it
// was any number of commits ago. What was acknowledged must be there, whole.
func TestF06PowerCut(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		o := options(t)
		o.Retention.Entries = keepAtLeast
		s, err := Open(dir, o)
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		all := entries(rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)), 1080)
		acked, err := s.Append(all[:1000]) // a snapshot and the first drops are near
		if err != nil {
			rt.Fatal(err)
		}
		all = all[1000:]
		marks := [][]byte{read(rt, dir+"/state.seq")}
		for len(all) > 0 {
			n := rapid.IntRange(min(20, len(all)), min(40, len(all))).Draw(rt, "batch")
			before := read(rt, dir+"/evenkeel.db")
			out, err := s.Append(all[:n])
			if err != nil {
				rt.Fatal(err)
			}
			all = all[n:]
			after, mark := read(rt, dir+"/evenkeel.db"), rapid.SampledFrom(marks).Draw(rt, "mark")
			recovers(t, rt, torn(rt, before, after), mark, acked, out)
			acked = append(acked, out...)
			marks = append(marks, read(rt, dir+"/state.seq"))
			recovers(t, rt, after, rapid.SampledFrom(marks).Draw(rt, "mark"), acked, nil)
		}
	})
}

func read(rt *rapid.T, path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		rt.Fatal(err)
	}
	return b
}

// torn is a file in which only some pages of a commit reached the disk, and
// not its meta page.
func torn(rt *rapid.T, before, after []byte) []byte {
	page := os.Getpagesize()
	b := append(bytes.Clone(before), make([]byte, max(0, len(after)-len(before)))...)
	for i := 2; i < len(after)/page; i++ {
		now := after[i*page : (i+1)*page]
		if !bytes.Equal(b[i*page:(i+1)*page], now) && rapid.Bool().Draw(rt, "reached the disk") {
			copy(b[i*page:], now)
		}
	}
	return b
}

// recovers opens an image of a host after a crash. It must hold the fold of
// all that was acknowledged, and may hold all of the batch that was under way.
func recovers(t *testing.T, rt *rapid.T, db, mark []byte, acked, underWay []state.Entry) {
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(dir+"/evenkeel.db", db, 0o600), os.WriteFile(dir+"/state.seq", mark, 0o600)); err != nil {
		rt.Fatal(err)
	}
	s := mustOpen(t, dir)
	defer s.Close()
	if d := s.Distrust(); d != "" {
		rt.Fatalf("distrusted: %s", d)
	}
	got := asJSON(t, s.Past())
	if got != foldOf(t, acked) && got != foldOf(t, append(acked[:len(acked):len(acked)], underWay...)) {
		rt.Fatalf("%d acknowledged, %d under way, recovered to %d: not the same past", len(acked), len(underWay), s.Past().Seq)
	}
}

// TestKill9 has a process append and say what was acknowledged, and kills it at
// any moment. Whatever it said is there.
func TestKill9(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]bool{}
	for range 25 {
		for _, id := range appendUntilKilled(t, dir) {
			seen[id] = true
		}
		s := mustOpen(t, dir)
		believed(t, s)
		have := map[string]bool{}
		for _, l := range history(t, s, Filter{}) {
			have[l.ID] = true
		}
		for id := range seen {
			if !have[id] {
				t.Fatalf("%s was acknowledged and is gone", id)
			}
		}
		letDie(t, s)
	}
	if len(seen) < 100 {
		t.Errorf("only %d entries were acknowledged: the test shows little", len(seen))
	}
}

func appendUntilKilled(t *testing.T, dir string) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperAppend$")
	cmd.Env = append(os.Environ(), "RECORD_APPEND="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acked []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() == "open" {
			time.AfterFunc(time.Duration(rand.IntN(60_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		} else if id, ok := strings.CutPrefix(lines.Text(), "acked "); ok {
			acked = append(acked, id)
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it ended by itself")
	}
	return acked
}

// TestHelperAppend is the process that TestKill9 kills; by itself it tests nothing.
func TestHelperAppend(t *testing.T) {
	dir := os.Getenv("RECORD_APPEND")
	if dir == "" {
		return
	}
	s, err := Open(dir, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	for i := 0; ; i++ {
		id := strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(i)
		if _, err := s.Append([]state.Entry{intent(i, id, "x"), outcome(i, id, state.Done)}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("acked " + id)
	}
}

package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

func TestHistoryJoinsWhatBeganWithHowItEnded(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	stop := intent(5, "s1", "nginx")
	stop.Intent.Step.Action.Verb, stop.Intent.Step.Actor, stop.Intent.Step.Key, stop.Intent.Step.Case = "stop", "ann", "k", "c"
	failed := outcome(6, "s1", state.StepFailed)
	failed.Outcome.Detail, failed.Outcome.Displaced = "job failed", "d1"
	mustAppend(t, s,
		intent(1, "a", "redis"), outcome(2, "a", state.Cut),
		intent(3, "a", "redis"), outcome(4, "a", state.Done), // an interrupted attempt keeps its ID
		stop,
		state.Entry{At: at(5), Note: &state.Note{Kind: state.NoteForgot, Object: "Service/x"}},
		failed, intent(7, "b", "redis"), intent(8, "c", "nginx"), outcome(9, "c", state.StepRefused),
	)
	var b bytes.Buffer
	for l, err := range s.History(Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		line, _ := json.Marshal(l)
		b.Write(append(line, '\n'))
	}
	golden(t, "testdata/history.jsonl", b.Bytes())

	for name, c := range map[string]struct {
		f    Filter
		want []string
	}{
		"all":            {Filter{}, []string{"c", "b", "s1", "a", "a"}},
		"an object":      {Filter{Object: "Service/redis"}, []string{"b", "a", "a"}},
		"failed":         {Filter{Failed: true}, []string{"c", "s1", "a"}},
		"since":          {Filter{Since: at(5).Wall}, []string{"c", "b", "s1"}},
		"limit":          {Filter{Limit: 2}, []string{"c", "b"}},
		"all of it":      {Filter{Object: "Service/nginx", Failed: true, Since: at(6).Wall, Limit: 1}, []string{"c"}},
		"nobody by name": {Filter{Object: "Service/x"}, nil},
	} {
		var got []string
		for _, l := range history(t, s, c.f) {
			got = append(got, l.ID)
		}
		if !cmp.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestHistoryReadsWhileEntriesAreAppended(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	n := 3*chunkSize + 7
	for i := range n {
		mustAppend(t, s, intent(i, fmt.Sprint(i), "x"))
	}
	seen := 0
	for l, err := range s.History(Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(n - 1 - seen); l.ID != want {
			t.Fatalf("line %d is %s, want %s", seen, l.ID, want)
		}
		if seen++; seen%100 == 0 {
			mustAppend(t, s, intent(n, fmt.Sprint("later", seen), "x"))
		}
	}
	if seen != n {
		t.Errorf("%d lines of %d", seen, n)
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Error(d)
	}
}

// TestVersion1Fixture reads a store that the first version 1 wrote. The files
// are frozen: -update makes them only where there are none, and whoever needs
// them to change needs a new version and a migration instead.
func TestVersion1Fixture(t *testing.T) {
	fixture := filepath.Join("testdata", "v1")
	if _, err := os.Stat(fixture); *update && errors.Is(err, os.ErrNotExist) {
		freeze(t, fixture)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(fixture)); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	believed(t, r)
	mustClose(t, r)
	s := mustOpen(t, dir)
	believed(t, s)
	var b bytes.Buffer
	fmt.Fprintln(&b, asJSON(t, s.Past()))
	for _, l := range history(t, s, Filter{}) {
		fmt.Fprintln(&b, asJSON(t, l))
	}
	golden(t, "testdata/v1.golden", b.Bytes())
}

func freeze(t *testing.T, to string) {
	t.Helper()
	dir := t.TempDir()
	s := mustOpen(t, dir)
	for _, n := range []*state.Note{
		{Kind: state.NoteRevision, Revision: &state.Revision{Name: "r1", Services: 19}},
		{Kind: state.NoteManaged, Object: "Service/x", Managed: &state.Managed{Units: []string{"x.service"}, OnRemove: "stop"}},
		{Kind: state.NoteRan, Name: "x.service", Ran: &state.Ran{Invocation: "i", Unit: "u", Files: "f", Watch: "w", Adopted: true}},
		{Kind: state.NoteOwned, Name: "/etc/x", Owned: &state.Owned{Object: "Service/x", Digest: "d", Created: true}},
		{Kind: state.NoteHold, Object: "Service/x", Hold: &state.Hold{Reason: state.ManualStop, Object: "Service/x", Since: at(0), For: 3600e9, Actor: "ann"}},
	} {
		mustAppend(t, s, state.Entry{At: at(0), Note: n})
	}
	for i, st := range []state.Status{state.Done, state.StepFailed, state.Cut, state.StepRefused} {
		id := fmt.Sprint("id-", i)
		e := intent(i+1, id, fmt.Sprint("svc-", i))
		e.Intent.Step.Key = "key-" + id
		mustAppend(t, s, e)
		mustAppend(t, s, outcome(i+1, id, st))
		if i == 1 { // a snapshot in the middle
			mustClose(t, s)
			s = mustOpen(t, dir)
		}
	}
	mustAppend(t, s, intent(9, "in-flight", "x"))
	letDie(t, s)
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
}

package state

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// readings are facts about few things, each begun at another moment, so that
// their order in time is total and their order of arrival is anything.
func readings(t *rapid.T) []Facts {
	out := make([]Facts, rapid.IntRange(1, 12).Draw(t, "readings"))
	for i := range out {
		at := Time{Wall: time.Unix(int64(i), 0).UTC(), Up: time.Duration(i+1) * time.Second, Boot: "a"}
		err := rapid.SampledFrom([]string{"", "", "", "bus gone"}).Draw(t, "error")
		name := fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "name"))
		word := rapid.SampledFrom([]string{"active", "inactive", "failed"}).Draw(t, "value")
		switch rapid.SampledFrom([]RefKind{RefHost, RefUnit, RefFile, RefDir}).Draw(t, "kind") {
		case RefHost:
			out[i].Host = &Fact[Host]{Value: Host{System: word}, At: at, Err: err}
		case RefUnit:
			out[i].Units = map[string]Fact[Unit]{name: {Value: Unit{ID: name, Active: word}, At: at, Err: err}}
		case RefFile:
			out[i].Files = map[string]Fact[File]{name: {Value: File{Digest: word}, At: at, Err: err}}
		case RefDir:
			out[i].Dirs = map[string]Fact[Dir]{name: {Value: Dir{Names: []string{word}}, At: at, Err: err}}
		}
	}
	return out
}

func mergeAll(w World, list []Facts) World {
	for _, f := range list {
		w, _ = w.Merge(f)
	}
	return w
}

// Signals arrive out of order and twice: the newest reading wins all the same.
func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := readings(t)
		want := mergeAll(World{}, list)
		shuffled := append(rapid.Permutation(list).Draw(t, "order"), rapid.SampledFrom(list).Draw(t, "again"))
		if d := cmp.Diff(want, mergeAll(World{}, shuffled)); d != "" {
			t.Fatal(d)
		}
	})
}

func TestMergeSaysWhetherAValueChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := readings(t)
		w := mergeAll(World{}, list)
		again := rapid.SampledFrom(list).Draw(t, "again")
		if _, changed := w.Merge(again); changed {
			t.Fatal("a reading that it has is a change")
		}
		var later Facts
		for name, f := range w.Units {
			f.At = Time{Up: time.Hour, Boot: "a"}
			later.Units = map[string]Fact[Unit]{name: f}
		}
		if next, changed := w.Merge(later); changed || len(later.Units) > 0 && cmp.Equal(next, w) {
			t.Fatal("a younger reading of the same value must be taken and be no change")
		}
		for name, f := range later.Units {
			f.Value.Sub = "other"
			later.Units[name] = f
			if _, changed := w.Merge(later); !changed {
				t.Fatal("another value is no change")
			}
		}
	})
}

// A World is a value: whoever has one keeps it as it was.
func TestMergeLeavesTheOldWorldAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := mergeAll(World{}, readings(t))
		before, _ := json.Marshal(w)
		mergeAll(w, readings(t))
		if after, _ := json.Marshal(w); string(after) != string(before) {
			t.Fatal("it changed")
		}
	})
}

func TestAFactIsKnownOnlyIfItWasReadWell(t *testing.T) {
	at := Time{Up: 1, Boot: "a"}
	for name, c := range map[string]struct {
		f    Fact[Unit]
		want bool
	}{
		"never looked at": {Fact[Unit]{}, false},
		"read":            {Fact[Unit]{At: at}, true},
		"failed":          {Fact[Unit]{At: at, Err: "bus gone", Value: Unit{Active: "active"}}, false},
	} {
		if c.f.Known() != c.want {
			t.Errorf("%s: known %v", name, !c.want)
		}
	}
}

func TestFactsAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := readings(t)
		var all Facts
		for _, f := range list {
			all.Add(f) // in the order of their time: the later ones win
		}
		if d := cmp.Diff(mergeAll(World{}, list), mergeAll(World{}, []Facts{all})); d != "" {
			t.Fatal(d)
		}
	})
}

// What systemd 252 says of a unit in each of these, with the times as they
// follow each other: state/observe/units/livetest reads them from a real one.
func TestStartLimited(t *testing.T) {
	for name, c := range map[string]struct {
		unit Unit
		want bool
	}{
		"a run that failed":                        {Unit{Active: "failed", Result: "exit-code", Changed: 9, Rested: 9}, false},
		"refused, where nothing had failed before": {Unit{Active: "failed", Result: "start-limit-hit", Changed: 9, Rested: 8}, true},
		"refused after a run that failed":          {Unit{Active: "failed", Result: "exit-code", Changed: 9, Rested: 8}, true},
		"what cannot be begun":                     {Unit{Active: "failed", Result: "resources", Restart: "no", Changed: 9, Rested: 8}, false},
		"what cannot be begun, again and again":    {Unit{Active: "failed", Result: "resources", Restart: "always", Changed: 9, Rested: 8}, true},
		"when it came to rest was not read":        {Unit{Active: "failed", Result: "exit-code", Changed: 9}, false},
		"it runs again":                            {Unit{Active: "active", Result: "success", Changed: 9, Rested: 8}, false},
		"its failure was cleared":                  {Unit{Active: "inactive", Result: "success", Changed: 9, Rested: 8}, false},
	} {
		if got := c.unit.StartLimited(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

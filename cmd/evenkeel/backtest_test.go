package main

import (
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/record"
)

// remember writes a record: remember DIR FILE, with an entry of JSON a line.
func remember(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: remember DIR FILE")
	}
	var entries []state.Entry
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		var e state.Entry
		ts.Check(json.Unmarshal([]byte(line), &e))
		entries = append(entries, e)
	}
	s, err := record.Open(ts.MkAbs(args[0]), record.Options{})
	ts.Check(err)
	_, err = s.Append(entries)
	ts.Check(err)
	ts.Check(s.Close())
}

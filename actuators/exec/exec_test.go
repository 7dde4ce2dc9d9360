package exec

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

func run(target, content string, args ...string) actuators.Request {
	r := actuators.Request{Action: actuators.Action{Actuator: Name, Verb: "run", Target: target}, Content: []byte(content)}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	return r
}

func TestRequests(t *testing.T) {
	const backup = `{"user":"backup"}`
	many, err := json.Marshal(make([]string, maxArgs+1))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		request actuators.Request
		says    string // nothing: it is good
	}{
		"no arguments":         {request: run("/bin/true", backup)},
		"arguments":            {request: run("/bin/true", backup, "argv", `["-a",""]`, "timeout", "1h0m0s")},
		"no content":           {run("/bin/true", ""), "names no user"},
		"no user":              {run("/bin/true", `{}`), "names no user"},
		"a user with a space":  {run("/bin/true", `{"user":"a b"}`), "names no user"},
		"a user by number":     {run("/bin/true", `{"user":"0"}`), "names no user"},
		"more than a user":     {run("/bin/true", `{"user":"a","group":"b"}`), "names no user"},
		"a relative program":   {run("true", backup), "absolute and plain"},
		"a program by a way":   {run("/bin/../bin/true", backup), "absolute and plain"},
		"no program":           {run("", backup), "absolute and plain"},
		"arguments in a line":  {run("/bin/true", backup, "argv", `-a -b`), "want a JSON list"},
		"numbers":              {run("/bin/true", backup, "argv", `[1]`), "want a JSON list"},
		"a zero byte":          {run("/bin/true", backup, "argv", `["a\u0000b"]`), "zero byte"},
		"too many":             {run("/bin/true", backup, "argv", string(many)), "at most 256"},
		"too long":             {run("/bin/true", backup, "argv", `["`+strings.Repeat("x", maxBytes+1)+`"]`), "at most 256"},
		"no time":              {run("/bin/true", backup, "timeout", "0s"), "want a duration"},
		"too much time":        {run("/bin/true", backup, "timeout", "1h0m1s"), "at most 1h"},
		"an argument too many": {run("/bin/true", backup, "user", "root"), "unknown argument"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := New(Options{Version: "1", State: t.TempDir()}).parse(t.Context(), tt.request)
			switch {
			case tt.says == "" && err != nil:
				t.Error(err)
			case tt.says == "" && c.user != "backup":
				t.Errorf("%+v", c)
			case tt.says != "" && (err == nil || actuators.KindOf(err) != actuators.Invalid || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("%v, want that it says %q", err, tt.says)
			}
		})
	}
}

func TestLastWordsFitInOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"one\n":                      "one",
		"one\ntwo\n\n":               "two",
		"a\x1b[31mb\x07\r\n":         "a[31mb",
		"caf\xc3":                    "caf",
		strings.Repeat("x", 300):     strings.Repeat("x", 200) + "…",
		"first\nlast\tcolumn\u2028x": "lastcolumn\u2028x",
	} {
		if got := lastLine(strings.ToValidUTF8(in, "\uFFFD")); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// What was done by a key is known for a month.
func TestKeysAreRemembered(t *testing.T) {
	o := newOnce(t.TempDir() + "/state")
	e := entry{Key: "k", Began: time.Now(), Ended: true, Detail: "exit 0"}
	if err := o.put(e); err != nil {
		t.Fatal(err)
	}
	got, known, err := newOnce(o.dir).look("k")
	if err != nil || !known || got.Detail != "exit 0" {
		t.Errorf("%+v %v %v", got, known, err)
	}
	if _, known, err := o.look("other"); known || err != nil {
		t.Errorf("%v %v", known, err)
	}
	if err := o.forget("k"); err != nil {
		t.Error(err)
	}
	if _, known, _ := o.look("k"); known {
		t.Error("it is not forgotten")
	}
}

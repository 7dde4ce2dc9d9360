package postgres

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

func terminate(dsn string, args ...string) actuators.Request {
	r := actuators.Request{
		Action:  actuators.Action{Actuator: Name, Verb: "terminate", Target: "main"},
		Content: fmt.Appendf(nil, `{"postgres":{"dsn":%q}}`, dsn),
	}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	return r
}

func TestRequests(t *testing.T) {
	none := terminate("")
	none.Content = []byte(`{"postgres":{"dsn":{"fromCredential":"pg-dsn"}}}`)
	tests := map[string]struct {
		request actuators.Request
		want    string
		says    string // nothing: it is good
	}{
		"defaults":                 {request: terminate("x"), want: "[idle idle in transaction idle in transaction (aborted)] 10m0s 50"},
		"idle alone":               {request: terminate("x", "state", "idle", "over", "1h30m0s", "max", "3"), want: "[idle] 1h30m0s 3"},
		"in transaction":           {request: terminate("x", "state", "idle in transaction"), want: "[idle in transaction idle in transaction (aborted)] 10m0s 50"},
		"both, twice":              {request: terminate("x", "state", "idle, idle,idle in transaction"), want: "[idle idle in transaction idle in transaction (aborted)] 10m0s 50"},
		"what works":               {request: terminate("x", "state", "idle,active"), says: `state "active"`},
		"no state":                 {request: terminate("x", "state", ""), says: "there are idle and"},
		"no age":                   {request: terminate("x", "over", "0s"), says: "over"},
		"a number without a unit":  {request: terminate("x", "over", "10"), says: "want a duration"},
		"none at a time":           {request: terminate("x", "max", "0"), says: "max"},
		"a secret in its envelope": {request: none, says: "no Database with a DSN"},
		"no DSN":                   {request: terminate(""), says: "no Database with a DSN"},
		"an unknown argument":      {request: terminate("x", "force", "1"), says: "unknown argument"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w, err := New("1").parse(tt.request)
			if tt.says != "" {
				if actuators.KindOf(err) != actuators.Invalid || err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v, want that it says %q", err, tt.says)
				}
				return
			}
			if got := fmt.Sprint(w.states, " ", w.over, " ", w.max); err != nil || got != tt.want {
				t.Errorf("%s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

// SEC-17: whatever is wrong with a DSN or behind it, no part of it is told.
func TestNoErrorTellsTheDSN(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // a server that takes calls and hangs up, saying something odd
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("N\x00canarytext"))
			c.Close()
		}
	}()
	for name, tt := range map[string]struct {
		dsn  string
		kind actuators.Kind
	}{
		"nobody there":          {"postgres://canaryuser:canarypass@127.0.0.1:1/canarydb", actuators.Unavailable},
		"a name that is none":   {"postgres://canaryuser:canarypass@canaryhost.invalid/canarydb", actuators.Unavailable},
		"a socket that is none": {"host=/canary/folder user=canaryuser password=canarypass dbname=canarydb", actuators.Unavailable},
		"a bad port":            {"postgres://canaryuser:canarypass@127.0.0.1:canaryport/canarydb", actuators.Invalid},
		"a bad escape":          {"postgres://canaryuser:canary%zzpass@127.0.0.1/canarydb", actuators.Invalid},
		"no equals sign":        {"host=127.0.0.1 canarypass", actuators.Invalid},
		"an open quote":         {"host=127.0.0.1 password='canarypass", actuators.Invalid},
		"a bad mode":            {"postgres://canaryuser:canarypass@127.0.0.1/canarydb?sslmode=canarymode", actuators.Invalid},
		"a missing file":        {"postgres://canaryuser:canarypass@127.0.0.1/canarydb?sslrootcert=/canary/file&sslmode=verify-full", actuators.Invalid},
		"another protocol":      {"postgres://canaryuser:canarypass@" + l.Addr().String() + "/canarydb", actuators.Unavailable},
		"TLS, and none there":   {"postgres://canaryuser:canarypass@" + l.Addr().String() + "/canarydb?sslmode=require", actuators.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := New("1").Apply(ctx, terminate(tt.dsn))
			if err == nil || actuators.KindOf(err) != tt.kind {
				t.Errorf("%v: %v, want %v", actuators.KindOf(err), err, tt.kind)
			}
			if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, "canary") {
				t.Errorf("it tells the DSN: %s", text)
			}
		})
	}
}

func TestWhatResultsSay(t *testing.T) {
	seen := view{all: 47, idle: []session{{state: idle}, {state: aborted}, {state: idle}}}
	if got := result(seen, seen.idle, "ended").Detail; got != "3 of 47 sessions ended: 2 idle, 1 idle in transaction (aborted)" {
		t.Error(got)
	}
	seen.more, seen.spared, seen.hidden = true, 2, 1
	if got := result(seen, seen.idle[:1], "ended").Detail; got != "1 of 47 sessions ended: 1 idle; no more than 3 at a time; what 1 do is hidden from the role of the DSN; 2 of superusers were left alone" {
		t.Error(got)
	}
	if got := result(view{all: 4}, nil, "ended"); got.Changed || got.Detail != "none of 4 sessions is to be ended" {
		t.Errorf("%+v", got)
	}
}

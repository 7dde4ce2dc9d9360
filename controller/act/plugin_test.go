package act

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/wire"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// The test program is its own plugin: in a role it is a stranger's that behaves
// as its verb says.
func TestMain(m *testing.M) {
	if role, ok := host.Role(os.Args); ok {
		if role == "stillborn" {
			fmt.Fprintln(os.Stderr, "panic: no such disk")
			os.Exit(1)
		}
		wire.Serve(stranger{role})
		return
	}
	os.Exit(m.Run())
}

type stranger struct{ name string }

func (s stranger) Info(context.Context) (actuators.Info, error) {
	i := actuators.Info{Name: s.name, Version: "1"}
	for _, v := range []string{"do", "crash", "hang", "refuse", "lie"} {
		i.Verbs = append(i.Verbs, actuators.Verb{Name: v, Effect: actuators.Disruptive, Args: []string{"file"}, Help: "Does it."})
	}
	i.Verbs = append(i.Verbs, actuators.Verb{Name: "tell", Effect: actuators.Benign, Content: true, Help: "Says what it was told."})
	return i, nil
}

func (s stranger) Apply(_ context.Context, r actuators.Request) (actuators.Result, error) {
	switch r.Verb {
	case "tell":
		return actuators.Result{Changed: true, Detail: string(r.Content)}, nil
	case "refuse":
		return actuators.Result{}, actuators.Errorf(actuators.Refused, "not now")
	case "lie":
		return actuators.Result{Changed: true, Detail: "done"}, nil
	}
	f, err := os.OpenFile(r.Args["file"], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return actuators.Result{}, err
	}
	defer f.Close()
	if _, err := f.WriteString("once\n"); err != nil {
		return actuators.Result{}, err
	}
	switch r.Verb {
	case "crash": // after the effect, before the reply
		os.Exit(7)
	case "hang":
		time.Sleep(time.Hour)
	}
	return actuators.Result{Changed: true, Detail: "did it"}, nil
}

// blind eyes see the facts that a test says.
type blind struct{ facts state.Facts }

func (b blind) Observe(context.Context, []state.Ref) state.Facts { return b.facts }
func (b blind) Now() state.Time                                  { return state.Time{Wall: time.Now(), Up: time.Second, Boot: "b"} }

// actor acts with plugins that are processes.
func actor(t *testing.T, eyes Eyes, roles ...string) *Actor {
	t.Helper()
	dir, err := os.MkdirTemp("", "act-") // short, for the sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var specs []host.Spec
	for _, r := range roles {
		specs = append(specs, host.Spec{Name: r, Role: r})
	}
	h, err := host.New(specs, host.Options{Folder: dir, Scratch: true, Backoff: time.Millisecond, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return New(Options{Plugins: h, Eyes: eyes, Log: slog.New(slog.DiscardHandler)})
}

func order(a actuators.Action) Order {
	p := desired.BuiltInPolicy()
	p.Exec = []desired.PolicyExec{{Argv0: "/bin/true"}}
	return Order{Step: state.Step{ID: "s1", Action: a, Effect: actuators.Disruptive}, Policy: p, Let: true}
}

// How Steps of plugins end whatever the plugin does: never as a crash of
// evenkeel, and never as more than is known.
func TestHowStepsOfPluginsEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "effects")
	keyed := order(action("stranger.crash", "x", "file", file))
	keyed.Step.Key = "once"
	told := order(action("stranger.tell", "x"))
	told.Resolve = func(context.Context) ([]byte, error) { return []byte("resolved"), nil }
	secretless := order(action("stranger.tell", "x"))
	secretless.Resolve = func(context.Context) ([]byte, error) {
		return nil, actuators.Errorf(actuators.Unavailable, "no credential pg-dsn")
	}
	tests := map[string]struct {
		order   Order
		status  state.Status
		kind    string
		says    string
		effects int
	}{
		"it does it":               {order(action("stranger.do", "x", "file", file)), state.Done, "", "did it", 1},
		"F51: after the effect":    {order(action("stranger.crash", "x", "file", file)), state.Cut, "unknown", "lost before it answered", 1},
		"F51: with a key":          {keyed, state.Cut, "unknown", "lost before it answered", 1},
		"it says no":               {order(action("stranger.refuse", "x")), state.StepRefused, "refused", "not now", 0},
		"it cannot do that":        {order(action("stranger.explode", "x")), state.StepRefused, "invalid", "unknown verb", 0},
		"F51: at the start":        {order(action("stillborn.do", "x", "file", file)), state.StepFailed, "unavailable", "no such disk", 0},
		"there is none":            {order(action("nobody.do", "x")), state.StepRefused, "not-found", "there are: stillborn, stranger", 0},
		"what it is told":          {told, state.Done, "", "resolved", 0},
		"what cannot be told":      {secretless, state.StepRefused, "unavailable", "no credential pg-dsn", 0},
		"what policy does not let": {order(action("exec.run", "/bin/false")), state.StepRefused, "refused", "does not list", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			os.Remove(file)
			r := actor(t, blind{}, "stillborn", "stranger").Do(t.Context(), tt.order)
			if r.Outcome.Status != tt.status || r.Outcome.Kind != tt.kind || !strings.Contains(r.Outcome.Detail, tt.says) {
				t.Errorf("%s (%s): %s; want %s (%s) that says %q", r.Outcome.Status, r.Outcome.Kind, r.Outcome.Detail, tt.status, tt.kind, tt.says)
			}
			text, _ := os.ReadFile(file)
			if n := strings.Count(string(text), "once"); n != tt.effects {
				t.Errorf("its effect happened %d times, want %d", n, tt.effects)
			}
		})
	}
}

// F52: what hangs ends with its deadline, and nobody says that it was done.
func TestAPluginThatHangs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "effects")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r := actor(t, blind{}, "stranger").Do(ctx, order(action("stranger.hang", "x", "file", file)))
	if r.Outcome.Status != state.Cut || r.Outcome.Kind != "timeout" {
		t.Errorf("%+v", r.Outcome)
	}
}

// F54: a plugin in the place of evenkeel's own says that it did what no fact
// shows.
func TestAPluginThatLies(t *testing.T) {
	ref := state.Ref{Kind: state.RefUnit, Name: "x.service"}
	down := state.Facts{Units: map[string]state.Fact[state.Unit]{"x.service": {At: state.Time{Wall: time.Now(), Up: time.Second, Boot: "b"}, Value: state.Unit{Active: "inactive"}}}}
	a := actor(t, blind{down}, "stranger")
	hand, err := a.o.Plugins.Actuator("stranger")
	if err != nil {
		t.Fatal(err)
	}
	a.o.Actuators = map[string]actuators.Actuator{"systemd": renamed{hand}}
	o := order(action("systemd.start", "x.service"))
	o.Step.Rests, o.Before = []state.Ref{ref}, down
	r := a.Do(t.Context(), o)
	if r.Outcome.Status != state.StepFailed || !strings.Contains(r.Outcome.Detail, "the actuator said it was done, but") {
		t.Errorf("%+v", r.Outcome)
	}
}

// renamed sends every action as the stranger's lie.
type renamed struct{ actuators.Actuator }

func (r renamed) Apply(ctx context.Context, _ actuators.Request) (actuators.Result, error) {
	return r.Actuator.Apply(ctx, actuators.Request{Action: actuators.Action{Actuator: "stranger", Verb: "lie"}})
}

func TestWithoutPluginsThereAreNone(t *testing.T) {
	a := New(Options{Eyes: blind{}, Log: slog.New(slog.DiscardHandler)})
	r := a.Do(t.Context(), order(action("cache.flush", "pages")))
	if r.Outcome.Status != state.StepRefused || !strings.Contains(r.Outcome.Detail, `there is no actuator "cache"`) {
		t.Errorf("%+v", r.Outcome)
	}
}

// What a Step runs has its own time, which ends before evenkeel's patience.
func TestDeadlines(t *testing.T) {
	for _, tt := range []struct {
		action actuators.Action
		want   time.Duration
	}{
		{action("exec.run", "/x"), time.Minute},
		{action("exec.run", "/x", "timeout", "5m0s"), 5*time.Minute + 30*time.Second},
		{action("exec.run", "/x", "timeout", "900h0m0s"), time.Hour + 30*time.Second},
		{action("cache.flush", "x"), 2 * time.Minute},
		{action("motd.set", "x"), 30 * time.Second},
	} {
		if got := deadline(tt.action); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.action, got, tt.want)
		}
	}
}

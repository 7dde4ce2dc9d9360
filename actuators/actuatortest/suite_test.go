package actuatortest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/actuators"
)

// switches is a small actuator that keeps the contract. Each mutant breaks one
// promise, and the suite must notice.
type switches struct {
	mutant string
	mu     sync.Mutex
	on     map[string]string
	tolled map[string]bool // keys that were carried out
	bell   int
	asked  int
}

func newSwitches(mutant string) *switches {
	return &switches{mutant: mutant, on: map[string]string{}, tolled: map[string]bool{}}
}

func (s *switches) Info(context.Context) (actuators.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := actuators.Info{Name: "switches", Version: "1", Verbs: []actuators.Verb{
		{Name: "set", Effect: actuators.Benign, Args: []string{"to"}, Help: "Sets a switch."},
		{Name: "load", Effect: actuators.Benign, Content: true, Help: "Sets a switch to a text."},
		{Name: "ring", Effect: actuators.Disruptive, Help: "Rings the bell."},
	}}
	s.asked++
	switch s.mutant {
	case "info without version":
		i.Version = ""
	case "info that changes":
		i.Version = fmt.Sprint(s.asked)
	case "info with a wrong effect":
		i.Verbs[0].Effect = "harmless"
	case "a verb nobody proved":
		i.Verbs = append(i.Verbs, actuators.Verb{Name: "explode", Effect: actuators.Disruptive, Help: "Explodes."})
	}
	return i, nil
}

func (s *switches) check(ctx context.Context, r actuators.Request) error {
	i, _ := s.Info(ctx)
	if s.mutant == "no check" {
		return nil
	}
	if err := i.Check(r); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil && s.mutant != "deaf to its context" {
		return actuators.Errorf(actuators.Timeout, "%s: %w", r.Action, err)
	}
	if r.Target == "missing" {
		if s.mutant == "errors without a kind" {
			return errors.New("no such switch")
		}
		return actuators.Errorf(actuators.NotFound, "no such switch")
	}
	return nil
}

func (s *switches) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	if err := s.check(ctx, r); err != nil {
		return actuators.Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.act(r, true), nil
}

func (s *switches) Preview(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	if err := s.check(ctx, r); err != nil {
		return actuators.Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.act(r, s.mutant == "preview that acts"), nil
}

func (s *switches) act(r actuators.Request, really bool) actuators.Result {
	if r.Verb == "ring" {
		if r.Key != "" && s.tolled[r.Key] && s.mutant != "forgets its keys" {
			return actuators.Result{}
		}
		if really {
			s.bell++
			s.tolled[r.Key] = true
		}
		return actuators.Result{Changed: true, Detail: "ding"}
	}
	want := r.Args["to"] + string(r.Content)
	res := actuators.Result{Changed: s.on[r.Target] != want, Detail: "set"}
	if really && s.mutant != "only says so" {
		s.on[r.Target] = want
	}
	switch s.mutant {
	case "always claims a change":
		res.Changed = true
	case "never claims a change":
		res.Changed = false
	case "adds up":
		s.on[r.Target] += want
	case "a detail of two lines":
		res.Detail = "a\nb"
	case "takes the request for its own":
		maps.DeleteFunc(r.Args, func(string, string) bool { return true })
	}
	return res
}

func subject(mutant string) func(t *testing.T) Subject {
	return func(*testing.T) Subject {
		s := newSwitches(mutant)
		look := func(*testing.T) string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return fmt.Sprint(s.on, s.bell)
		}
		req := func(verb, target string) actuators.Request {
			return actuators.Request{Action: actuators.Action{Actuator: "switches", Verb: verb, Target: target}}
		}
		set, load, ring, once := req("set", "lamp"), req("load", "text"), req("ring", ""), req("ring", "tower")
		set.Args = map[string]string{"to": "on"}
		load.Content = []byte("words")
		once.Key = "noon"
		return Subject{
			Actuator: s,
			Samples: []Sample{
				{Request: set, Look: look},
				{Request: load, Look: look},
				{Request: ring, Look: look, Repeats: true},
				{Name: "ring at noon", Request: once, Look: look},
			},
			Failing: []Failing{{Name: "missing", Request: func() actuators.Request { r := set; r.Target = "missing"; return r }(), Kind: actuators.NotFound}},
		}
	}
}

const mutantVariable = "ACTUATORTEST_MUTANT"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestContract is what an author writes. With a mutant it is run by
// TestTheSuiteNotices in a process of its own, where it must fail.
func TestContract(t *testing.T) { Run(t, subject(os.Getenv(mutantVariable))) }

func TestTheSuiteNotices(t *testing.T) {
	mutants := map[string]string{ // the promise that is broken → the case that fails
		"info without version":          "says_what_it_is",
		"info with a wrong effect":      "says_what_it_is",
		"info that changes":             "says_the_same_each_time",
		"a verb nobody proved":          "every_verb_is_proven",
		"no check":                      "refuses_what_it_never_promised",
		"only says so":                  "does_what_it_is_asked",
		"never claims a change":         "does_what_it_is_asked",
		"takes the request for its own": "does_what_it_is_asked",
		"a detail of two lines":         "does_what_it_is_asked",
		"always claims a change":        "doing_it_again_changes_nothing",
		"adds up":                       "doing_it_again_changes_nothing",
		"forgets its keys":              "one_key_is_one_effect",
		"preview that acts":             "preview_changes_nothing",
		"deaf to its context":           "returns_soon_after_the_end_of_the_context",
		"errors without a kind":         "errors_carry_their_kind",
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for mutant, want := range mutants {
		t.Run(mutant, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestContract$", "-test.v")
			cmd.Env = append(os.Environ(), mutantVariable+"="+mutant)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestContract/direct/"+want+" ") {
				t.Errorf("%v, and %s did not fail:\n%s", err, want, out)
			}
		})
	}
}

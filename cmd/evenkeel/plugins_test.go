package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/act"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

func startPlugins(t *testing.T) plugins {
	t.Helper()
	dir, err := os.MkdirTemp("", "ek-") // short, for the sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p, err := newPlugins(t.TempDir(), dir, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// Each role of this program comes up as a process of its own, under its name,
// and says there what it says here.
func TestEveryRoleComesUp(t *testing.T) {
	p := startPlugins(t)
	here, err := p.infos(t.Context())
	if err != nil || len(here) != len(roles) {
		t.Fatalf("%d say what they can do, of %d: %v", len(here), len(roles), err)
	}
	for _, s := range p.Status() {
		if s.State != "stopped" {
			t.Errorf("%s was started to say what it can do", s.Name)
		}
	}
	for _, i := range here {
		a, err := p.Actuator(i.Name)
		if err != nil {
			t.Fatal(err)
		}
		there, err := a.Info(t.Context())
		if err != nil || fmt.Sprint(there) != fmt.Sprint(i) {
			t.Errorf("%s says %v, %v; want %v", i.Name, there, err, i)
		}
		if !slices.Contains(desired.OwnActuators, i.Name) {
			t.Errorf("a plugin of the operator's may be called %s", i.Name)
		}
		for _, v := range i.Verbs {
			if p := desired.BuiltInPolicy(); v.Effect != actuators.None && p.Approval(i.Name+"."+v.Name) != desired.Approve {
				t.Errorf("%s.%s needs no approval by default", i.Name, v.Name)
			}
		}
	}
}

func TestAnUnknownRoleEnds(t *testing.T) {
	if code := play("nobody"); code != exitTrouble {
		t.Errorf("exit %d", code)
	}
}

// noEyes see nothing: nothing that is done here shows in a fact.
type noEyes struct{}

func (noEyes) Observe(context.Context, []state.Ref) state.Facts { return state.Facts{} }
func (noEyes) Now() state.Time                                  { return state.Time{Wall: time.Now(), Up: time.Second, Boot: "b"} }

// A rung as it is declared becomes an act of a plugin process: checked against
// the host's policy, done, and told with its counts.
func TestARungIsDoneByAPlugin(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		name := fmt.Sprintf("%032x", i)
		level := filepath.Join(dir, name[31:])
		if err := os.MkdirAll(level, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(level, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := &desired.Set{Caches: []desired.Cache{{Name: "pages", Digest: "d", Spec: desired.CacheSpec{Nginx: &desired.NginxCache{Path: dir}}}}}
	policy := desired.BuiltInPolicy()
	actor := act.New(act.Options{Plugins: startPlugins(t), Eyes: noEyes{}, Log: slog.New(slog.DiscardHandler)})
	do := func(let bool, with map[string]any) state.Outcome {
		t.Helper()
		call, err := want.Call(desired.Do{Do: "cache.flush", With: with})
		if err != nil {
			t.Fatal(err)
		}
		step := state.Step{ID: "s", Effect: actuators.Disruptive, Action: actuators.Action{Actuator: call.Actuator, Verb: call.Verb, Target: call.Target, Args: call.Args}}
		return actor.Do(t.Context(), act.Order{Step: step, Policy: policy, Let: let, Content: fmt.Appendf(nil, `{"nginx":{"path":%q}}`, dir)}).Outcome
	}
	all := map[string]any{"cache": "pages", "maxShare": "100%"}
	if o := do(false, all); o.Status != state.StepRefused || !strings.Contains(o.Detail, "policy asks for approval") {
		t.Errorf("without approval: %+v", o)
	}
	policy.Paths = []string{"/var/cache/**"}
	if o := do(true, all); o.Status != state.StepRefused || !strings.Contains(o.Detail, "policy does not allow what lies in "+dir) {
		t.Errorf("a folder that policy does not allow: %+v", o)
	}
	policy.Paths = []string{dir + "/**"}
	if o := do(true, map[string]any{"cache": "pages"}); o.Status != state.StepRefused || !strings.Contains(o.Detail, "20 of 20 cached responses match, which is more than maxShare 20%") {
		t.Errorf("too much: %+v", o)
	}
	if o := do(true, all); o.Status != state.Done || o.Detail != "20 of 20 cached responses flushed" {
		t.Errorf("all of it: %+v", o)
	}
}

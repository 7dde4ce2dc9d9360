package plan_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// randomHost draws an estate and a host that differs from it in random ways.
func randomHost(t *rapid.T) *host {
	names := []string{"a", "b", "c", "d", "e"}[:rapid.IntRange(1, 5).Draw(t, "services")]
	h := newHost(names...)
	for i, n := range names {
		for _, dep := range names[:i] {
			switch rapid.IntRange(0, 5).Draw(t, "edge") {
			case 0:
				h.svc(n).Requires = append(h.svc(n).Requires, dep)
			case 1:
				h.svc(n).Follows = append(h.svc(n).Follows, dep)
			}
		}
		h.vary(t, n)
	}
	if rapid.Bool().Draw(t, "fresh") {
		h.past = state.NewPast()
	}
	return h
}

// vary makes one service and its unit differ, or not.
func (h *host) vary(t *rapid.T, n string) {
	s, unit := h.svc(n), n+".service"
	s.Spec.State = rapid.SampledFrom([]string{desired.Running, desired.Running, desired.Running, desired.Stopped, desired.Ignored}).Draw(t, "state")
	s.Spec.Boot = rapid.SampledFrom([]string{"", desired.Enabled, desired.Disabled, desired.Ignored}).Draw(t, "boot")
	s.Spec.ForeignDropIns = rapid.SampledFrom([]string{desired.Enforce, desired.Warn, desired.Ignore}).Draw(t, "foreign")
	s.Spec.Management = rapid.SampledFrom([]string{desired.Enforce, desired.Enforce, desired.Enforce, desired.Repair, desired.Observe}).Draw(t, "management")
	s.Spec.Drift = &desired.Drift{Mode: rapid.SampledFrom([]string{desired.Enforce, desired.Enforce, desired.Warn, desired.Ignore}).Draw(t, "drift")}
	h.unit(unit, func(u *state.Unit) {
		u.Boot = rapid.SampledFrom([]string{"enabled", "disabled", "masked", "static"}).Draw(t, "links")
		switch rapid.IntRange(0, 8).Draw(t, "active") {
		case 0:
			u.Active, u.Sub, u.Result = "failed", "failed", "signal"
		case 1:
			u.Active, u.Sub, u.Stop = "inactive", "dead", state.StopByExit
		case 2:
			u.Active, u.Sub, u.Stop = "inactive", "dead", state.StopByJob
		case 3:
			u.NeedReload = true
		case 4:
			u.Active, u.Sub = "activating", "auto-restart"
		case 5:
			u.Active, u.Sub, u.Changed, u.Job = "inactive", "dead", 0, state.Job{ID: 7, Type: "start"}
		case 6:
			u.Active, u.Sub, u.Changed = "activating", "start", rapid.SampledFrom([]time.Duration{2 * time.Minute, 9 * time.Minute}).Draw(t, "since")
		}
	})
	switch rapid.IntRange(0, 4).Draw(t, "file") {
	case 0:
		h.lies("/etc/systemd/system/"+unit, "edited")
	case 1:
		h.gone("/etc/systemd/system/" + unit)
	case 2:
		h.redeclare(n, "unit "+n+" v2")
	case 3:
		h.dropIn(n, "90-x.conf")
	}
	if rapid.Bool().Draw(t, "releases") {
		l := desired.LinkOf(desired.Release{Dir: "/opt/" + n + "/releases", Version: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "version")})
		s.Link = &l
		h.folder("/opt/" + n + "/releases/1")
		h.folder("/opt/" + n + "/releases/2")
		h.gone("/opt/" + n + "/releases/3")
		switch rapid.IntRange(0, 4).Draw(t, "link") {
		case 0:
			h.gone(l.Path)
		case 1:
			h.lies(l.Path, "a file")
		case 2:
			h.folder(l.Path)
		default:
			h.leads(l.Path, "releases/"+rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "leads"))
		}
		if rapid.Bool().Draw(t, "switched since") {
			h.changed(l.Path, h.now.Wall.Add(-time.Minute))
		}
	}
	switch rapid.IntRange(0, 9).Draw(t, "blind") {
	case 0:
		h.have.Units[unit] = state.Fact[state.Unit]{At: h.now, Err: "no answer"}
	case 1:
		h.have.Files["/etc/systemd/system/"+unit] = state.Fact[state.File]{At: h.now, Err: "input/output error"}
	case 2:
		delete(h.have.Units, unit)
	}
}

// do changes the host as an honest actuator would.
func (h *host) do(s state.Step) {
	target := s.Action.Target
	switch s.Action.Actuator + "." + s.Action.Verb {
	case "file.write":
		if link := s.Action.Args["link"]; link != "" {
			h.leads(target, link)
			h.changed(target, h.now.Wall)
			return
		}
		a, _, _ := h.want.Artifact(target)
		h.lies(target, string(a.Content))
		h.changed(target, h.now.Wall)
	case "file.remove":
		h.gone(target)
		dir := h.have.Dirs[path.Dir(target)]
		dir.Value.Names = slices.DeleteFunc(slices.Clone(dir.Value.Names), func(n string) bool { return n == path.Base(target) })
		dir.Value.Changed = h.now.Wall
		h.have.Dirs[path.Dir(target)] = dir
	case "systemd.daemon-reload":
		h.have.Host.Value.UnitsLoaded = h.now.Wall.Add(time.Millisecond)
		for n := range h.have.Units {
			if h.have.Units[n].Err == "" {
				h.unit(n, func(u *state.Unit) { u.NeedReload = false })
			}
		}
	case "systemd.enable":
		h.unit(target, func(u *state.Unit) { u.Boot = "enabled" })
	case "systemd.disable":
		h.unit(target, func(u *state.Unit) { u.Boot = "disabled" })
	case "systemd.stop":
		h.unit(target, func(u *state.Unit) {
			u.Active, u.Sub, u.Result, u.Stop = "inactive", "dead", "success", state.StopByJob
		})
	case "systemd.start", "systemd.restart":
		h.unit(target, func(u *state.Unit) {
			u.Active, u.Sub, u.Result, u.Stop = "active", "running", "success", ""
			u.Invocation = fmt.Sprintf("%s-%d", target, h.now.Up)
			u.Entered = h.now.Up
		})
	}
}

// converge does ready steps until there are none, and returns what it did. At
// crash (a number of steps; negative: never) the outcome of one is lost.
func (h *host) converge(t *rapid.T, crash int) []state.Step {
	var done []state.Step
	for range 200 {
		p := h.make()
		h.fold(p)
		ready := plan.Ready(p, h.past)
		if len(ready) == 0 && h.pauses(p) {
			continue
		}
		if len(ready) == 0 {
			return done
		}
		s := ready[rapid.IntRange(0, len(ready)-1).Draw(t, "next")]
		h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
		h.do(s)
		h.later(10 * time.Millisecond)
		status := state.Done
		if crash == len(done) {
			status = state.Cut
		}
		h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: status}})
		h.later(10 * time.Millisecond)
		h.see()
		done = append(done, s)
	}
	t.Fatalf("no end after 200 steps; the plan is still:\n%s", tell(h.make()))
	return nil
}

// pauses waits for the pause of a roll, if it is that.
func (h *host) pauses(p state.Plan) bool {
	for _, held := range p.Held {
		if held.Reason == state.Rolling && held.Until != nil {
			h.later(held.Until.Up - h.now.Up)
			h.see()
			return true
		}
	}
	return false
}

func TestProperties(t *testing.T) {
	t.Run("making a plan changes nothing, and is the same twice", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		past := h.past.Clone()
		first, second := h.make(), h.make()
		if d := cmp.Diff(first, second); d != "" {
			t.Fatalf("two plans of the same:\n%s", d)
		}
		if d := cmp.Diff(past, h.past); d != "" {
			t.Fatalf("the past was changed:\n%s", d)
		}
	}))
	t.Run("a plan never asks to be made again at once", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		if p := h.make(); p.Again != nil && p.Again.Up <= h.now.Up {
			t.Fatalf("it is %v, and it is to be made again at %v:\n%s", h.now.Up, p.Again.Up, tell(p))
		}
	}))
	t.Run("a plan is a fixpoint over its own notes", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		p := h.make()
		h.fold(p)
		again := h.make()
		if len(again.Notes) > 0 || tell(p) != tell(again) {
			t.Fatalf("first:\n%s\nagain:\n%s\nnotes: %+v", tell(p), tell(again), again.Notes)
		}
	}))
	t.Run("no step rests on what is not known", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		for _, s := range h.make().Steps {
			for _, r := range s.Rests {
				if !h.knows(r) {
					t.Fatalf("%s rests on %s, which is not known", s.Action, r)
				}
			}
		}
	}))
	t.Run("what a step needs comes before it", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		seen := map[string]bool{}
		for _, s := range h.make().Steps {
			for _, id := range s.Needs {
				if !seen[id] {
					t.Fatalf("%s needs %s, which does not come before it", s.Action, id)
				}
			}
			seen[s.ID] = true
		}
	}))
	t.Run("the steps done are the steps shown, and then the host is in sync", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		h.settle()
		first := h.make()
		shown := map[string]state.Step{}
		for _, s := range first.Steps {
			shown[s.ID] = s
		}
		done := h.converge(t, -1)
		for _, s := range done {
			if _, ok := shown[s.ID]; !ok {
				t.Fatalf("%s (%s) was done and not shown; the plan was:\n%s", s.Action, s.Reason, tell(first))
			}
			delete(shown, s.ID)
		}
		for _, s := range shown {
			t.Fatalf("%s (%s) was shown and not done; the plan was:\n%s\nand is:\n%s", s.Action, s.Reason, tell(first), tell(h.make()))
		}
	}))
	t.Run("an outcome that is lost changes nothing about the end", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		done := h.converge(t, rapid.IntRange(0, 10).Draw(t, "crash"))
		for i, s := range done {
			// What was seen to be so is not done again: each act but a reload
			// shows in a fact.
			again := slices.ContainsFunc(done[i+1:], func(o state.Step) bool { return o.ID == s.ID })
			if again && s.Action.Verb != "daemon-reload" && s.Action.Verb != "restart" {
				t.Fatalf("%s was done twice", s.Action)
			}
		}
	}))
	t.Run("whatever forbids everything forbids everything", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		switch rapid.IntRange(0, 4).Draw(t, "why") {
		case 0:
			h.past.Distrust = "it was emptied"
		case 1:
			h.have.Host.Value.Stopped = true
		case 2:
			h.have.Host.Value.System = "stopping"
		case 3:
			h.want.Policy.Mode = desired.Observe
		case 4:
			h.have.Host = state.Fact[state.Host]{At: h.now, Err: "no answer"}
		}
		if p := h.make(); len(p.Steps) > 0 {
			t.Fatalf("steps all the same:\n%s", tell(p))
		}
	}))
	t.Run("only what evenkeel created is deleted, or a foreign drop-in displaced", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		h.settle()
		for _, s := range h.want.Services {
			if rapid.Bool().Draw(t, "owned") {
				h.owned(s.Name)
			}
		}
		h.want.Policy.Shrink = 1
		h.want.Services = h.want.Services[:rapid.IntRange(0, len(h.want.Services)).Draw(t, "left")]
		for _, s := range h.make().Steps {
			if s.Action.Verb != "remove" {
				continue
			}
			foreign := strings.Contains(s.Action.Target, ".d/") && s.Action.Args["keep"] == "1"
			if !h.past.Owned[s.Action.Target].Created && !foreign {
				t.Fatalf("%s: evenkeel did not create that", s.Action)
			}
		}
	}))
	t.Run("an emptied desired state stops nothing", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		h.settle()
		h.want.Services = nil
		if p := h.make(); slices.ContainsFunc(p.Steps, func(s state.Step) bool { return s.Effect == actuators.Disruptive || s.Action.Verb == "remove" }) {
			t.Fatalf("plan:\n%s", tell(p))
		}
	}))
	t.Run("of disruptive steps one is ready at a time", rapid.MakeCheck(func(t *rapid.T) {
		h := randomHost(t)
		n := 0
		for _, s := range plan.Ready(h.make(), h.past) {
			if s.Effect == actuators.Disruptive {
				n++
			}
		}
		if n > 1 {
			t.Fatalf("%d disruptive steps are ready:\n%s", n, tell(h.make()))
		}
	}))
}

func (h *host) knows(r state.Ref) bool {
	switch r.Kind {
	case state.RefUnit:
		return h.have.Units[r.Name].Known()
	case state.RefFile:
		return h.have.Files[r.Name].Known()
	case state.RefDir:
		return h.have.Dirs[r.Name].Known()
	}
	return h.have.Host.Known()
}

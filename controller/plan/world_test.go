package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// The tests describe a host by what differs from a well one. t0 is ten minutes
// after its boot.
var (
	boot0 = time.Date(2026, 11, 23, 1, 50, 0, 0, time.UTC)
	t0    = state.Time{Wall: boot0.Add(10 * time.Minute), Up: 10 * time.Minute, Boot: "b1"}
)

// host is a want, a have and a past that fit each other.
type host struct {
	want *desired.Set
	have state.World
	past *state.Past
	now  state.Time
}

// newHost returns a host on which the named services run as declared, each with
// a unit file of ours, and which evenkeel knows.
func newHost(names ...string) *host {
	h := &host{
		want: &desired.Set{Revision: "r1", Host: desired.Host{Name: "app-1"}, Policy: desired.BuiltInPolicy()},
		past: state.NewPast(), now: t0,
	}
	h.past.Revision = state.Revision{Name: "r1", Services: len(names)}
	h.have.Host = state.Fact[state.Host]{At: t0, Value: state.Host{Name: "app-1", System: "running", Systemd: 252, UnitsLoaded: boot0.Add(time.Minute)}}
	h.have.Units = map[string]state.Fact[state.Unit]{}
	h.have.Files = map[string]state.Fact[state.File]{}
	h.have.Dirs = map[string]state.Fact[state.Dir]{}
	for _, n := range names {
		h.add(n)
	}
	return h
}

func (h *host) add(name string) *desired.Service {
	s := h.declare(name)
	h.settle()
	return s
}

// declare is add without what evenkeel then notes.
func (h *host) declare(name string) *desired.Service {
	unit := name + ".service"
	a := desired.Artifact{Path: "/etc/systemd/system/" + unit, Content: []byte("unit " + name), Mode: 0o644, Owner: "root", Group: "root"}
	a.Digest = state.Digest(a.Content)
	h.want.Services = append(h.want.Services, desired.Service{
		Name: name, Units: []string{unit}, UnitFile: &a, Install: &desired.Install{Present: true},
		Spec: desired.ServiceSpec{
			Management: desired.Enforce, State: desired.Running, ForeignDropIns: desired.Warn,
			Drift:      &desired.Drift{Mode: desired.Enforce},
			RestartOn:  &desired.RestartOn{Unit: desired.Now, Files: desired.Now, Watch: desired.Now, Executable: desired.Manual},
			ManualStop: &desired.ManualStop{Hold: desired.Duration(time.Hour), Then: "restore"},
			Limits: &desired.Limits{Restarts: 3, Per: desired.Duration(30 * time.Minute), Backoff: []desired.Duration{
				desired.Duration(10 * time.Second), desired.Duration(20 * time.Second), desired.Duration(5 * time.Minute),
			}},
		},
	})
	h.past.Started[unit] = state.Time{Wall: boot0.Add(2 * time.Minute), Up: 2 * time.Minute, Boot: "b1"}
	h.unit(unit, func(*state.Unit) {})
	h.lies(a.Path, "unit "+name)
	for _, dir := range []string{"/etc/systemd/system/", "/run/systemd/system/"} {
		h.have.Dirs[dir+unit+".d"] = state.Fact[state.Dir]{At: t0}
	}
	return &h.want.Services[len(h.want.Services)-1]
}

func (h *host) svc(name string) *desired.Service {
	s, ok := h.want.Service(name)
	if !ok {
		panic("no service " + name)
	}
	return s
}

// unit changes what is seen of a unit, which is well unless changed.
func (h *host) unit(name string, change func(*state.Unit)) {
	f, ok := h.have.Units[name]
	if !ok {
		f.Value = state.Unit{
			ID: name, Load: "loaded", Active: "active", Sub: "running", Boot: "enabled", Type: "simple", Result: "success",
			Invocation: "i1-" + name, MainPID: 100, Entered: 2 * time.Minute, Changed: 2 * time.Minute, Condition: true,
		}
	}
	f.At = h.now
	change(&f.Value)
	h.have.Units[name] = f
}

// lies puts a file on the host, as evenkeel would have written it.
func (h *host) lies(path, content string) {
	h.have.Files[path] = state.Fact[state.File]{At: h.now, Value: state.File{
		Kind: state.Regular, Digest: state.Digest([]byte(content)), Mode: 0o644, Owner: "root", Group: "root", Changed: boot0.Add(30 * time.Second),
	}}
}

func (h *host) redeclare(name, content string) {
	a := h.svc(name).UnitFile
	h.svc(name).UnitFile = &desired.Artifact{Path: a.Path, Content: []byte(content), Digest: state.Digest([]byte(content)), Mode: 0o644, Owner: "root", Group: "root"}
}

func (h *host) owned(name string) {
	a := h.svc(name).UnitFile
	h.past.Owned[a.Path] = state.Owned{Object: "Service/" + name, Digest: a.Digest, Created: true}
}

func (h *host) changed(path string, at time.Time) {
	f := h.have.Files[path]
	f.Value.Changed = at
	h.have.Files[path] = f
}

func (h *host) dropIn(name, file string) {
	dir := "/etc/systemd/system/" + name + ".service.d"
	h.have.Dirs[dir] = state.Fact[state.Dir]{At: h.now, Value: state.Dir{Exists: true, Names: []string{file}, Changed: boot0}}
	h.lies(dir+"/"+file, "[Service]\n")
}

func (h *host) gone(path string) {
	h.have.Files[path] = state.Fact[state.File]{At: h.now}
}

func (h *host) make() state.Plan { return plan.Make(h.want, &h.have, h.past, h.now) }

// fold lets the past know the notes of a plan.
func (h *host) fold(p state.Plan) {
	for i := range p.Notes {
		h.past.Fold(state.Entry{At: h.now, Note: &p.Notes[i]})
	}
}

// settle folds the notes until there are none: evenkeel knows the host.
func (h *host) settle() {
	for range 3 {
		h.fold(h.make())
	}
}

// did records a Step that ended well, at now.
func (h *host) did(t *testing.T, s state.Step) {
	t.Helper()
	h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
	h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Done}})
}

func (h *host) later(d time.Duration) {
	h.now = h.now.Add(d)
}

// see reads everything again, at now.
func (h *host) see() {
	h.have.Host.At = h.now
	for k, f := range h.have.Units {
		f.At = h.now
		h.have.Units[k] = f
	}
	for k, f := range h.have.Files {
		f.At = h.now
		h.have.Files[k] = f
	}
	for k, f := range h.have.Dirs {
		f.At = h.now
		h.have.Dirs[k] = f
	}
}

// tell is a plan in a line a thing, for comparing.
func tell(p state.Plan) string {
	var b strings.Builder
	number := map[string]int{}
	for i, s := range p.Steps {
		number[s.ID] = i + 1
	}
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s %s.%s %s %s", s.Object, s.Action.Actuator, s.Action.Verb, s.Action.Target, s.Reason)
		var needs []int
		for _, id := range s.Needs {
			needs = append(needs, number[id])
		}
		slices.Sort(needs)
		if len(needs) > 0 {
			fmt.Fprintf(&b, " after %v", needs)
		}
		if s.Remedial {
			b.WriteString(" charged")
		}
		b.WriteString("\n")
	}
	for _, h := range p.Held {
		fmt.Fprintf(&b, "held %s %s\n", h.Object, h.Reason)
	}
	for _, g := range p.Gaps {
		fmt.Fprintf(&b, "gap %s %s\n", g.Object, g.Source)
	}
	return b.String()
}

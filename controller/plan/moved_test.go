package plan_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// object declares a service, wherever it runs; hosts are its matchers.
func (h *host) object(name string, hosts ...string) {
	spec, err := json.Marshal(map[string]any{"hosts": hosts})
	if err != nil {
		panic(err)
	}
	h.want.Objects = append(h.want.Objects, desired.Object{Kind: "Service", Metadata: desired.Meta{Name: name}, Spec: spec})
}

// drop takes a service off the host, and leaves what is declared of it.
func (h *host) drop(names ...string) {
	var rest []desired.Service
	for _, s := range h.want.Services {
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+s.Name+" ") {
			rest = append(rest, s)
		}
	}
	h.want.Services = rest
}

// fourServices is a host that runs four services, each of which evenkeel created.
func fourServices() *host {
	h := newHost("a", "b", "c", "d")
	for _, n := range []string{"a", "b", "c", "d"} {
		h.object(n)
		h.owned(n)
	}
	return h
}

// elsewhere declares a service for other hosts than this one.
func (h *host) elsewhere(name string) {
	h.drop(name)
	for i, o := range h.want.Objects {
		if o.Metadata.Name == name {
			h.want.Objects[i].Spec = json.RawMessage(`{"hosts":["role=\"web\""]}`)
		}
	}
}

// A service that is declared for other hosts now is let go, and nothing on this one
// changes.
func TestMovedAway(t *testing.T) {
	for name, c := range map[string]struct {
		make func(h *host)
		want string // the plan
		note string // what is said of a; empty: it is not let go
	}{
		"its matchers choose another host": {func(h *host) { h.elsewhere("a") }, "", `it is declared for other hosts now (role="web"); what it is on this host stays as it is, and nobody looks after it here`},
		"the host left the environment": {func(h *host) {
			h.want.Policy.Shrink, h.want.Environment = 1, "production"
			h.want.Host.Labels = map[string]string{"role": "web"}
			h.elsewhere("a") // by its own matchers it would run here
			h.drop("b", "c", "d")
		}, "", "this host no longer belongs to environment production; what it is on this host stays as it is, and nobody looks after it here"},
		"whatever its onRemove was": {func(h *host) {
			m := h.past.Managed["Service/a"]
			m.OnRemove = desired.OnRemoveDelete
			h.past.Managed["Service/a"] = m
			h.elsewhere("a")
		}, "", `it is declared for other hosts now (role="web"); what it is on this host stays as it is, and nobody looks after it here`},
		"it left git: onRemove": {func(h *host) { h.drop("a"); h.want.Objects = h.want.Objects[1:] }, "Service/a systemd.stop a.service NotDeclared\n" +
			"Service/a systemd.disable a.service NotDeclared after [1]\n" +
			"Service/a file.remove /etc/systemd/system/a.service NotDeclared after [1 2]\n" +
			"Host/app-1 systemd.daemon-reload  DaemonReloadNeeded after [2 3]\n", ""},
		"more than policy's share at once: held": {func(h *host) { h.elsewhere("a"); h.elsewhere("b") }, "held Service/a Shrunk\nheld Service/b Shrunk\n", ""},
		"one moved, and one gone: they count together": {func(h *host) {
			h.elsewhere("a")
			h.drop("b")
			h.want.Objects = append(h.want.Objects[:1:1], h.want.Objects[2:]...)
		}, "held Service/a Shrunk\nheld Service/b Shrunk\n", ""},
		"a typo in a matcher of all: held": {func(h *host) { h.drop("a", "b", "c", "d") }, "held Service/a Shrunk\nheld Service/b Shrunk\nheld Service/c Shrunk\nheld Service/d Shrunk\n", ""},
		"a step on it is under way: when that has ended": {func(h *host) {
			h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: state.Step{ID: "x", Object: "Service/a"}}})
			h.elsewhere("a")
		}, "Service/a .  \n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := fourServices()
			c.make(h)
			p := h.make()
			if d := cmp.Diff(c.want, tell(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			said := ""
			for _, n := range p.Notes {
				if n.Kind == state.NoteForgot && n.Object == "Service/a" {
					said = n.Detail
				}
			}
			if said != c.note {
				t.Errorf("it says %q, want %q", said, c.note)
			}
			h.fold(p)
			again := h.make()
			if d := cmp.Diff(c.want, tell(again)); d != "" || len(again.Notes) > 0 {
				t.Errorf("and then (-want +got):\n%s\nnotes: %+v", d, again.Notes)
			}
		})
	}
}

func TestShrunkSaysWhat(t *testing.T) {
	for want, make := range map[string]func(h *host){
		"2 of 4 services are declared for other hosts now, more than policy's share of 0.3":              func(h *host) { h.elsewhere("a"); h.elsewhere("b") },
		"2 of 4 services are no longer declared, more than policy's share of 0.3":                        func(h *host) { h.want.Objects = h.want.Objects[2:]; h.drop("a", "b") },
		"1 of 4 services are no longer declared, and 1 for other hosts, more than policy's share of 0.3": func(h *host) { h.elsewhere("b"); h.want.Objects = h.want.Objects[1:]; h.drop("a") },
	} {
		h := fourServices()
		make(h)
		if got := h.make().Held[0].Detail; got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// A service that comes back is taken up again: what runs goes on, and what
// evenkeel wrote is no human's.
func TestMovedBack(t *testing.T) {
	for name, c := range map[string]struct {
		make func(h *host)
		want string
	}{
		"as it was: nothing": {func(*host) {}, ""},
		"declared otherwise meanwhile: written, and a human restarts": {
			func(h *host) { h.redeclare("a", "unit a v2") },
			"Service/a file.write /etc/systemd/system/a.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\nheld Service/a PendingRestart\n",
		},
		"so too where drift is only told of": {func(h *host) {
			h.redeclare("a", "unit a v2")
			h.svc("a").Spec.Drift.Mode = desired.Warn
		}, "Service/a file.write /etc/systemd/system/a.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\nheld Service/a PendingRestart\n"},
		"changed by a human meanwhile, where drift is told of": {func(h *host) {
			h.lies("/etc/systemd/system/a.service", "a human's")
			h.svc("a").Spec.Drift.Mode = desired.Warn
		}, "held Service/a UnitFileDrift\n"},
	} {
		t.Run(name, func(t *testing.T) {
			h := fourServices()
			services := h.want.Services
			h.elsewhere("a")
			h.settle()
			if _, ok := h.past.Managed["Service/a"]; ok || h.past.Ran["a.service"].Invocation != "" {
				t.Fatal("it is not forgotten")
			}
			h.later(time.Hour)
			h.see()
			h.want.Services = services
			c.make(h)
			if d := cmp.Diff(c.want, tell(h.make())); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			for _, s := range h.make().Steps {
				if s.Action.Args["keep"] != "" {
					t.Errorf("%s: evenkeel's own version is taken for a human's", s.Action)
				}
			}
			h.settle()
			if !h.past.Owned["/etc/systemd/system/a.service"].Created || !h.past.Ran["a.service"].Adopted {
				t.Errorf("owned %+v, ran %+v", h.past.Owned["/etc/systemd/system/a.service"], h.past.Ran["a.service"])
			}
		})
	}
}

// What was left of a service that moved away is forgotten once it leaves git, and
// stays on the host. A desired state without any object says nothing.
func TestMovedAwayForGood(t *testing.T) {
	h := fourServices()
	h.elsewhere("a")
	h.settle()
	const file = "/etc/systemd/system/a.service"
	all := h.want.Objects
	h.want.Objects = nil
	if h.settle(); h.past.Owned[file].Object == "" {
		t.Error("it is forgotten, though nothing is declared at all")
	}
	h.want.Objects = all[1:]
	p := h.make()
	if tell(p) != "" {
		t.Errorf("plan:\n%s", tell(p))
	}
	if h.fold(p); h.past.Owned[file].Object != "" {
		t.Error("it is still known")
	}
	if again := h.make(); len(again.Notes) > 0 {
		t.Errorf("notes: %+v", again.Notes)
	}
}

// Whatever moves away, nothing on the host changes because of it.
func TestMovingAwayTouchesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := randomHost(t)
		h.settle()
		var names []string
		for _, s := range h.want.Services {
			h.object(s.Name)
			if rapid.Bool().Draw(t, "owned") {
				h.owned(s.Name)
			}
			if rapid.Bool().Draw(t, "moves") {
				names = append(names, s.Name)
			}
		}
		h.want.Policy.Shrink = rapid.SampledFrom([]float64{0.3, 1}).Draw(t, "shrink")
		h.drop(names...)
		p := h.make()
		for _, s := range p.Steps {
			for _, n := range names {
				if s.Object == "Service/"+n {
					t.Fatalf("%s of what moved away:\n%s", s.Action, tell(p))
				}
			}
		}
		h.fold(p)
		if again := h.make(); len(again.Notes) > 0 {
			t.Fatalf("no fixpoint: %+v", again.Notes)
		}
	})
}

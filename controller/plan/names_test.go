package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// aliasOf makes the unit of a service another name of a unit.
func (h *host) aliasOf(name, id string) {
	h.svc(name).UnitFile, h.svc(name).Install = nil, nil
	h.unit(name+".service", func(u *state.Unit) { u.ID, u.Names, u.Boot = id, []string{id, name + ".service"}, "alias" })
}

// A unit that is declared by another of its names is what it is: what policy and
// the protected set say of it holds, and of two declarations of it one counts.
func TestAliases(t *testing.T) {
	dead := func(h *host, name string) {
		h.unit(name+".service", func(u *state.Unit) { u.Active, u.Sub, u.Result = "failed", "failed", "signal" })
	}
	cases := []struct {
		name string
		set  func(h *host)
		want string
	}{
		{"of a unit of the distribution's", func(h *host) {
			h.aliasOf("web", "nginx.service")
			dead(h, "web")
		}, "Service/web systemd.start web.service Failed charged\n"},
		{"of the protected set, not to be started", func(h *host) {
			h.aliasOf("web", "systemd-logind.service")
			dead(h, "web")
		}, "held Service/web Protected\n"},
		{"of the protected set, not to be stopped", func(h *host) {
			h.aliasOf("web", "systemd-logind.service")
			h.svc("web").Spec.State = desired.Stopped
		}, "held Service/web Protected\n"},
		{"of the protected set, no drop-in for it", func(h *host) {
			h.aliasOf("web", "systemd-logind.service")
			content := []byte("[Service]\nNice=1\n")
			h.svc("web").DropIns = []desired.Artifact{{Path: "/etc/systemd/system/web.service.d/a.conf", Content: content, Digest: state.Digest(content), Mode: 0o644, Owner: "root", Group: "root"}}
			h.gone("/etc/systemd/system/web.service.d/a.conf")
		}, "held Service/web Protected\n"},
		{"of a unit that policy protects", func(h *host) {
			h.aliasOf("web", "agent.service")
			h.want.Policy.Protect = []string{"agent.service"}
			dead(h, "web")
		}, "held Service/web Protected\n"},
		{"of a unit that policy does not allow", func(h *host) {
			h.aliasOf("web", "theirs.service")
			h.want.Policy.Units = []string{"web.service", "db.service"}
			dead(h, "web")
		}, "held Service/web NotAllowed\n"},
		{"of a unit that is declared by its own name", func(h *host) {
			h.aliasOf("web", "db.service")
			h.svc("db").Spec.State = desired.Stopped
			dead(h, "web")
		}, "Service/db systemd.stop db.service NotStopped\nheld Service/web UnitInvalid\n"},
		{"of a unit that is declared by another alias", func(h *host) {
			h.aliasOf("db", "x.service")
			h.aliasOf("web", "x.service")
			h.svc("web").Spec.State = desired.Stopped
			dead(h, "db")
		}, "Service/db systemd.start db.service Failed charged\nheld Service/web UnitInvalid\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("db", "web")
			c.set(h)
			h.settle()
			if d := cmp.Diff(c.want, tell(h.make())); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}

// What is declared under another name now is the same unit, with the same files:
// nothing of it is stopped or removed, and what was remembered of it stays.
func TestAnotherName(t *testing.T) {
	t.Run("of the service", func(t *testing.T) {
		h := newHost("a", "b", "c", "d")
		h.owned("a")
		h.past.Charges["a.service"] = []state.Time{h.now}
		h.svc("a").Spec.OnRemove = desired.OnRemoveDelete
		h.settle()
		h.svc("a").Name = "other"
		h.nothingToDo(t)
		if o := h.past.Owned["/etc/systemd/system/a.service"]; o.Object != "Service/other" || !o.Created {
			t.Errorf("the unit file belongs to %+v", o)
		}
		if _, ok := h.past.Managed["Service/a"]; ok {
			t.Error("the old name is still managed")
		}
		if h.past.Ran["a.service"].Invocation == "" || len(h.past.Charges["a.service"]) != 1 {
			t.Error("what the unit was started with, or how often, is forgotten")
		}
	})
	t.Run("of every service", func(t *testing.T) {
		h := newHost("a", "b", "c", "d")
		for i := range h.want.Services {
			h.owned(h.want.Services[i].Name)
		}
		for i := range h.want.Services {
			h.want.Services[i].Name += "x"
		}
		h.nothingToDo(t)
	})
	for name, id := range map[string]string{"of the unit, an alias now": "a.service", "of the unit, by its own name now": "new.service"} {
		t.Run(name, func(t *testing.T) {
			h := newHost("a", "b", "c", "d")
			s := h.svc("a")
			s.UnitFile, s.Install, s.Spec.OnRemove = nil, nil, desired.OnRemoveStop
			h.settle()
			s.Units = []string{"new.service"}
			for _, n := range []string{"a.service", "new.service"} {
				h.unit(n, func(u *state.Unit) {
					u.ID, u.Names, u.Boot, u.Invocation = id, []string{"a.service", "new.service"}, "alias", "i1"
				})
			}
			for _, dir := range dropInFolders("new.service") {
				h.have.Dirs[dir] = state.Fact[state.Dir]{At: h.now}
			}
			h.nothingToDo(t)
		})
	}
	t.Run("that was not looked at yet", func(t *testing.T) {
		h := newHost("a", "b", "c", "d")
		s := h.svc("a")
		s.UnitFile, s.Install, s.Spec.OnRemove = nil, nil, desired.OnRemoveStop
		h.settle()
		s.Units = []string{"new.service"}
		for _, dir := range dropInFolders("new.service") {
			h.have.Dirs[dir] = state.Fact[state.Dir]{At: h.now}
		}
		if d := cmp.Diff("gap Service/a unit:new.service\n", tell(h.make())); d != "" {
			t.Errorf("plan (-want +got):\n%s", d)
		}
	})
}

// nothingToDo insists that a host is as declared, and stays so once all is noted.
func (h *host) nothingToDo(t *testing.T) {
	t.Helper()
	for range 3 {
		p := h.make()
		if got := tell(p); got != "" {
			t.Fatalf("plan:\n%s", got)
		}
		h.fold(p)
	}
	if p := h.make(); len(p.Notes) > 0 {
		t.Errorf("it never comes to rest: %+v", p.Notes)
	}
}

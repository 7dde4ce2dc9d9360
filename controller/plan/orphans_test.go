package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
)

// What is no longer declared is let go as it asked for, and an emptied
// repository stops nothing.
func TestNoLongerDeclared(t *testing.T) {
	drop := func(h *host, name string) {
		for i, s := range h.want.Services {
			if s.Name == name {
				h.want.Services = append(h.want.Services[:i:i], h.want.Services[i+1:]...)
				return
			}
		}
	}
	t.Run("created by us: stopped, disabled, removed, in this order", func(t *testing.T) {
		h := newHost("a", "b", "c", "d")
		h.owned("a")
		drop(h, "a")
		want := `Service/a systemd.stop a.service NotDeclared
Service/a systemd.disable a.service NotDeclared after [1]
Service/a file.remove /etc/systemd/system/a.service NotDeclared after [1 2]
Host/app-1 systemd.daemon-reload  DaemonReloadNeeded after [2 3]
`
		if d := cmp.Diff(want, tell(h.make())); d != "" {
			t.Errorf("plan (-want +got):\n%s", d)
		}
	})
	t.Run("there before us: released", func(t *testing.T) {
		h := newHost("a", "b", "c", "d")
		drop(h, "a")
		p := h.make()
		if got := tell(p); got != "" {
			t.Errorf("plan:\n%s", got)
		}
		h.fold(p)
		if _, ok := h.past.Managed["Service/a"]; ok {
			t.Error("it is still managed")
		}
	})
	t.Run("onRemove stop: stopped, and left where it is", func(t *testing.T) {
		h := newHost("a", "b", "c", "d")
		h.svc("a").Spec.OnRemove = desired.OnRemoveStop
		h.settle()
		h.owned("a")
		drop(h, "a")
		if d := cmp.Diff("Service/a systemd.stop a.service NotDeclared\n", tell(h.make())); d != "" {
			t.Errorf("plan (-want +got):\n%s", d)
		}
	})
	t.Run("too much at once: held", func(t *testing.T) {
		h := newHost("a", "b", "c", "d")
		for _, n := range []string{"a", "b"} {
			h.owned(n)
			drop(h, n)
		}
		p := h.make()
		if d := cmp.Diff("held Service/a Shrunk\nheld Service/b Shrunk\n", tell(p)); d != "" {
			t.Errorf("plan (-want +got):\n%s", d)
		}
	})
}

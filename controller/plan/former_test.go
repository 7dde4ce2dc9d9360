package plan_test

import (
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/state"
)

// A service whose unit was given another name: the old one leaves before the
// reload that the new one waits for, and no two Steps wait for each other.
func TestAnotherUnit(t *testing.T) {
	h := newHost("a", "b", "c", "d")
	h.owned("a")
	s := h.svc("a")
	a := *s.UnitFile
	a.Path = "/etc/systemd/system/new.service"
	s.UnitFile, s.Units = &a, []string{"new.service"}
	h.unit("new.service", func(u *state.Unit) {
		*u = state.Unit{ID: "new.service", Load: "not-found", Active: "inactive", Sub: "dead", Boot: "not-found"}
	})
	h.gone(a.Path)
	for _, dir := range dropInFolders("new.service") {
		h.have.Dirs[dir] = state.Fact[state.Dir]{At: h.now}
	}
	p := h.make()
	done := map[string]bool{}
	for _, st := range p.Steps {
		for _, n := range st.Needs {
			if !done[n] {
				t.Errorf("%s %s needs %s, which does not come before it", st.Action.Verb, st.Action.Target, n)
			}
		}
		done[st.ID] = true
	}
	if got := tell(p); !strings.Contains(got, "systemd.stop a.service NotDeclared") || !strings.Contains(got, "file.remove /etc/systemd/system/a.service NotDeclared") {
		t.Errorf("plan:\n%s", got)
	}
}

func dropInFolders(unit string) []string {
	return []string{"/etc/systemd/system/" + unit + ".d", "/run/systemd/system/" + unit + ".d"}
}

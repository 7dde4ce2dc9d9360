package git

import (
	"maps"
	"testing"
)

func TestABranchIsFollowed(t *testing.T) {
	o := newOrigin(t)
	first := o.commit(map[string]string{"a.yaml": "a\n", "units/x.service": "x\n"})
	o.push("main")
	m := mirror(t, o.options())
	h := fetched(t, m)
	if h.Branch.ID != first || h.Tree.Commit.ID != first || h.Testing || h.Remote != o.bare {
		t.Errorf("got %+v, want %s", h, first)
	}
	if got, want := content(t, h.Tree), map[string]string{"a.yaml": "a\n", "units/x.service": "x\n"}; !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	second := o.commit(map[string]string{"a.yaml": "b\n"})
	o.push("main")
	h = fetched(t, m, first, "", first)
	if h.Branch.ID != second || h.Branch.Author != "Ada <ada@example.com>" || len(h.Branch.Parents) != 1 || h.Branch.Parents[0] != first || h.Branch.Time.IsZero() {
		t.Errorf("got %+v, want %s", h.Branch, second)
	}
	if got := content(t, h.Tree)["a.yaml"]; got != "b\n" {
		t.Errorf("got %q, want b", got)
	}
}

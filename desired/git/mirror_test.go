package git

import (
	"context"
	"errors"
	"maps"
	"os"
	"sync"
	"testing"
	"time"
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

func TestARepositoryOfLongerIDsIsFollowed(t *testing.T) {
	o := newOrigin(t)
	for _, dir := range []string{o.bare, o.work} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	m := mirror(t, o.options())
	o.run("", "init", "-q", "--bare", "-b", "main", "--object-format=sha256", o.bare)
	o.run("", "init", "-q", "-b", "main", "--object-format=sha256", o.work)
	o.git("remote", "add", "origin", o.bare)
	first := o.commit(map[string]string{"d/a.yaml": "1"})
	o.push("main")
	if h := fetched(t, m); h.Branch.ID != first || len(first) != 64 {
		t.Errorf("got %s, want %s", h.Branch.ID, first)
	}
	second := o.commit(map[string]string{"d/a.yaml": "2"})
	o.push("main")
	if h := fetched(t, m, first); h.Branch.ID != second || content(t, h.Tree)["d/a.yaml"] != "2" {
		t.Errorf("got %s, want %s", h.Branch.ID, second)
	}
}

// What is known is not fetched and judged again, be it good or refused.
func TestWhatIsKnownIsSaidAgain(t *testing.T) {
	o := newOrigin(t)
	good := o.commit(map[string]string{"a.yaml": "1"})
	o.push("main")
	m := mirror(t, o.options())
	one, two := fetched(t, m, good), fetched(t, m, good)
	if one.Tree != two.Tree {
		t.Error("it was read again")
	}
	o.git("commit", "-q", "--amend", "-m", "other")
	o.push("main")
	r := refused(t, m, Rewritten, "another history", good)
	if again := refused(t, m, Rewritten, "another history", good); again != r {
		t.Error("it was judged again")
	}
	if h := fetched(t, m); h.Branch.ID != r.Commit {
		t.Errorf("another floor: got %s", h.Branch.ID)
	}
	m.memo.at = m.memo.at.Add(-memoLasts)
	if h := fetched(t, m); h.Tree == one.Tree {
		t.Error("it is known for ever")
	}
}

// Several may ask at once, and none of them longer than they care to.
func TestWhoAsksWaitsForTheOthers(t *testing.T) {
	o := newOrigin(t)
	want := o.commit(map[string]string{"a.yaml": "1"})
	o.push("main")
	m := mirror(t, o.options())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if h, err := m.Fetch(t.Context()); err != nil || h.Branch.ID != want {
				t.Errorf("got %s, %v", h.Branch.ID, err)
			}
			if tree, err := m.Tree(t.Context(), "main"); err != nil || tree.Commit.ID != want {
				t.Errorf("got %v, %v", tree, err)
			}
		})
	}
	all.Wait()
	m.turn <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.Fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

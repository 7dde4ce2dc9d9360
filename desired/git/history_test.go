package git

import (
	"strings"
	"testing"
)

// Each of these histories is forged, or might be. What was believed stays.
func TestHistoriesThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		forge func(o *origin, believed string) // main is at believed, its parent is main~1
		kind  RefusedKind
		words string
	}{
		{"a force-push to an older commit", func(o *origin, _ string) {
			o.git("reset", "-q", "--hard", "HEAD~1")
			o.push("main")
		}, Rewritten, "was set back"},
		{"a history that parts from it", func(o *origin, _ string) {
			o.git("reset", "-q", "--hard", "HEAD~1")
			o.commit(map[string]string{"a.yaml": "forged"})
			o.push("main")
		}, Rewritten, "was rewritten"},
		{"an amended commit", func(o *origin, _ string) {
			o.git("commit", "-q", "--amend", "-m", "amended")
			o.push("main")
		}, Rewritten, "was rewritten"},
		{"an unrelated history", func(o *origin, _ string) {
			o.git("checkout", "-q", "--orphan", "other")
			o.commit(map[string]string{"a.yaml": "other"})
			o.push("main")
		}, Rewritten, "another history"},
		{"a deleted branch", func(o *origin, _ string) {
			o.git("push", "-q", "origin", "HEAD:refs/heads/other")
			o.run(o.bare, "update-ref", "-d", "refs/heads/main")
		}, NoBranch, "no such branch"},
		{"an emptied repository", func(o *origin, _ string) {
			o.run(o.bare, "update-ref", "-d", "refs/heads/main")
		}, NoBranch, "no such branch"},
		{"a tag in place of the branch", func(o *origin, _ string) {
			o.run(o.bare, "tag", "main", "main")
			o.run(o.bare, "update-ref", "-d", "refs/heads/main")
		}, NoBranch, "no such branch"},
		{"a branch whose name ends like it", func(o *origin, _ string) {
			o.git("push", "-q", "origin", "HEAD:refs/heads/refs/heads/main")
			o.run(o.bare, "update-ref", "-d", "refs/heads/main")
		}, NoBranch, "no such branch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t)
			o.commit(map[string]string{"a.yaml": "1"})
			believed := o.commit(map[string]string{"a.yaml": "2"})
			o.push("main")
			m := mirror(t, o.options())
			fetched(t, m)
			c.forge(o, believed)
			refused(t, m, c.kind, c.words, believed)
			// The same for who has no mirror any more.
			r := refused(t, mirror(t, o.options()), c.kind, "", believed)
			if strings.ContainsAny(r.Error(), "\n\r") {
				t.Errorf("not one line: %q", r)
			}
			// As soon as what was believed is there again, the branch goes on.
			o.run(o.bare, "update-ref", "-d", "refs/heads/main")
			o.run(o.work, "checkout", "-q", "-f", believed)
			_, _ = o.try(o.bare, nil, "update-ref", "-d", "refs/heads/refs/heads/main")
			next := o.commit(map[string]string{"a.yaml": "3"})
			o.push("main")
			if h := fetched(t, m, believed); h.Branch.ID != next {
				t.Errorf("it goes on to %s, want %s", h.Branch.ID, next)
			}
		})
	}
}

func TestAHistoryMustHaveAllThatWasBelieved(t *testing.T) {
	o := newOrigin(t)
	first := o.commit(map[string]string{"a": "1"})
	left := o.commit(map[string]string{"a": "2"})
	o.git("checkout", "-q", "-b", "right", first)
	right := o.commit(map[string]string{"b": "2"})
	o.push("main")
	m := mirror(t, o.options())
	refused(t, m, Rewritten, "rewritten", right, left)
	o.git("merge", "-q", "-m", "both", left)
	o.push("main")
	if h := fetched(t, m, right, left, first); len(h.Branch.Parents) != 2 {
		t.Errorf("got %+v, want a merge", h.Branch)
	}
	if _, err := m.Fetch(t.Context(), "main"); err == nil {
		t.Error("a floor that is no commit is taken for one")
	}
	refused(t, m, Rewritten, "not in its history", strings.Repeat("ab", 20))
}

func TestATestingBranchIsFollowedOnTopOfTheBranch(t *testing.T) {
	o := newOrigin(t)
	base := o.commit(map[string]string{"a": "1"})
	o.push("main")
	options := o.options()
	options.Testing = "app-1"
	m := mirror(t, options)
	want := func(step, branch, followed string, testing bool) {
		t.Helper()
		h := fetched(t, m, base)
		if h.Branch.ID != branch || h.Tree.Commit.ID != followed || h.Testing != testing {
			t.Errorf("%s: branch %s, followed %s, testing %v, want %s, %s, %v", step, h.Branch.ID, h.Tree.Commit.ID, h.Testing, branch, followed, testing)
		}
	}
	want("none", base, base, false)
	o.push("testing/app-1")
	want("the same as the branch", base, base, false)
	o.push("testing/app-2")
	canary := o.commit(map[string]string{"a": "2"})
	o.push("testing/app-2")
	want("another host's", base, base, false)
	o.push("testing/app-1")
	want("on top", base, canary, true)
	o.git("commit", "-q", "--amend", "-m", "tried again")
	again := o.git("rev-parse", "HEAD")
	o.push("testing/app-1")
	want("rewritten, but on top", base, again, true)
	o.git("checkout", "-q", base)
	next := o.commit(map[string]string{"b": "1"})
	o.push("main")
	want("the branch has gone on", next, next, false)
	o.run(o.bare, "update-ref", "-d", "refs/heads/testing/app-1")
	want("deleted", next, next, false)
}

func TestAShallowRemoteIsTold(t *testing.T) {
	o := newOrigin(t)
	believed := o.commit(map[string]string{"a": "1"})
	head := o.commit(map[string]string{"a": "2"})
	o.push("main")
	o.write(map[string]string{"../origin.git/shallow": head + "\n"})
	m := mirror(t, o.options())
	refused(t, m, Rewritten, "shallow clone", believed)
	if h := fetched(t, m, head); h.Branch.ID != head {
		t.Errorf("got %s, want %s", h.Branch.ID, head)
	}
}

package git

import (
	"errors"
	"strings"
	"testing"
)

// A look at anything that the remote has, whoever signed it and wherever it comes
// from.
func TestALookAtARemote(t *testing.T) {
	o := newOrigin(t)
	base := o.commit(map[string]string{"a": "base"})
	o.push("main")
	o.git("tag", "-a", "-m", "v1", "v1")
	o.git("tag", "light")
	o.git("push", "-q", "origin", "v1", "light")
	o.git("checkout", "-q", "--detach")
	head := o.commit(map[string]string{"a": "head"})
	o.push("feature/x")
	o.git("push", "-q", "origin", "HEAD:refs/pull/12/head")
	o.git("checkout", "-q", "--orphan", "other")
	orphan := o.commit(map[string]string{"a": "orphan"})
	o.push("other")
	o.push("light") // a branch before a tag
	hidden := o.commit(map[string]string{"a": "hidden"})
	o.git("push", "-q", "origin", "HEAD:refs/hidden/1")

	s := serve(t, o, nil)
	for _, remote := range []string{o.bare, s.url} {
		options := s.options(o)
		options.Branch, options.Remotes = "", []string{remote}
		options.Signers = signersFile(t, keyring.open(t).line(t, "ada", "")) // has no say
		m := mirror(t, options)
		for ref, want := range map[string]string{
			"main": base, "feature/x": head, "v1": base, "other": orphan, "light": orphan,
			"refs/pull/12/head": head, "refs/heads/main": base, "refs/tags/v1": base, "refs/tags/light": base,
			"HEAD": base, head: head, base: base, head[:10]: head, hidden: hidden,
		} {
			tree, err := m.Tree(t.Context(), ref)
			if err != nil || tree.Commit.ID != want || tree.Commit.Signer != "" || len(tree.Files()) != 1 {
				t.Errorf("%s: got %v, %v, want %s", ref, tree, err, want)
			}
		}
		for _, ref := range []string{"nothing", "refs/heads/nothing", strings.Repeat("ab", 20), "abcdef0", "HEAD~1", "main^{tree}", "--all", "-h", "main:a", "", "a b", "@"} {
			tree, err := m.Tree(t.Context(), ref)
			var r *Refused
			if tree != nil || err == nil || checkRef(ref) == nil && (!errors.As(err, &r) || r.Kind != NoBranch) {
				t.Errorf("%q: got %v, %v, want that there is none", ref, tree, err)
			}
		}
	}
	if _, err := mirror(t, Options{Remotes: []string{o.bare}, Folder: t.TempDir()}).Fetch(t.Context()); err == nil {
		t.Error("a Mirror without a branch follows something")
	}
}

// Looks and what is followed share a mirror, and do not get into each other's way.
func TestALookDoesNotDisturbWhatIsFollowed(t *testing.T) {
	o := newOrigin(t)
	first := o.commit(map[string]string{"a": "1"})
	o.push("main")
	m := mirror(t, o.options())
	fetched(t, m)
	o.git("checkout", "-q", "--orphan", "other")
	other := o.commit(map[string]string{"a": "2"})
	o.push("other")
	for _, ref := range []string{"other", other[:12]} {
		if tree, err := m.Tree(t.Context(), ref); err != nil || tree.Commit.ID != other {
			t.Errorf("%s: %v, %v", ref, tree, err)
		}
	}
	// A branch makes place for a folder of branches, and is not there any more.
	o.run(o.bare, "update-ref", "-d", "refs/heads/other")
	o.push("other/one")
	if tree, err := m.Tree(t.Context(), other[:12]); err != nil || tree.Commit.ID != other {
		t.Errorf("%v, %v", tree, err)
	}
	o.run(o.bare, "update-ref", "-d", "refs/heads/other/one")
	if tree, err := m.Tree(t.Context(), "other/one"); err == nil {
		t.Errorf("a branch that was deleted: %v", tree)
	}
	m = mirror(t, m.options) // which remembers nothing
	if h := fetched(t, m, first); h.Branch.ID != first {
		t.Errorf("got %s, want %s", h.Branch.ID, first)
	}
}

func TestCommitsAreTakenApart(t *testing.T) {
	tree, parent := strings.Repeat("a", 40), strings.Repeat("b", 40)
	good := "tree " + tree + "\nparent " + parent + "\nauthor Ada L <ada@example.com> 1 +0000\ncommitter Bob <bob@example.com> 1795834800 +0200\n" +
		"gpgsig -----BEGIN SSH SIGNATURE-----\n parent " + tree + "\n -----END SSH SIGNATURE-----\nparent " + tree + "\n\n\n A \x1b[2Jsubject \n\ntree x\n"
	c, got, err := parseCommit(object{id: "c", kind: "commit", content: []byte(good)})
	if err != nil || got != tree || len(c.Parents) != 1 || c.Parents[0] != parent || c.Author != "Ada L <ada@example.com>" || c.Time.Unix() != 1795834800 || c.Subject != "A [2Jsubject" {
		t.Errorf("got %+v, %s, %v", c, got, err)
	}
	for name, text := range map[string]string{
		"nothing": "", "no tree": "author A <a@b> 1 +0000\n\n", "a short tree": "tree abc\n\n", "a tree of other letters": "tree " + strings.Repeat("A", 40) + "\n\n",
		"a parent that is none": "tree " + tree + "\nparent x\n\n",
	} {
		if c, _, err := parseCommit(object{kind: "commit", content: []byte(text)}); err == nil {
			t.Errorf("%s: got %+v", name, c)
		}
	}
	if _, _, err := parseCommit(object{kind: "blob", content: []byte(good)}); err == nil {
		t.Error("a blob is taken for a commit")
	}
	for text, want := range map[string]int64{"A <a@b> 12 +0000": 12, "A <a@b> -5 +0000": -62135596800, "A <a@b>": -62135596800, "A": -62135596800, "A <a@b> 99999999999999999999 +0": -62135596800, "": -62135596800} {
		if _, at := person(text); at.Unix() != want {
			t.Errorf("%q: got %v, want %d", text, at, want)
		}
	}
}

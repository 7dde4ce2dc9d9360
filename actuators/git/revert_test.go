package git

import (
	"os"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
)

func TestOneBadCommitIsReverted(t *testing.T) {
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Use the new flag\n\nIt is faster.", "unit", "bad", "other", "untouched", "new", "x")
	r := revert(told(s.url()), good, bad)

	preview, err := New("1").Preview(t.Context(), r)
	if err != nil || !preview.Changed || preview.Detail != `revert "Use the new flag" (`+bad[:12]+") on production" || s.head("production") != bad {
		t.Errorf("preview: %+v, %v, at %s", preview, err, s.head("production"))
	}
	res := apply(t, New("1"), r)
	id := s.head("production")
	if !res.Changed || res.Detail != `reverted "Use the new flag" (`+bad[:12]+") on production by "+id[:12] || res.Data["commit"] != id || res.Data["reverts"] != "1" {
		t.Errorf("%+v", res)
	}
	want := `Revert "Use the new flag"

This reverts commit ` + bad + `.

evenkeel on app-1 took it back: web.service was not ready within 5m

Evenkeel-Key: incident-1/step-2`
	if got := s.git("log", "-1", "--format=%B", id); got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
	if got := s.git("log", "-1", "--format=%an <%ae> %ai|%cn <%ce> %ci|%P", id); got != "evenkeel <evenkeel@app-1> 2027-01-15 08:00:00 +0000|evenkeel <evenkeel@app-1> 2027-01-15 08:00:00 +0000|"+bad {
		t.Error(got)
	}
	if got, want := s.git("rev-parse", id+"^{tree}"), s.git("rev-parse", good+"^{tree}"); got != want {
		t.Errorf("the tree is %s, want that of the last good commit, %s", got, want)
	}
	if key := s.git("interpret-trailers", "--parse"); key != "" {
		t.Error(key)
	}
	if again := apply(t, New("1"), r); again.Changed || again.Data["commit"] != id || s.head("production") != id {
		t.Errorf("again: %+v", again)
	}
	s.git("fsck", "--strict")
}

// git's own revert makes the same of it: the same files, and the same words.
func TestItIsWhatGitWouldHaveMade(t *testing.T) {
	s, good := newServer(t)
	side := s.merge("side", "ada", "On the side", []string{good}, "unit", "good", "other", "untouched", "side", "1")
	s.merge("production", "ada", `Merge branch "side"`, []string{side}, "unit", "good", "other", "untouched", "side", "1")
	bad := s.commit("production", "ada", `A "quoted" one`, "unit", "bad", "other", "untouched", "side", "2")
	work := s.dir + "/work"
	s.run(s.dir, "", "clone", "--quiet", s.repo, work)
	s.run(work, "", "checkout", "--quiet", "production")
	s.run(work, "", "revert", "--no-edit", bad)
	s.run(work, "", "revert", "--no-edit", "-m", "1", bad+"^")

	apply(t, New("1"), revert(told(s.url()), good, bad))
	if got, want := s.git("rev-parse", "production^{tree}"), s.run(work, "", "rev-parse", "HEAD^{tree}"); got != want {
		t.Errorf("the tree is %s, git makes %s", got, want)
	}
	said := s.git("log", "-1", "--format=%B", "production")
	for _, git := range []string{s.run(work, "", "log", "-1", "--format=%b", "HEAD"), s.run(work, "", "log", "-1", "--format=%b", "HEAD^")} {
		if !strings.Contains(said, git) {
			t.Errorf("it does not say %q, as git would:\n%s", git, said)
		}
	}
	if !strings.HasPrefix(said, `Revert "A "quoted" one" and 1 before it`+"\n\n") {
		t.Error(said)
	}
}

func TestWhatIsNotReverted(t *testing.T) {
	for name, tt := range map[string]struct {
		make func(s server, good string) (bad string)
		kind actuators.Kind
		says string
	}{
		"a revert": {
			func(s server, _ string) string {
				return s.commit("production", "ada", "Revert \"x\"\n\nThis reverts commit "+strings.Repeat("ab", 20)+".", "unit", "bad")
			},
			actuators.Refused, "is itself a revert",
		},
		"a revert, taken back": {
			func(s server, _ string) string { return s.commit("production", "ada", `Reapply "x"`, "unit", "bad") },
			actuators.Refused, "is itself a revert",
		},
		"a revert of another evenkeel's": {
			func(s server, _ string) string {
				return s.commit("production", "ada", "Squashed (#12)\n\nEvenkeel-Key: other", "unit", "bad")
			},
			actuators.Refused, "is itself a revert",
		},
		"a revert that a merge brought": {
			func(s server, good string) string {
				side := s.merge("side", "ada", "Revert \"y\"", []string{good}, "unit", "bad")
				return s.merge("production", "ada", "Merge pull request #7", []string{side}, "unit", "bad")
			},
			actuators.Refused, `("Revert \"y\"") is itself a revert`,
		},
		"a revert before it": {
			func(s server, _ string) string {
				s.commit("production", "ada", "Revert \"x\"", "unit", "1")
				return s.commit("production", "ada", "Bad", "unit", "2")
			},
			actuators.Refused, "is itself a revert",
		},
		"what two others built on": {
			func(s server, _ string) string {
				bad := s.commit("production", "ada", "Bad", "unit", "bad")
				s.commit("production", "bob", "More", "unit", "1")
				s.commit("production", "cyd", "More", "unit", "2")
				return bad
			},
			actuators.Refused, "commits by 2 others than the author of",
		},
		"what two others had changed before it": {
			func(s server, _ string) string {
				s.commit("production", "bob", "More", "unit", "1")
				s.commit("production", "cyd", "More", "unit", "2")
				return s.commit("production", "ada", "Bad", "unit", "bad")
			},
			actuators.Refused, "cyd@example.com, bob@example.com",
		},
		"a commit that is no longer the newest": {
			func(s server, _ string) string {
				bad := s.commit("production", "ada", "Bad", "unit", "bad")
				s.commit("production", "bob", "Mended", "unit", "1")
				return bad
			},
			actuators.Conflict, "production has moved on from",
		},
		"a commit of another branch": {
			func(s server, good string) string {
				s.git("update-ref", "refs/heads/other", good)
				return s.commit("other", "ada", "Bad", "unit", "bad")
			},
			actuators.Conflict, "does not lie between",
		},
		"a history that was rewritten": {
			func(s server, _ string) string {
				s.git("update-ref", "-d", "refs/heads/production")
				return s.commit("production", "ada", "Bad", "unit", "bad")
			},
			actuators.Conflict, "does not descend from the last good commit",
		},
		"a merge the other way around": {
			func(s server, good string) string {
				s.git("update-ref", "-d", "refs/heads/production")
				s.commit("production", "ada", "Mine", "unit", "mine")
				return s.merge("production", "ada", "Merge production", []string{good}, "unit", "both")
			},
			actuators.Refused, "does not lie on the line of first parents",
		},
		"a branch that is gone": {
			func(s server, _ string) string {
				bad := s.commit("production", "ada", "Bad", "unit", "bad")
				s.git("update-ref", "-d", "refs/heads/production")
				return bad
			},
			actuators.NotFound, "there is no such branch",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, good := newServer(t)
			bad := tt.make(s, good)
			before := s.look(t)
			fails(t, New("1"), revert(told(s.url()), good, bad), tt.kind, tt.says)
			if after := s.look(t); after != before {
				t.Errorf("the branches were\n%s\nand are\n%s", before, after)
			}
		})
	}
}

// One other author is not in the way: somebody merges what somebody else wrote.
func TestOneOtherAuthorIsNotInTheWay(t *testing.T) {
	s, good := newServer(t)
	s.commit("production", "bob", "Before", "unit", "1")
	s.commit("production", "ada", "Before", "unit", "2")
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	if res := apply(t, New("1"), revert(told(s.url()), good, bad)); res.Data["reverts"] != "3" {
		t.Errorf("%+v", res)
	}
}

func TestWhatSomebodyElseRevertedIsDone(t *testing.T) {
	for name, message := range map[string]string{
		"by git":                     "Revert \"Bad\"\n\nThis reverts commit %.",
		"by hand, and short":         "It broke things\n\nReverts commit %7.",
		"by another evenkeel":        "Revert \"Bad\"\n\nThis reverts commit %.\n\nEvenkeel-Key: another",
		"by us, and squashed":        "Revert (#13)\n\n* Revert \"Bad\"\n\n  Evenkeel-Key: incident-1/step-2",
		"and was built on meanwhile": "Revert \"Bad\"\n\nThis reverts commit %.",
	} {
		t.Run(name, func(t *testing.T) {
			s, good := newServer(t)
			bad := s.commit("production", "ada", "Bad", "unit", "bad")
			theirs := s.commit("production", "bob", strings.NewReplacer("%7", bad[:7], "%", bad).Replace(message), "unit", "good")
			if strings.Contains(name, "built on") {
				s.commit("production", "bob", "More", "unit", "1")
				s.commit("production", "cyd", "More", "unit", "2")
			}
			before := s.look(t)
			res := apply(t, New("1"), revert(told(s.url()), good, bad))
			if res.Changed || res.Data["commit"] != theirs || !strings.Contains(res.Detail, theirs[:12]) {
				t.Errorf("%+v, want that it names %s", res, theirs[:12])
			}
			if after := s.look(t); after != before {
				t.Errorf("the branches were\n%s\nand are\n%s", before, after)
			}
		})
	}
}

// A push that a hook declines becomes a branch for a pull request; what else a
// server refuses does not.
func TestAProtectedBranch(t *testing.T) {
	const hook = `while read old new ref; do
  test "$ref" = refs/heads/production && { echo "GitLab: You are not allowed to push code to protected branches on this project." >&2; exit 1; }
done
exit 0
`
	s, good := newServer(t)
	s.hook("pre-receive", hook)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	r := revert(told(s.url()), good, bad)
	pull := "evenkeel/revert-" + bad[:12]
	res := apply(t, New("1"), r)
	id := s.head(pull)
	if !res.Changed || res.Data["branch"] != pull || res.Data["commit"] != id || res.Data["pullRequest"] != "needed" || s.head("production") != bad {
		t.Errorf("%+v", res)
	}
	if want := "production takes no push: [remote rejected] (pre-receive hook declined): GitLab: You are not allowed to push code to protected branches on this project.; the revert lies on " + pull + ", for a pull request"; res.Detail != want {
		t.Errorf("%q, want %q", res.Detail, want)
	}
	again := apply(t, New("1"), r)
	if again.Changed || again.Data["branch"] != pull || again.Data["commit"] != id || again.Data["pullRequest"] != "needed" {
		t.Errorf("again: %+v", again)
	}
	r.Key = "incident-1 of another host"
	if other := apply(t, New("1"), r); other.Changed || other.Data["commit"] != id {
		t.Errorf("another host: %+v", other)
	}
	if s.keys(pull, "incident") != 1 {
		t.Errorf("%d reverts", s.keys(pull, "incident"))
	}

	// It is merged: that is the revert, and the branch for it may be gone.
	merged := s.merge("production", "bob", "Merge pull request #8", []string{id}, "unit", "good", "other", "untouched")
	s.git("update-ref", "-d", "refs/heads/"+pull)
	if done := apply(t, New("1"), r); done.Changed || done.Data["pullRequest"] != "" || done.Data["commit"] != id || s.head("production") != merged {
		t.Errorf("merged: %+v", done)
	}
}

func TestAServerThatTakesNothing(t *testing.T) {
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	s.hook("pre-receive", "echo sorry >&2; exit 1\n")
	fails(t, New("1"), revert(told(s.url()), good, bad), actuators.Refused, "production takes no push: [remote rejected] (pre-receive hook declined): sorry; and evenkeel/revert-")
	s.hook("pre-receive", "exit 0\n")
	s.git("config", "receive.shallowUpdate", "false")
	s.git("config", "--add", "transfer.hideRefs", "refs/heads/other")
	r := request("push", "other", told(s.url()), "commit", good)
	fails(t, New("1"), r, actuators.Refused, "other was not moved: [remote rejected] (deny updating a hidden ref)")
}

// Somebody pushes between our look and our push: theirs stays, ours is not forced.
func TestSomebodyElseIsFaster(t *testing.T) {
	const first = `test -e pushed || { touch pushed; unset GIT_QUARANTINE_PATH; git update-ref refs/heads/production refs/heads/BRANCH; }
`
	for _, branch := range []string{"theirs", "undone"} {
		for _, when := range []string{"before we push", "while we push"} {
			t.Run(branch+" "+when, func(t *testing.T) {
				s, good := newServer(t)
				bad := s.commit("production", "ada", "Bad", "unit", "bad")
				for branch, message := range map[string]string{"theirs": "Theirs", "undone": "Undone\n\nThis reverts commit " + bad + "."} {
					s.git("update-ref", "refs/heads/"+branch, bad)
					s.commit(branch, "bob", message, "unit", "1")
				}
				script := strings.ReplaceAll(first, "BRANCH", branch)
				a := New("1")
				if when == "while we push" {
					s.hook("pre-receive", script)
				} else {
					s.hook("wrapper", "cd \"$1\"\n"+script+"exec git receive-pack \"$1\"\n")
					a.extra = "[remote \"origin\"]\n\treceivepack = " + s.repo + "/hooks/wrapper\n"
				}
				r := revert(told(s.url()), good, bad)
				if branch == "theirs" {
					fails(t, a, r, actuators.Conflict, "production has moved on")
				} else if res := apply(t, a, r); res.Changed || res.Data["commit"] != s.head("undone") {
					t.Errorf("%+v", res)
				}
				if s.head("production") != s.head(branch) {
					t.Errorf("production is at %s, want %s", s.head("production"), branch)
				}
			})
		}
	}
}

// A remote that cannot be reached is passed over; one that answers counts.
func TestRemotesInTheirOrder(t *testing.T) {
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	r := revert(told("https://127.0.0.1:1/shop.git", s.url()), good, bad)
	if res := apply(t, New("1"), r); !res.Changed {
		t.Errorf("%+v", res)
	}
	fails(t, New("1"), revert(told(s.url()+"-none", s.url()), good, bad), actuators.NotFound, "there is no such repository")
	fails(t, New("1"), revert(told("https://127.0.0.1:1/shop.git", "https://127.0.0.1:2/shop.git"), good, bad), actuators.Unavailable, "https://127.0.0.1:2/shop.git: nobody answers")
}

// What a remote is called cannot change what git is told.
func TestAFolderWithAnOddName(t *testing.T) {
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	odd := s.dir + `/a "b"\;c#d`
	if err := os.Rename(s.repo, odd); err != nil {
		t.Fatal(err)
	}
	s.repo = odd
	r := revert(told("file://"+strings.NewReplacer(" ", "%20", "#", "%23").Replace(odd)), good, bad)
	if res := apply(t, New("1"), r); !res.Changed || s.head("production") != res.Data["commit"] {
		t.Errorf("%+v", res)
	}
}

// A long history is fetched as far as it must be, and no file of it but what
// differs.
func TestALongHistory(t *testing.T) {
	s, _ := newServer(t)
	var stream strings.Builder
	for i := range 1100 {
		stream.WriteString("commit refs/heads/production\ncommitter x <x@example.com> 1800000000 +0000\ndata 1\nx\n")
		if i == 0 {
			stream.WriteString("from refs/heads/production^0\n")
		}
		stream.WriteString("M 100644 inline unit\ndata 1\n" + string(rune('a'+i%26)) + "\n")
	}
	s.run(s.repo, stream.String(), "fast-import", "--quiet")
	head := s.head("production")
	for _, back := range []string{"~10", "~100", "~1099"} {
		s.git("update-ref", "refs/heads/production", head)
		good := s.git("rev-parse", head+back)
		if res := apply(t, New("1"), revert(told(s.url()), good, head)); res.Data["reverts"] != back[1:] || s.git("diff", "--stat", good, "production") != "" {
			t.Errorf("%s: %+v", back, res)
		}
	}
}

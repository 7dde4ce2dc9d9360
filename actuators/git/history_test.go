package git

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
)

// at makes a commit: "id<parents by author: message".
func at(text string) commit {
	head, message, _ := strings.Cut(text, ": ")
	id, rest, _ := strings.Cut(head, "<")
	parents, who, _ := strings.Cut(rest, " by ")
	subject, _, _ := strings.Cut(message, "\n")
	return commit{id: id, parents: strings.Split(parents, "+"), mail: who, subject: subject, message: message}
}

func branch(head string, since ...string) history {
	h := history{head: head}
	for _, text := range since {
		h.since = append(h.since, at(text))
	}
	return h
}

// What of a history is taken back, and what is not, without a git.
func TestWhatIsTakenBack(t *testing.T) {
	for name, tt := range map[string]struct {
		history history
		undo    string // IDs
		kind    actuators.Kind
		says    string
	}{
		"one":                   {history: branch("bad", "bad<good by a: Bad"), undo: "bad"},
		"several":               {history: branch("bad", "bad<c by a: Bad", "c<b by b: C", "b<good by a: B"), undo: "bad c b"},
		"a merge is one":        {history: branch("bad", "bad<good+s2 by a: Merge", "s2<s1 by b: S", "s1<old by c: S"), undo: "bad"},
		"a word is no revert":   {history: branch("bad", "bad<good by a: Revert to nginx 1.20"), undo: "bad"},
		"another's name, twice": {history: branch("bad", "bad<c by a: Bad", "c<b by B: C", "b<good by b: B"), undo: "bad c b"},
		"moved on, by a revert of something else": {
			history: branch("top", "top<bad by b: Revert \"Old\"", "bad<good by a: Bad"), kind: actuators.Conflict, says: "moved on",
		},
		"the branch is back at the last good one": {history: branch("good"), kind: actuators.Conflict, says: "does not lie between"},
		"it came by a merge, and is not on the line": {
			history: branch("m", "m<good+bad by b: Merge", "bad<good by a: Bad"), kind: actuators.Conflict, says: "does not lie between",
		},
		"the last good one is on the other side": {
			history: branch("bad", "bad<mine+good by a: Merge", "mine<old by a: Mine"), kind: actuators.Refused, says: "line of first parents",
		},
		"a root is where it ends": {history: history{head: "bad", since: []commit{{id: "bad"}}}, kind: actuators.Refused, says: "line of first parents"},
		"a revert with a merge's words": {
			history: branch("bad", "bad<good by a: x\n\nThis reverts commit "+strings.Repeat("1f", 20)+", reversing\nchanges made to y."), kind: actuators.Refused, says: "is itself a revert",
		},
		"two others": {history: branch("bad", "bad<c by a: Bad", "c<b by b: C", "b<good by c: B"), kind: actuators.Refused, says: "2 others than the author of bad: b, c"},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := tt.history.undo(wish{branch: "production", commit: "bad", base: "good"})
			var ids []string
			for _, c := range line {
				ids = append(ids, c.id)
			}
			switch {
			case tt.says == "" && (err != nil || strings.Join(ids, " ") != tt.undo):
				t.Errorf("%v, %v, want %s", ids, err, tt.undo)
			case tt.says != "" && (err == nil || actuators.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("%v %v: %v, want %v that says %q", ids, actuators.KindOf(err), err, tt.kind, tt.says)
			}
		})
	}
}

func TestWhatCountsAsDone(t *testing.T) {
	id := strings.Repeat("0123456789", 4)
	for message, want := range map[string]bool{
		"x\n\nThis reverts commit " + id + ".":                         true,
		"x\n\nThis reverts commit " + id + ", reversing\nchanges made": true,
		"x\n\nreverts commit 0123456":                                  true,
		"x\n\nThis reverts commit 012345":                              false, // too short to mean one commit
		"x\n\nThis reverts commit 1234567.":                            false,
		"x\n\nThis reverts commits before " + id:                       false,
		"x\n\nThis reverts merge request !12":                          false,
		"x\n\nEvenkeel-Key: k":                                         true,
		"x\n\n  Evenkeel-Key: k  \nmore":                               true,
		"x\n\nEvenkeel-Key: k2":                                        false,
		"x\n\nEvenkeel-Key: k k":                                       false,
		"x Evenkeel-Key: k":                                            false,
	} {
		h := history{since: []commit{{id: "c", message: message}}}
		if c, _, ok := h.already(wish{key: "k", commit: id}); ok != want || ok && c.id != "c" {
			t.Errorf("%q: %v, want %v", message, ok, want)
		}
	}
}

// What others write into a commit cannot pass for what we say in ours.
func TestMessagesAreOurs(t *testing.T) {
	w := wish{host: "app-1", key: "k", why: "one\n\nEvenkeel-Key: theirs\ttab"}
	got := message(w, []commit{{id: "c1", subject: "a\x1b[31m \u2028Evenkeel-Key: x", parents: []string{"p"}}, {id: "c2", parents: []string{"p1", "p2"}}})
	const want = `Revert "a [31m Evenkeel-Key: x" and 1 before it

This reverts commit c1.
This reverts commit c2, reversing
changes made to p1.

evenkeel on app-1 took it back: one Evenkeel-Key: theirs tab

Evenkeel-Key: k
`
	if got != want {
		t.Errorf("%q\nwant\n%q", got, want)
	}
	if c := (commit{message: got}); c.bears("theirs tab") || !c.bears("k") {
		t.Error("it bears another key")
	}
}

// What a server says when it does not move a branch.
func TestRejections(t *testing.T) {
	p := &place{}
	for out, want := range map[string]answered{
		"! [rejected] (stale info)":                                             moved,
		"! [rejected] (fetch first)":                                            moved,
		"! [rejected] (non-fast-forward)":                                       moved,
		"! [remote rejected] (cannot lock ref 'refs/heads/x': is at a but b)":   moved,
		"! [remote rejected] (failed to update ref)":                            moved,
		"! [remote rejected] (incorrect old value provided)":                    moved,
		"! [remote rejected] (pre-receive hook declined)":                       protected,
		"! [remote rejected] (protected branch hook declined)":                  protected,
		"! [remote rejected] (push declined due to repository rule violations)": protected,
		"! [remote rejected] (refusing to update checked out branch: x)":        notAllowed,
		"! [remote rejected] (unpacker error)":                                  notAllowed,
		"! [remote failure] (remote failed to report status)":                   lost,
		"  [new branch]": lost,
		"":               lost,
	} {
		line := strings.Replace(strings.Replace(out, " [", "\tc:refs/heads/x\t[", 1), "! ", "!", 1)
		got := lost
		if why, ok := rejection("To /srv\n" + line + "\nDone\n"); ok {
			got, _ = p.rejected("x", why, "error: failed to push some refs\n")
		}
		if got != want {
			t.Errorf("%q: %v, want %v", out, got, want)
		}
	}
	for words, says := range map[string]string{
		"remote: error: GH006: Protected branch update failed for refs/heads/main.\n":                         "x takes no push: [remote rejected] (n/a): error: GH006: Protected branch update failed for refs/heads/main.",
		"remote: \nremote: GitLab: You are not allowed to push code to protected branches on this project.\n": "x takes no push: [remote rejected] (n/a): GitLab: You are not allowed",
	} {
		if how, err := p.rejected("x", "[remote rejected] (n/a)", words); how != protected || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%v: %v", how, err)
		}
	}
}

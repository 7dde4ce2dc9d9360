package git

import (
	"context"
	"errors"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
)

// answered is what became of a push.
type answered int

const (
	accepted   answered = iota
	moved               // the branch is not where it was seen
	protected           // the branch takes no push of ours
	lost                // nobody knows
	notAllowed          // nothing happened, and the error says why
)

// errPartial says that a server leaves out what was in the files, and does not
// hand it out later, as over git's old protocol. Nothing was pushed.
var errPartial = actuators.Errorf(actuators.Unavailable, "it does not hand out what it had left out")

// put pushes a commit to a branch that must still be where it was seen, or, for
// an empty old, must not be there. The error is for all but accepted.
func (p *place) put(ctx context.Context, branch, old, commit string) (answered, error) {
	ref := "refs/heads/" + branch
	out, err := p.git(ctx, "", "push", "--porcelain", "--no-verify", "--force-with-lease="+ref+":"+old, "origin", commit+":"+ref)
	if err == nil {
		return accepted, nil
	}
	var f *failure
	if !errors.As(err, &f) {
		return notAllowed, err // it was not begun
	}
	if ctx.Err() != nil {
		return lost, p.plain(ctx, err)
	}
	if strings.Contains(f.words, "from promisor remote") {
		return notAllowed, errPartial
	}
	if why, ok := rejection(out); ok {
		return p.rejected(branch, why, f.words)
	}
	err = p.plain(ctx, err)
	if kind := actuators.KindOf(err); kind == actuators.Refused || kind == actuators.NotFound {
		return notAllowed, err
	}
	return lost, err
}

// rejection is what git's porcelain says of a ref that was not moved: "[rejected]
// (stale info)", "[remote rejected] (pre-receive hook declined)".
func rejection(out string) (string, bool) {
	for line := range strings.Lines(out) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 && f[0] == "!" && !strings.HasPrefix(f[2], "[remote failure]") {
			return f[2], true
		}
	}
	return "", false
}

// What servers say when a branch is protected: git's own of any hook that says
// no, GitHub's codes and rules, GitLab's, Gitea's, Bitbucket's.
var protections = []string{
	"hook declined", "protected", "GH006", "GH013", "repository rule violations", "not allowed to push", "Not allowed to push", "push declined", "not permitted",
}

// What git says when somebody else was there first.
var races = []string{"stale info", "fetch first", "non-fast-forward", "already exists", "failed to update ref", "cannot lock ref", "failed to lock", "incorrect old value", "remote ref has changed", "failed transaction"}

// rejected judges a ref that the remote did not move.
func (p *place) rejected(branch, why, words string) (answered, error) {
	says := p.secret.line(why)
	for line := range strings.Lines(words) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "remote:"); ok && p.secret.line(text) != "" {
			says += ": " + p.secret.line(text)
			break
		}
	}
	for _, one := range races {
		if strings.Contains(why, one) {
			return moved, actuators.Errorf(actuators.Conflict, "somebody else was pushing to %s: %s", branch, says)
		}
	}
	for _, one := range protections {
		if strings.Contains(why+words, one) {
			return protected, actuators.Errorf(actuators.Refused, "%s takes no push: %s", branch, says)
		}
	}
	return notAllowed, actuators.Errorf(actuators.Refused, "%s was not moved: %s", branch, says)
}

package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// descends tells whether a commit is another one or comes after it. A commit that
// is not in the mirror is nobody's ancestor.
func (s *session) descends(ctx context.Context, repository, id, from string) (bool, error) {
	if id == from {
		return true, nil
	}
	_, err := s.command(repository, "merge-base", "--is-ancestor", "--end-of-options", from, id).run(ctx)
	var f *failure
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() == nil && errors.As(err, &f) && f.exited() == 1:
		return false, nil
	case ctx.Err() == nil && errors.As(err, &f) && f.exited() == 128 && unknown(f.words):
		return false, nil
	}
	return false, err
}

// rewritten says in what way a branch that does not descend from a commit that was
// believed has been changed.
func (s *session) rewritten(ctx context.Context, repository, branch, id, floor string) error {
	r := &Refused{Kind: Rewritten, Ref: branch, Commit: id}
	back, err := s.descends(ctx, repository, floor, id)
	if err != nil {
		return err
	}
	if back {
		r.Detail = "the branch was set back: the commit is older than " + short(floor) + ", which was believed before; push that one again, or revert what is wrong in it by a new commit"
		return r
	}
	_, err = s.command(repository, "merge-base", "--end-of-options", floor, id).run(ctx)
	var f *failure
	switch {
	case err == nil:
		r.Detail = "the branch was rewritten: the commit does not descend from " + short(floor) + ", which was believed before; push a history that has it, or revert by a new commit"
	case ctx.Err() != nil || !errors.As(err, &f):
		return err
	case shallow(repository):
		r.Detail = "the remote has only a part of its history (a shallow clone), so nobody can tell whether the commit descends from " + short(floor) + ", which was believed before; follow a whole repository"
	case f.exited() == 1:
		r.Detail = "the branch has another history: nothing of it leads to " + short(floor) + ", which was believed before; push the history that has it"
	case unknown(f.words):
		r.Detail = "the branch was rewritten: " + short(floor) + ", which was believed before, is not in its history any more; push a history that has it, or revert by a new commit"
	default:
		return err
	}
	return r
}

// unknown tells whether git says that it does not have a commit, and not that what
// it has is broken.
func unknown(words string) bool {
	return strings.Contains(words, "Not a valid") && !strings.Contains(words, "corrupt")
}

func shallow(repository string) bool {
	fi, err := os.Lstat(filepath.Join(repository, "shallow"))
	return err == nil && fi.Size() > 0
}

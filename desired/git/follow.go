package git

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The refs of the mirror. No remote can write any other.
const (
	branchRef  = "refs/evenkeel/branch"
	testingRef = "refs/evenkeel/testing"
	reviewRef  = "refs/evenkeel/review"
)

const heads = "refs/heads/"

// follow is Fetch for one remote.
func (m *Mirror) follow(ctx context.Context, s *session, r remote, floor []string) (Head, error) {
	branch := heads + m.options.Branch
	want := map[string]string{branch: branchRef}
	testing := ""
	if m.options.Testing != "" {
		testing = heads + "testing/" + m.options.Testing
		want[testing] = testingRef
	}
	there, err := s.list(ctx, r, want)
	if err != nil {
		return Head{}, err
	}
	if there[branch] == "" {
		if err := s.speaks(ctx, r); err != nil {
			return Head{}, err
		}
		return Head{}, &Refused{Kind: NoBranch, Ref: m.options.Branch, Detail: "the remote " + r.url + " has no such branch: push it, or follow another one"}
	}
	if there[testing] == "" {
		delete(want, testing)
		testing = ""
	}
	key := strings.Join([]string{r.url, there[branch], there[testing], s.signers.ssh, s.signers.pgp, strings.Join(floor, " ")}, "\n")
	if m.memo.of == key && time.Since(m.memo.at) < memoLasts {
		return m.memo.head, m.memo.err
	}
	var head Head
	err = m.bring(ctx, s, r, refspecs(want), func(repository string) error {
		head, err = m.judge(ctx, s, repository, testing != "", floor)
		return err
	})
	var refused *Refused
	if err != nil && (!errors.As(err, &refused) || refused.Kind == Damaged) {
		return Head{}, err
	}
	if err != nil {
		head = Head{}
	}
	head.Remote = r.url
	m.memo = memo{of: key, at: time.Now(), head: head, err: err}
	return head, err
}

func refspecs(want map[string]string) []string {
	var specs []string
	for from, to := range want {
		specs = append(specs, "+"+from+":"+to)
	}
	slices.Sort(specs)
	return specs
}

// list asks a remote which commits its refs are at. It needs no mirror, so what
// goes wrong is the remote's, or the way's to it.
func (s *session) list(ctx context.Context, r remote, want map[string]string) (map[string]string, error) {
	args := []string{"ls-remote", "--quiet", "--", r.url}
	for name := range want {
		args = append(args, name)
	}
	answer, err := s.command("", args...).run(ctx)
	if err != nil {
		return nil, s.unanswered(ctx, err)
	}
	there := map[string]string{}
	for line := range strings.Lines(answer) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if _, wanted := want[name]; wanted && isID(id) {
			there[name] = id
			if s.format = ""; len(id) == sha256.Size*2 {
				s.format = "sha256"
			}
		}
	}
	return there, nil
}

// speaks makes sure that it is git that answers over http, and not somebody's page
// for logging in: for that one git sees a repository without a branch.
func (s *session) speaks(ctx context.Context, r remote) error {
	if r.host == "" {
		return nil
	}
	c := s.command("", "ls-remote", "--quiet", "--", r.url, "HEAD")
	c.env = append(slices.Clip(c.env), "GIT_TRACE_PACKET=1")
	p, err := c.start(ctx)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(p.out, maxAnswer))
	if err := p.wait(); err != nil {
		return s.unanswered(ctx, err)
	}
	if !strings.Contains(p.words.String(), "packet:") {
		return &unanswered{"what answers there does not speak git's smart HTTP: a wrong URL, or a page for logging in?"}
	}
	return nil
}

// unanswered says why a remote could not be asked.
func (s *session) unanswered(ctx context.Context, err error) error {
	switch troubleOf(ctx, err) {
	case late:
		return &unanswered{fmt.Sprintf("no answer within %v", s.limits.Time)}
	case called:
		return context.Cause(ctx)
	}
	var f *failure
	if !errors.As(err, &f) {
		return err // git did not even start: trouble of this host's
	}
	why := f.Error()
	if strings.Contains(f.words, "Host key verification failed") {
		why += ": put the host's key into the credential git-known-hosts, as ssh-keyscan prints it"
	}
	return &unanswered{why}
}

// judge decides whether what lies in the mirror may be believed, and reads it.
func (m *Mirror) judge(ctx context.Context, s *session, repository string, testing bool, floor []string) (Head, error) {
	o, err := s.open(ctx, repository)
	if err != nil {
		return Head{}, err
	}
	defer o.close()
	var h Head
	branch, tree, err := o.head(m.options.Branch, branchRef)
	if err != nil {
		return Head{}, err
	}
	for _, id := range floor {
		ok, err := s.descends(ctx, repository, branch.ID, id)
		if err == nil && !ok {
			err = s.rewritten(ctx, repository, m.options.Branch, branch.ID, id)
		}
		if err != nil {
			return Head{}, err
		}
	}
	followed, ref := branch, m.options.Branch
	if testing {
		ref = "testing/" + m.options.Testing
		top, topTree, err := o.head(ref, testingRef)
		if err != nil {
			return Head{}, err
		}
		onTop, err := s.descends(ctx, repository, top.ID, branch.ID)
		if err != nil {
			return Head{}, err
		}
		switch {
		case !onTop:
			m.options.Log.Warn("the testing branch does not sit on top of the branch and is not followed", "testing", ref, "commit", short(top.ID), "branch", m.options.Branch, "head", short(branch.ID))
			ref = m.options.Branch
		case top.ID != branch.ID:
			h.Testing, followed, tree = true, top, topTree
		}
	}
	if s.signers.asked {
		if branch.Signer, err = s.verify(ctx, repository, m.options.Branch, branch.ID); err != nil {
			return Head{}, err
		}
		if !h.Testing {
			followed = branch
		} else if followed.Signer, err = s.verify(ctx, repository, ref, followed.ID); err != nil {
			return Head{}, err
		}
	}
	h.Branch = branch
	h.Tree, err = m.read(o, ref, followed, tree)
	return h, err
}

// head reads the commit that a ref of the mirror is at.
func (o *objects) head(branch, ref string) (Commit, string, error) {
	got, err := o.get(ref, maxCommit)
	var large *tooLarge
	if errors.As(err, &large) {
		return Commit{}, "", &Refused{Kind: TooLarge, Ref: branch, Commit: got.id, Detail: err.Error()}
	}
	if err != nil {
		return Commit{}, "", err
	}
	c, tree, err := parseCommit(got)
	if err != nil {
		return Commit{}, "", &Refused{Kind: Damaged, Ref: branch, Commit: got.id, Detail: err.Error()}
	}
	return c, tree, nil
}

// read makes the Tree of a commit, and refuses what is not read.
func (m *Mirror) read(o *objects, ref string, c Commit, tree string) (*Tree, error) {
	w := walk{objects: o, limits: m.options.Limits, files: map[string][]byte{}}
	err := w.read(tree, m.options.Path)
	refuse := func(kind RefusedKind, detail string) error {
		if m.options.Path != "" && kind != NoPath {
			detail = "in " + quoted(m.options.Path) + ": " + detail
		}
		return &Refused{Kind: kind, Ref: ref, Commit: c.ID, Detail: detail}
	}
	var odd *oddity
	var large *tooLarge
	var many *tooMany
	switch {
	case errors.Is(err, errNoPath):
		return nil, refuse(NoPath, "it has no folder "+quoted(m.options.Path)+", which is the one to follow")
	case errors.As(err, &odd):
		return nil, refuse(Unsafe, odd.detail)
	case errors.As(err, &large), errors.As(err, &many):
		return nil, refuse(TooLarge, err.Error())
	case err != nil:
		return nil, err
	}
	t, err := NewTree(c, w.files)
	if err != nil {
		return nil, refuse(Unsafe, err.Error())
	}
	return t, nil
}

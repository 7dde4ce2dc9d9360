package git

import (
	"context"
	"fmt"
	"strings"
)

// look is Tree for one remote: what is a ref there is fetched alone; for anything
// else it takes all branches and tags.
func (m *Mirror) look(ctx context.Context, s *session, r remote, ref string) (*Tree, error) {
	names := []string{heads + ref, "refs/tags/" + ref}
	if ref == "HEAD" || strings.HasPrefix(ref, "refs/") {
		names = []string{ref}
	}
	want := map[string]string{}
	for _, n := range names {
		want[n] = reviewRef
	}
	there, err := s.list(ctx, r, want)
	if err != nil {
		return nil, err
	}
	var tree *Tree
	for _, n := range names {
		if there[n] == "" {
			continue
		}
		err := m.bring(ctx, s, r, []string{"+" + n + ":" + reviewRef}, func(repository string) error {
			tree, err = m.resolve(ctx, s, repository, ref, reviewRef)
			return err
		})
		return tree, err
	}
	if isID(ref) {
		err := m.bring(ctx, s, r, []string{"+" + ref + ":" + reviewRef}, func(repository string) error {
			tree, err = m.resolve(ctx, s, repository, ref, reviewRef)
			return err
		})
		if err == nil || !unadvertised(err) {
			return tree, err
		}
	}
	all := []string{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"}
	err = m.bring(ctx, s, r, all, func(repository string) error {
		tree, err = m.resolve(ctx, s, repository, ref, ref)
		return err
	})
	return tree, err
}

// resolve reads the commit that a name means in the mirror.
func (m *Mirror) resolve(ctx context.Context, s *session, repository, ref, name string) (*Tree, error) {
	answer, err := s.command(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}").run(ctx)
	if err != nil {
		if troubleOf(ctx, err) == late || troubleOf(ctx, err) == called {
			return nil, err
		}
		return nil, &Refused{Kind: NoBranch, Ref: ref, Detail: fmt.Sprintf("the remote has no branch, tag or commit %q", ref)}
	}
	// Some versions of git repeat the option that says that there are no more.
	id := strings.TrimSpace(strings.TrimPrefix(answer, "--end-of-options\n"))
	o, err := s.open(ctx, repository)
	if err != nil {
		return nil, err
	}
	defer o.close()
	c, tree, err := o.head(ref, id)
	if err != nil {
		return nil, err
	}
	return m.read(o, ref, c, tree)
}

// unadvertised tells whether a remote refuses to hand out a commit by its ID: some
// do not have it, some give only what a ref leads to.
func unadvertised(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "not our ref") || strings.Contains(text, "unadvertised object")
}

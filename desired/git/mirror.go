package git

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Mirror is a repository of our own that follows a remote one. It may be used by
// several goroutines, which wait for each other; no other process may use its
// folder.
type Mirror struct {
	options Options
	remotes []remote
	turn    chan struct{} // holds one token: whoever has it uses the folder
	memo    memo
}

// Head is what a branch has come to, and may be believed.
type Head struct {
	Branch  Commit // the branch's head: what comes later must descend from it
	Testing bool   // testing/<host> is followed, and not the branch itself
	Tree    *Tree  // of what is followed
	Remote  string // which one answered
}

// New checks what the Options say. Nothing is fetched before Fetch.
func New(o Options) (*Mirror, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	m := &Mirror{options: o, turn: make(chan struct{}, 1)}
	for _, text := range o.Remotes {
		r, err := parseRemote(text)
		if err != nil {
			return nil, err
		}
		m.remotes = append(m.remotes, r)
	}
	if _, err := userOf(o.User); err != nil {
		return nil, err
	}
	return m, nil
}

// Fetch brings the newest commit of the branch, or of testing/<host>, that may be
// believed. The floor are commits that were believed before, of which empty ones
// are none: the branch's head must descend from each, or be it. The first remote
// that answers decides. An error is a *Refused, an *Unreachable, or trouble on
// this host.
func (m *Mirror) Fetch(ctx context.Context, floor ...string) (Head, error) {
	if m.options.Branch == "" {
		return Head{}, errors.New("name a branch to follow")
	}
	ids, err := floorOf(floor)
	if err != nil {
		return Head{}, err
	}
	var head Head
	err = m.ask(ctx, func(ctx context.Context, s *session, r remote) error {
		head, err = m.follow(ctx, s, r, ids)
		return err
	})
	if err != nil {
		return Head{}, err
	}
	return head, nil
}

// Tree reads a branch, a tag, a commit or a whole name of a ref of the remote's,
// for a look at it: nobody asks who signed it or what it descends from.
func (m *Mirror) Tree(ctx context.Context, ref string) (*Tree, error) {
	if err := checkRef(ref); err != nil {
		return nil, err
	}
	var tree *Tree
	err := m.ask(ctx, func(ctx context.Context, s *session, r remote) (err error) {
		tree, err = m.look(ctx, s, r, ref)
		return err
	})
	if err != nil {
		return nil, err
	}
	return tree, nil
}

// floorOf drops what is empty or said twice.
func floorOf(given []string) ([]string, error) {
	var ids []string
	seen := map[string]bool{"": true}
	for _, id := range given {
		if seen[id] {
			continue
		}
		seen[id] = true
		if !isID(id) {
			return nil, fmt.Errorf("%q, from which the branch is to descend, is no commit", plain(id, 80))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// ask tries the remotes in order until one can be asked, each within its time.
func (m *Mirror) ask(ctx context.Context, try func(context.Context, *session, remote) error) error {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s, err := m.openSession()
	if err != nil {
		return err
	}
	defer s.close(m.options.Log)
	if err := m.prepare(s); err != nil {
		return err
	}
	var silent Unreachable
	var broken error
	for _, r := range m.remotes {
		within, cancel := context.WithTimeout(ctx, m.options.Limits.Time)
		err := try(within, s, r)
		cancel()
		var why *unanswered
		var refused *Refused
		switch {
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("ask %s: %w", r, context.Cause(ctx))
		case errors.As(err, &why):
			silent.Causes = append(silent.Causes, Cause{Remote: r.url, Why: why.Error()})
			m.options.Log.Debug("git remote cannot be asked", "remote", r.url, "why", why.Error())
		case errors.As(err, &refused) && refused.Kind == Damaged:
			broken = err // another remote may have it whole
		default:
			return err
		}
	}
	if broken != nil {
		return broken
	}
	return &silent
}

// unanswered is why one remote could not be asked.
type unanswered struct{ why string }

func (u *unanswered) Error() string { return u.why }

// memo is the last answer, a refusal too: as long as nothing changes it is given
// again. It is thrown away now and then, as keys expire.
type memo struct {
	of   string
	at   time.Time
	head Head
	err  error
}

const memoLasts = 10 * time.Minute

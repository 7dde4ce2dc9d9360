package git

import (
	"context"
	"errors"
)

// Mirror is a repository of our own that follows a remote one. It may be used by
// several goroutines, which wait for each other; no other process may use its
// folder.
type Mirror struct {
	options Options
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
	return &Mirror{options: o}, nil
}

var errNotYet = errors.New("not in this version")

// Fetch brings the newest commit of the branch, or of testing/<host>, that may be
// believed. The floor are commits that were believed before, of which empty ones
// are none: the branch's head must descend from each, or be it. An error is
// a *Refused, an *Unreachable, or trouble on this host.
func (m *Mirror) Fetch(ctx context.Context, floor ...string) (Head, error) {
	return Head{}, errNotYet
}

// Tree reads a branch, a tag, a commit or a whole name of a ref of the remote's,
// for a look at it: nobody asks who signed it or what it descends from.
func (m *Mirror) Tree(ctx context.Context, ref string) (*Tree, error) {
	return nil, errNotYet
}

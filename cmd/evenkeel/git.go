package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/git"
)

// gitSource is desired state in a repository, for verbs that look at it once.
type gitSource struct {
	url, branch, base, path string
}

// gitFlags adds the flags of a git source.
func (g *gitSource) gitFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&g.url, "git", "", "desired state from a git repository")
	f.StringVar(&g.branch, "branch", "", "the branch of --git")
	f.StringVar(&g.path, "path", "", "the folder in --git")
	f.StringVar(&g.base, "base", "", "a revision of --git to compare with, or with -f a folder")
}

// named tells whether desired state comes from git, or what is wrong with how that
// is said.
func (g *gitSource) named(cmd *cobra.Command) (bool, error) {
	switch {
	case g.url == "":
		for _, name := range []string{"branch", "path", "base"} {
			if cmd.Flags().Changed(name) {
				return false, errors.New("--" + name + " says something of --git, and there is none")
			}
		}
		return false, nil
	case cmd.Flags().Changed("file"):
		return false, errors.New("desired state comes from -f or from --git, not from both")
	case g.branch == "":
		return false, errors.New("--git needs --branch: the branch to look at")
	}
	return true, nil
}

// diffBranch shows what this host would do if the head of a branch were in force. It
// trusts the commit no more than `run --git` would.
func (a *app) diffBranch(ctx context.Context, g *gitSource, form string) (api.DiffAnswer, error) {
	policy, err := a.gitPolicy()
	if err != nil {
		return api.DiffAnswer{}, err
	}
	var tree *git.Tree
	err = a.briefly(g, git.Options{Branch: g.branch, Testing: hostOf(policy), Signers: signersOf(policy)}, func(m *git.Mirror) error {
		head, err := m.Fetch(ctx)
		tree = head.Tree
		return err
	})
	if err != nil {
		return api.DiffAnswer{}, err
	}
	v, err := a.lookAt(ctx, reach{lean: true}, func() (*desired.Set, error) {
		set, problems, err := a.loadTree(ctx, tree, policy)
		if err != nil {
			return nil, err
		}
		for _, one := range problems {
			a.say("%s", one)
		}
		if problems.Err() != nil {
			return nil, fmt.Errorf("%s; nothing was touched", many(len(problems.Errors()), "commit "+tree.Commit.ID, nil))
		}
		return set, nil
	})
	if err != nil {
		return api.DiffAnswer{}, err
	}
	return a.answerDiff(v, form)
}

// briefly has a mirror of a repository for as long as f runs.
func (a *app) briefly(g *gitSource, o git.Options, f func(*git.Mirror) error) error {
	dir, err := os.MkdirTemp("", "evenkeel-git-")
	if err != nil {
		return fmt.Errorf("make a folder for the repository: %w", err)
	}
	defer os.RemoveAll(dir)
	// git's user walks through this folder to what is its own.
	if err := os.Chmod(dir, 0o711); err != nil {
		return fmt.Errorf("make a folder for the repository: %w", err)
	}
	remote, runsAs := repository(g.url)
	o.Remotes, o.Path, o.User = []string{remote}, g.path, runsAs
	o.Folder, o.Scratch = filepath.Join(dir, "mirror"), dir
	o.Credentials, o.Log = credentialFolders(), quietly(logger(a.stderr))
	m, err := git.New(o)
	if err != nil {
		return err
	}
	return f(m)
}

// signersOf is the file of those whose signatures count; empty: nobody asks.
func signersOf(p desired.Policy) string {
	if p.Signatures == "none" {
		return ""
	}
	return p.AllowedSigners
}

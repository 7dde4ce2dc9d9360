package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/desired/read"
)

// gitSource is desired state that lies in a branch. This version does not follow
// one; it says what would be missing for it, and that it does not.
type gitSource struct {
	url, branch, base, path string
	interval                time.Duration
}

// gitFlags adds the flags of a git source. They are hidden from --help as long as
// nothing comes of them but a refusal.
func (g *gitSource) gitFlags(cmd *cobra.Command, follows bool) {
	f := cmd.Flags()
	f.StringVar(&g.url, "git", "", "desired state from a git repository")
	f.StringVar(&g.branch, "branch", "", "the branch of --git")
	f.StringVar(&g.path, "path", "", "the folder in --git")
	if follows {
		f.DurationVar(&g.interval, "interval", time.Minute, "how often --git is asked for something new")
	} else {
		f.StringVar(&g.base, "base", "", "a revision of --git to compare with, or with -f a folder")
		return // diff says itself when nothing comes of them
	}
	for _, name := range []string{"git", "branch", "path", "interval", "base"} {
		if flag := f.Lookup(name); flag != nil {
			flag.Hidden = true
		}
	}
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := g.refuse(cmd); err != nil {
			return trouble(err)
		}
		return run(cmd, args)
	}
}

var errNoGit = errors.New("following a git branch is not in this version; check it out, and use -f")

// refuse ends a verb that is to read from git: first for want of a policy that
// bounds it, which will be needed in any version.
func (g *gitSource) refuse(cmd *cobra.Command) error {
	if g.url == "" {
		for _, name := range []string{"branch", "path", "interval", "base"} {
			if cmd.Flags().Changed(name) {
				return errors.New("--" + name + " says something of --git, and there is none")
			}
		}
		return nil
	}
	if cmd.Flags().Changed("file") {
		return errors.New("desired state comes from -f or from --git, not from both")
	}
	policy, err := cmd.Flags().GetString("policy")
	if err != nil {
		return err
	}
	if _, problems := read.GitPolicy(policy); problems.Err() != nil {
		return problems.Err()
	}
	return errNoGit
}

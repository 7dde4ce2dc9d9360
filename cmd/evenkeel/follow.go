package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/follow"
	"github.com/pakashop/evenkeel/desired/git"
	hooks "github.com/pakashop/evenkeel/desired/git/hint"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/desired/read/apart"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/secrets"
)

// branchFlags say which branch is followed, and how.
type branchFlags struct {
	remotes  []string
	branch   string
	path     string
	interval time.Duration
	cache    string
}

// defaultCache is where what can be fetched again lies.
const defaultCache = "/var/cache/evenkeel"

func (b *branchFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&b.remotes, "git", nil, "follow a branch of this repository; several are asked in order")
	f.StringVar(&b.branch, "branch", "", "the branch of --git")
	f.StringVar(&b.path, "path", "", "the folder of --git that holds desired state (default: all of it)")
	f.DurationVar(&b.interval, "interval", time.Minute, "how often --git is asked, give or take a fifth")
	f.StringVar(&b.cache, "cache-dir", defaultCache, "where the mirror of --git lies")
}

// check says what is wrong with the flags; ok is false where no branch is followed.
func (b *branchFlags) check(cmd *cobra.Command) (ok bool, err error) {
	if len(b.remotes) == 0 {
		for _, name := range []string{"branch", "path", "interval", "cache-dir"} {
			if cmd.Flags().Changed(name) {
				return false, errors.New("--" + name + " says something of --git, and there is none")
			}
		}
		return false, nil
	}
	switch {
	case cmd.Flags().Changed("file"):
		return false, errors.New("desired state comes from -f or from --git, not from both")
	case b.branch == "":
		return false, errors.New("--git needs --branch: the branch to follow")
	case b.interval < time.Second:
		return false, fmt.Errorf("--interval %s: at least 1s", b.interval)
	}
	return true, nil
}

// followed is a controller.Follower: a branch, and the policy of this host.
type followed struct {
	*follow.Follower
	branch string
	host   string // as policy or the machine names it
	policy string // the file
}

// Standing says how the branch stands.
func (f followed) Standing() state.Source {
	s := f.Follower.Standing()
	return state.Source{
		Wanted: s.Wanted.ID, Branch: f.branch, Head: s.Head, Remote: s.Remote, Testing: s.Testing,
		Author: s.Wanted.Author, Subject: s.Wanted.Subject, Time: s.Wanted.Time, Signer: s.Wanted.Signer,
		Refused: refusals[s.Refused], Detail: s.Detail, Commit: s.Commit, Silent: s.Silent,
	}
}

// refusals are the reasons by which the plan knows why a commit is not wanted.
var refusals = map[follow.Refusal]state.Reason{
	follow.Untrusted: state.SourceRefused, follow.Invalid: state.DesiredInvalid, follow.Shrunk: state.Shrunk,
}

// Watch calls changed when the branch stands otherwise, or the policy has changed.
func (f followed) Watch(ctx context.Context, changed func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watches sync.WaitGroup
	var policy error
	watches.Go(func() {
		defer cancel()
		policy = watchTrees(ctx, []string{f.policy}, changed)
	})
	err := f.Follower.Watch(ctx, changed)
	cancel()
	watches.Wait()
	if policy != nil && !errors.Is(policy, context.Canceled) {
		return policy
	}
	return err
}

// follow opens the branch, and waits for something of it that can be put in force.
func (a *app) follow(ctx context.Context, b branchFlags, d *daemon, log *slog.Logger) (followed, error) {
	policy, err := a.gitPolicy()
	if err != nil {
		return followed{}, err
	}
	shelf, err := git.OpenShelf(filepath.Join(a.stateDir, "revisions"))
	if err != nil {
		return followed{}, trouble(err)
	}
	mirror := &mirror{flags: b, host: hostOf(policy), log: log, secrets: d.parts.secrets}
	if _, err := mirror.of(policy); err != nil {
		return followed{}, trouble(err)
	}
	past := d.store.Past()
	in := plan.InForce(past, past.Revision.Name)
	f := followed{branch: b.branch, host: hostOf(policy), policy: a.policy, Follower: follow.New(follow.Options{
		Branch: fetcher(func(ctx context.Context, floor ...string) (git.Head, error) {
			policy, err := a.gitPolicy()
			if err != nil {
				return git.Head{}, err
			}
			m, err := mirror.of(policy)
			if err != nil {
				return git.Head{}, err
			}
			return m.Fetch(ctx, floor...)
		}),
		Name: b.branch, Shelf: shelf, Policy: a.gitPolicy, Log: log, Interval: b.interval,
		Load:  a.loadTree,
		Floor: known(past.Revision.Floor), Known: known(append([]string{in}, past.Revisions()...)...),
	})}
	err = f.Open(ctx, func(why error) {
		log.Warn("waiting for the branch: there is no revision yet that can be put in force", "branch", b.branch, "why", why)
		notify(sd.SdNotifyReady + "\nSTATUS=waiting for the branch " + b.branch + ": " + strings.ReplaceAll(why.Error(), "\n", " "))
	})
	return f, err
}

// known drops what is empty, and what names a folder's content rather than a commit.
func known(ids ...string) []string {
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" || strings.Contains(id, ":") })
}

type fetcher func(ctx context.Context, floor ...string) (git.Head, error)

func (f fetcher) Fetch(ctx context.Context, floor ...string) (git.Head, error) {
	return f(ctx, floor...)
}

// mirror is the repository of our own, for the policy as it is.
type mirror struct {
	flags branchFlags
	host  string
	log   *slog.Logger

	secrets *secrets.Reader

	mu      sync.Mutex
	made    *git.Mirror
	signers string
	folders []string
}

func (m *mirror) of(p desired.Policy) (*git.Mirror, error) {
	signers := signersOf(p)
	m.secrets.Use(p.Credentials)
	folders := m.secrets.Folders()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made != nil && m.signers == signers && slices.Equal(m.folders, folders) {
		return m.made, nil
	}
	made, err := git.New(git.Options{
		Remotes: m.flags.remotes, Branch: m.flags.branch, Path: m.flags.path, Testing: m.host,
		Folder: filepath.Join(m.flags.cache, "git"), User: stranger(), Credentials: folders, Signers: signers, Log: m.log,
	})
	if err == nil {
		m.made, m.signers, m.folders = made, signers, folders
	}
	return made, err
}

// gitPolicy is the host's policy as a branch needs it.
func (a *app) gitPolicy() (desired.Policy, error) {
	p, problems := read.GitPolicy(a.policy)
	if err := problems.Err(); err != nil {
		return p, err
	}
	return p, a.narrow(&p)
}

// hostOf is the host's name, as policy or the machine has it.
func hostOf(p desired.Policy) string {
	return read.Options{Policy: p}.Complete().Host.Name
}

// loadTree reads the files of a commit, in a process without rights, and decrypts
// what is encrypted in them.
func (a *app) loadTree(ctx context.Context, t *git.Tree, p desired.Policy) (*desired.Set, read.Problems, error) {
	set, problems, err := apart.Load(ctx, t, read.Options{Environment: a.environment, Policy: p, Revision: t.Commit.ID, Origins: true})
	if err != nil {
		return nil, nil, err
	}
	set, wrong, err := a.unsealed(set)
	return set, slices.Concat(problems, wrong), err
}

// hook takes push webhooks of the branch.
func (f followed) hook(ctx context.Context, known *secrets.Reader) *hooks.Hook {
	secret := func() ([]byte, error) {
		v, err := known.Value(ctx, desired.Secret{FromCredential: hooks.Credential})
		return []byte(v), err
	}
	return hooks.Handler(secret, f.Hint)
}

var _ controller.Follower = followed{}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/git"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state/observe/secrets"
)

// revision is desired state as it was or will be, wherever it lies.
type revision struct {
	name  string // what it was asked for by
	id    string // a commit; empty: what read makes of its content
	paths []string
	fsys  fs.FS // nil: paths are of this machine
}

func (r revision) options(o read.Options) read.Options {
	o.FS, o.Revision = r.fsys, r.id
	return o
}

// load reads the revision as one environment has it.
func (r revision) load(environment string, o read.Options) (*desired.Set, read.Problems) {
	o = r.options(o)
	o.Environment = environment
	set, problems := read.Load(r.paths, o)
	if set != nil {
		set.StayLocked()
	}
	return set, problems
}

// revisions reads what is to be compared: from a repository, or from two folders.
// A base that nobody named is none.
func (a *app) revisions(ctx context.Context, o reviewOptions) (base *revision, head revision, err error) {
	if o.git.url == "" {
		head = revision{name: strings.Join(a.paths, " "), paths: a.paths}
		if o.git.base != "" {
			base = &revision{name: o.git.base, paths: []string{o.git.base}}
		}
		return base, head, nil
	}
	err = a.briefly(o.git, git.Options{}, func(m *git.Mirror) error {
		if head, err = commit(ctx, m, o.git.branch, o.git.path); err != nil {
			return err
		}
		old, err := commit(ctx, m, o.git.base, o.git.path)
		var refused *git.Refused
		if errors.As(err, &refused) && refused.Kind == git.NoPath {
			return nil // the folder is new
		}
		base = &old
		return err
	})
	return base, head, err
}

// commit reads one commit of a repository. What it holds is named as it is in the
// whole repository, also where only a folder of it is read.
func commit(ctx context.Context, m *git.Mirror, ref, folder string) (revision, error) {
	tree, err := m.Tree(ctx, ref)
	var refused *git.Refused
	if errors.As(err, &refused) && refused.Kind == git.NoBranch && !strings.HasPrefix(ref, "refs/") {
		// In a clone, origin/main is what the others have.
		if there, again := m.Tree(ctx, "refs/remotes/"+ref); again == nil {
			tree, err = there, nil
		}
	}
	if err != nil {
		return revision{}, err
	}
	r := revision{name: ref, id: tree.Commit.ID, paths: []string{"."}, fsys: tree}
	if folder = path.Clean(folder); folder != "." {
		r.paths, r.fsys = []string{folder}, mounted{folder, tree}
	}
	return r, nil
}

// mounted is a file system that lies in a folder of another one, which holds
// nothing else.
type mounted struct {
	at string
	fs fs.FS
}

// Open opens what lies in the folder.
func (m mounted) Open(name string) (fs.File, error) {
	rest, ok := strings.CutPrefix(name, m.at)
	rest, below := strings.CutPrefix(rest, "/")
	switch {
	case ok && rest == "":
		return m.fs.Open(".")
	case ok && below:
		return m.fs.Open(rest)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// repository is how git is told where a repository lies, and as whom it runs. Root
// has git work as the owner of a repository of this machine, as a user without
// rights for all others.
func repository(url string) (remote, runsAs string) {
	local := strings.TrimPrefix(url, "file://")
	info, err := os.Stat(local)
	if err != nil {
		return url, stranger()
	}
	if abs, err := filepath.Abs(local); err == nil {
		local = abs
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return local, stranger()
	}
	if owner.Uid == 0 {
		return local, ""
	}
	if u, err := user.LookupId(strconv.FormatUint(uint64(owner.Uid), 10)); err == nil {
		return local, u.Username
	}
	return local, stranger()
}

// stranger is the user without rights as whom root runs what reads strangers'
// input; empty where we are not root.
func stranger() string {
	if os.Geteuid() != 0 {
		return ""
	}
	return gitUser()
}

// credentialFolders are where a key or a token for the repository may lie: in CI
// the one that the job names, on a host those that root can read.
func credentialFolders() []string {
	var all []string
	if own := os.Getenv("CREDENTIALS_DIRECTORY"); filepath.IsAbs(own) {
		all = append(all, own)
	}
	if os.Geteuid() == 0 {
		all = append(all, secrets.Folder)
	}
	return all
}

// whereFrom says what is missing for a review.
func (o reviewOptions) whereFrom(paths []string) error {
	switch g := o.git; {
	case g.url != "" && len(paths) > 0:
		return errors.New("desired state comes from -f or from --git, not from both")
	case g.url == "" && len(paths) == 0:
		return errors.New("name what is to be reviewed: --git URL --branch B --base REF, or -f PATH with --base PATH")
	case g.url == "" && (g.branch != "" || g.path != ""):
		return errors.New("--branch and --path say something of --git, and there is none")
	case g.url != "" && g.base == "":
		return fmt.Errorf("what is in force on %s is not known here: name the revision to compare with, --base REF", o.host)
	case g.url != "" && g.branch == "":
		return errors.New("name what is to be reviewed: --branch B (a branch, a tag or a commit)")
	case g.url != "" && (g.branch == "HEAD" || g.base == "HEAD"):
		return errors.New("HEAD is another one in each repository: name a branch, a tag or a commit, such as \"$(git rev-parse HEAD)\"")
	}
	return nil
}

// Package follow has the newest desired state of a branch at hand that may be
// believed, and those that were in force before.
//
// It brings three parts together, each of which knows nothing of the others: the
// branch (package git), the YAML in it (package read), and a shelf on disk, from
// which revisions are read again when neither remote nor mirror is there. A commit
// is taken as a whole or not at all: what is not trusted, not valid, empty, or so
// much smaller than the last one that it looks like an accident, changes nothing,
// and is told in Standing. Which of its revisions is in force is not decided here.
package follow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/git"
	"github.com/pakashop/evenkeel/desired/read"
)

// Branch brings the newest commit that may be believed: a *git.Mirror.
type Branch interface {
	Fetch(ctx context.Context, floor ...string) (git.Head, error)
}

// Options are what a Follower is made of. All but Known and Interval are required.
type Options struct {
	Branch Branch
	Name   string // of the branch
	Shelf  *git.Shelf
	Policy func() (desired.Policy, error) // the host's, as it is now
	// Load reads the files of a commit for this host.
	Load func(context.Context, *git.Tree, desired.Policy) (*desired.Set, read.Problems, error)
	Log  *slog.Logger

	Floor    []string      // branch commits that were believed before, by another witness than the shelf
	Known    []string      // revisions that were in force before, the last one first
	Interval time.Duration // how often the branch is looked at, give or take a fifth; default 1 m
}

// Standing is how the branch stands.
type Standing struct {
	Wanted  git.Commit // the newest that may be believed; its ID is empty before the first
	Head    string     // the branch's head with it, or below it where testing/<host> is followed
	Testing bool       // Wanted is of testing/<host>
	Remote  string     // which answered last
	Refused Refusal    // of what the branch says now; empty: it is Wanted
	Detail  string     // of Refused
	Commit  string     // that is refused, where it is one
	Silent  string     // why no remote answers; empty: one does
}

// Refusal says why what a branch says is not wanted.
type Refusal string

// The kinds of refusals.
const (
	Untrusted Refusal = "untrusted" // git says so: signatures, history, bounds
	Invalid   Refusal = "invalid"   // it cannot be read as desired state
	Shrunk    Refusal = "shrunk"    // too much of it is gone at once
)

// Follower follows a branch. It may be used by several goroutines.
type Follower struct {
	o     Options
	knock chan struct{} // somebody has reason to think that there is something new

	looking sync.Mutex // one look at a time

	mu       sync.Mutex
	standing Standing
	tree     *git.Tree // of Wanted
	set      *desired.Set
	warnings []string
	keep     []string
}

// New opens what was followed before. Nothing is fetched yet.
func New(o Options) *Follower {
	if o.Interval <= 0 {
		o.Interval = time.Minute
	}
	return &Follower{o: o, knock: make(chan struct{}, 1)}
}

// Open brings the newest revision for the first time: what the branch says, else
// what was on the shelf. It tries again until there is one or ctx ends; waiting is
// told each time why there is none yet.
func (f *Follower) Open(ctx context.Context, waiting func(why error)) error {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		f.look(ctx)
		if f.has() {
			return nil
		}
		err := f.fromShelf(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		waiting(err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.knock:
		case <-time.After(pause):
		}
	}
}

func (f *Follower) has() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.set != nil
}

// fromShelf takes the newest revision that is known here. Its error says why the
// branch gave none.
func (f *Follower) fromShelf(ctx context.Context) error {
	floor, err := f.o.Shelf.Floor()
	if err != nil {
		return err
	}
	s := f.Standing()
	for _, id := range slices.Concat(f.o.Known, floor) {
		tree, err := f.o.Shelf.Get(id)
		if err != nil {
			continue
		}
		if _, err := f.take(ctx, git.Head{Branch: git.Commit{ID: id}, Tree: tree}, false); err == nil {
			f.o.Log.Warn("the branch cannot be followed yet; the last good revision is in force", "revision", id, "why", cmp.Or(s.Silent, s.Detail))
			f.tell(func(now *Standing) { now.Silent, now.Refused, now.Detail = s.Silent, s.Refused, s.Detail })
			return nil
		}
	}
	return errors.New(cmp.Or(s.Silent, s.Detail, "nothing is known of the branch"))
}

// Standing says how the branch stands.
func (f *Follower) Standing() Standing {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.standing
}

func (f *Follower) tell(change func(*Standing)) (changed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.standing
	change(&f.standing)
	return !reflect.DeepEqual(before, f.standing)
}

// Hint has the branch looked at soon. It never waits.
func (f *Follower) Hint() {
	select {
	case f.knock <- struct{}{}:
	default:
	}
}

// Load is the newest desired state that may be believed, for the policy as it is
// now. What is encrypted in it is decrypted anew: the host's identity may have come.
func (f *Follower) Load(ctx context.Context) (*desired.Set, []string, error) {
	policy, err := f.o.Policy()
	if err != nil {
		return nil, nil, err
	}
	f.mu.Lock()
	tree, set, warnings := f.tree, f.set, f.warnings
	f.mu.Unlock()
	if set == nil || tree == nil {
		return nil, nil, errors.New("nothing was followed yet")
	}
	if reflect.DeepEqual(set.Policy, policy) && !set.Seals() {
		return set, warnings, nil
	}
	return f.load(ctx, tree, policy)
}

// Revision is desired state as it was at a commit, for the policy as it is now.
func (f *Follower) Revision(ctx context.Context, id string) (*desired.Set, []string, error) {
	policy, err := f.o.Policy()
	if err != nil {
		return nil, nil, err
	}
	tree, err := f.o.Shelf.Get(id)
	if err != nil {
		return nil, nil, err
	}
	return f.load(ctx, tree, policy)
}

func (f *Follower) load(ctx context.Context, tree *git.Tree, policy desired.Policy) (*desired.Set, []string, error) {
	set, problems, err := f.o.Load(ctx, tree, policy)
	if err == nil {
		err = problems.Err()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("revision %s: %w", tree.Commit.ID, err)
	}
	return set, problems.Warnings().Texts(), nil
}

// Keep says which revisions may be asked for besides the newest.
func (f *Follower) Keep(ids []string) {
	f.mu.Lock()
	f.keep = slices.Clone(ids)
	newest := f.standing.Wanted.ID
	f.mu.Unlock()
	if err := f.o.Shelf.Keep(append(slices.Clone(ids), newest)...); err != nil {
		f.o.Log.Warn("old revisions could not be dropped", "error", err)
	}
}

// slowest is how rarely a branch is looked at whose remotes do not answer, in
// intervals.
const slowest = 10

// Watch looks at the branch again and again, and calls changed when it stands
// otherwise, until ctx ends.
func (f *Follower) Watch(ctx context.Context, changed func()) error {
	silent := 0
	for {
		pause := f.o.Interval * time.Duration(min(1<<min(silent, 4), slowest))
		pause = time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64())) // a fleet must not ask in step
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.knock:
		case <-time.After(pause):
		}
		if f.look(ctx) && ctx.Err() == nil {
			changed()
		}
		silent++
		if f.Standing().Silent == "" {
			silent = 0
		}
	}
}

// look fetches the branch, and takes what it says if that may be believed. It
// reports whether the branch stands otherwise than before.
func (f *Follower) look(ctx context.Context) (changed bool) {
	f.looking.Lock()
	defer f.looking.Unlock()
	floor, err := f.o.Shelf.Floor()
	if err != nil {
		f.o.Log.Error("which commits were believed cannot be read; nothing new is", "error", err)
		return f.tell(func(s *Standing) {
			s.Refused, s.Detail = Untrusted, err.Error()+"; if it is lost for good, remove the folder: the record still knows the last one"
		})
	}
	head, err := f.o.Branch.Fetch(ctx, slices.Concat(floor, f.o.Floor)...)
	var refused *git.Refused
	var silent *git.Unreachable
	switch {
	case err == nil:
		changed, err = f.take(ctx, head, true)
		if err != nil && ctx.Err() == nil {
			f.o.Log.Error("a commit cannot be taken", "commit", head.Tree.Commit.ID, "error", err)
			changed = f.tell(func(s *Standing) { s.Refused, s.Detail, s.Silent = Untrusted, err.Error(), "" }) || changed
		}
		return changed
	case ctx.Err() != nil:
		return false
	case errors.As(err, &refused):
		return f.refuse(Untrusted, refused.Commit, err.Error())
	case errors.As(err, &silent):
	default:
		f.o.Log.Error("the branch cannot be followed", "error", err)
	}
	if changed = f.tell(func(s *Standing) { s.Silent = err.Error() }); changed {
		f.o.Log.Warn("no remote answers; what is in force stays", "why", err)
	}
	return changed
}

// refuse tells why a commit is not wanted, once.
func (f *Follower) refuse(why Refusal, commit, detail string) (changed bool) {
	if changed = f.tell(func(s *Standing) { s.Refused, s.Detail, s.Commit, s.Silent = why, detail, commit, "" }); changed {
		f.o.Log.Error("what the branch says is refused; what is in force stays", "why", why, "commit", commit, "detail", detail)
	}
	return changed
}

// take makes a commit the newest that may be believed, if it is desired state that
// makes sense. It is on the shelf before anybody hears of it. The error is of this
// host, not of the commit.
func (f *Follower) take(ctx context.Context, head git.Head, fetched bool) (changed bool, err error) {
	commit := head.Tree.Commit
	if f.Standing().Wanted.ID == commit.ID {
		f.tell(func(s *Standing) { s.Head, s.Testing, s.Remote = head.Branch.ID, head.Testing, head.Remote }) // nobody has to hear of it
		return f.tell(func(s *Standing) { s.Refused, s.Detail, s.Commit, s.Silent = "", "", "", "" }), f.floor(head, fetched)
	}
	policy, err := f.o.Policy()
	if err != nil {
		return false, err
	}
	set, problems, err := f.o.Load(ctx, head.Tree, policy)
	switch {
	case err != nil:
		return f.refuse(Invalid, commit.ID, fmt.Sprintf("commit %s: %v", desired.ShortRevision(commit.ID), err)), nil
	case problems.Err() != nil:
		return f.refuse(Invalid, commit.ID, fmt.Sprintf("commit %s: %s", desired.ShortRevision(commit.ID), brief(problems))), nil
	}
	if kind, why := f.unfit(set, head, policy); kind != "" && fetched {
		return f.refuse(kind, commit.ID, fmt.Sprintf("commit %s: %s", desired.ShortRevision(commit.ID), why)), nil
	}
	if err := f.o.Shelf.Put(head.Tree); err != nil {
		return false, err
	}
	if err := f.floor(head, fetched); err != nil {
		return false, err
	}
	f.mu.Lock()
	f.tree, f.set, f.warnings = head.Tree, set, problems.Warnings().Texts()
	f.standing = Standing{Wanted: commit, Head: head.Branch.ID, Testing: head.Testing, Remote: head.Remote}
	f.mu.Unlock()
	f.o.Log.Info("the branch has something new", "revision", commit.ID, "author", commit.Author, "subject", commit.Subject, "signer", commit.Signer, "testing", head.Testing)
	return true, nil
}

// floor remembers that a branch's head was believed.
func (f *Follower) floor(head git.Head, fetched bool) error {
	if !fetched || head.Branch.ID == "" {
		return nil
	}
	old, err := f.o.Shelf.Floor()
	if err != nil || slices.Equal(old, []string{head.Branch.ID}) {
		return err
	}
	return f.o.Shelf.SetFloor(head.Branch.ID)
}

// unfit says why a commit must not be put in force here although it is valid: the
// environment follows another branch, or so much is gone that it looks like an
// accident.
func (f *Follower) unfit(set *desired.Set, head git.Head, policy desired.Policy) (kind Refusal, why string) {
	if b := set.Rollout.Branch; b != "" && b != f.o.Name && !head.Testing {
		return Untrusted, fmt.Sprintf("Environment/%s says that it follows the branch %s, and this host follows %s", set.Environment, b, f.o.Name)
	}
	f.mu.Lock()
	old := f.set
	f.mu.Unlock()
	if old == nil || len(old.Services) == 0 {
		return "", ""
	}
	var gone []string
	for i := range old.Services {
		if _, still := set.Service(old.Services[i].Name); !still {
			gone = append(gone, old.Services[i].Name)
		}
	}
	if share := float64(len(gone)) / float64(len(old.Services)); share > policy.Shrink {
		return Shrunk, fmt.Sprintf("%d of %d services of this host are gone (%s), more than policy's share of %g at once; take them away in steps, or raise shrink in the host's policy",
			len(gone), len(old.Services), some(gone), policy.Shrink)
	}
	return "", ""
}

func some(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// brief is the first of what is wrong, and how much more there is.
func brief(p read.Problems) string {
	all := p.Errors()
	text := all[0].String()
	if len(all) > 1 {
		text += fmt.Sprintf(" (and %d more; see them all with: evenkeel validate)", len(all)-1)
	}
	return text
}

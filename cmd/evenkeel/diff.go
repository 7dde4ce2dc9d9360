package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/record"
)

func (a *app) diffCmd() *cobra.Command {
	var o diffOptions
	r := reviewOptions{git: new(gitSource)}
	cmd := &cobra.Command{
		Use:   "diff [-f PATH | --git URL --branch B --base REF]",
		Short: "Show what would be done, and touch nothing",
		Long: `Show the Plan for this host: every step with its reason and its file diff, what
is held and why, and what could not be seen. Without -f it is the running
controller's own Plan.

With --base, or for a --host that is not this one, two revisions are compared and
no host is asked: what changes in each environment (or on the host), the steps,
what is restarted, why and when, and the risks. It needs no policy and no
network; --branch and --base are branches, tags or commits of --git, or with -f
--base is a folder.

Exit code 0: in sync, or nothing changes. 1: not so. 2: trouble, or the revision
is invalid.`,
		Example: "  evenkeel diff -f examples/pakashop\n  evenkeel diff -f deploy/ -o json | jq '.steps[].id'\n" +
			"  evenkeel diff --git . --branch feature --base main -o markdown\n" +
			"  evenkeel diff -f deploy/ --environment staging --host app-2 --labels role=app",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.reviews(r) {
				r.form, r.ignoreHeld = o.form, o.ignoreHeld
				return a.review(cmd.Context(), r)
			}
			named, err := r.git.named(cmd)
			if err != nil {
				return trouble(err)
			}
			if named {
				o.git = r.git
			}
			return a.diff(cmd.Context(), o)
		},
	}
	a.fileFlag(cmd)
	cmd.Flags().BoolVar(&o.ignoreHeld, "ignore-held", false, "differences that are held do not count for the exit code")
	output(cmd, &o.form, "text", "json", "yaml", "markdown", "html")
	r.git.gitFlags(cmd)
	r.reviewFlags(cmd)
	return cmd
}

type diffOptions struct {
	form       string
	ignoreHeld bool
	git        *gitSource // nil: a folder, or the running controller
}

func (a *app) diff(ctx context.Context, o diffOptions) error {
	var d api.DiffAnswer
	var err error
	if o.git != nil {
		d, err = a.diffBranch(ctx, o.git, o.form)
	} else {
		d, err = a.makeDiff(ctx, o.form)
	}
	if err != nil {
		return trouble(hint(err))
	}
	if o.form == "json" || o.form == "yaml" {
		err = a.print(o.form, d.Diff)
	} else {
		_, err = fmt.Fprint(a.stdout, d.Text)
	}
	if err == nil && !d.Settled && (!d.Idle || !o.ignoreHeld) {
		return &exit{code: exitDiffers}
	}
	return err
}

func (a *app) makeDiff(ctx context.Context, form string) (api.DiffAnswer, error) {
	if len(a.paths) == 0 {
		d, err := api.NewClient(a.socket).Diff(ctx, form, a.colour(a.stdout))
		if !errors.Is(err, api.ErrNone) || !exists(defaultDesired) {
			return d, err
		}
	}
	v, err := a.look(ctx, reach{lean: true})
	if err != nil {
		return api.DiffAnswer{}, err
	}
	return a.answerDiff(v, form)
}

func (a *app) answerDiff(v api.View, form string) (api.DiffAnswer, error) {
	d := v.Diff()
	text, err := api.Render(d, form, a.style())
	return api.DiffAnswer{Diff: d, Text: text, Settled: d.Settled(false), Idle: d.Settled(true)}, err
}

// look makes the Plan without a controller: it reads desired state, the host
// and the record, and touches nothing.
func (a *app) look(ctx context.Context, how reach) (api.View, error) {
	return a.lookAt(ctx, how, func() (*desired.Set, error) { return a.loadOrSay(a.defaultPaths(), !how.lean) })
}

func (a *app) lookAt(ctx context.Context, how reach, load func() (*desired.Set, error)) (api.View, error) {
	type reached struct {
		parts *parts
		err   error
	}
	connecting := make(chan reached, 1)
	go func() {
		p, err := a.connect(ctx, logger(a.stderr), how)
		connecting <- reached{p, err}
	}()
	want, err := load()
	r := <-connecting
	if r.err == nil {
		defer r.parts.Close()
	}
	if err == nil {
		err = r.err
	}
	if err == nil {
		err = a.inForce(want)
	}
	if err != nil {
		return api.View{}, err
	}
	past, err := a.pastOf(ctx)
	if err != nil {
		return api.View{}, err
	}
	return survey(ctx, want, past, r.parts.observer), nil
}

// pastOf finds the past: the running controller's, else the record's, else it
// is not known.
func (a *app) pastOf(ctx context.Context) (*state.Past, error) {
	past, err := a.past()
	switch {
	case err == nil, errors.Is(err, record.ErrNone), errors.Is(err, os.ErrPermission):
		return past, nil
	case !errors.Is(err, record.ErrLocked):
		return nil, err
	}
	v, err := api.NewClient(a.socket).View(ctx)
	if err != nil {
		return state.UnknownPast(), nil
	}
	v.Past.Known, v.Past.Distrust = true, v.Distrust
	return v.Past, nil
}

// eyes are what survey needs of an observer.
type eyes interface {
	Observe(ctx context.Context, refs []state.Ref) state.Facts
	Now() state.Time
}

// survey looks at everything that the Plan asks for. What a folder turns out to
// hold is looked at in a second round.
func survey(ctx context.Context, want *desired.Set, past *state.Past, o eyes) api.View {
	v := api.View{Want: want, Past: past}
	seen := make(map[state.Ref]bool)
	for range 3 {
		var refs []state.Ref
		for _, r := range plan.Refs(want, &v.Have, past) {
			if !seen[r] {
				seen[r] = true
				refs = append(refs, r)
			}
		}
		if len(refs) == 0 {
			break
		}
		v.Have, _ = v.Have.Merge(o.Observe(ctx, refs))
	}
	v.Now = o.Now()
	v.Plan = plan.Make(want, &v.Have, past, v.Now)
	v.Want = plan.Turned(want, past)
	return v
}

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/controller/review"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

// reviewOptions are what `diff` is told where two revisions are compared, and no
// host is asked.
type reviewOptions struct {
	git        *gitSource
	host       string
	labels     []string // NAME=VALUE
	form       string
	ignoreHeld bool
}

// reviewFlags adds what says of which host a review is to be.
func (o *reviewOptions) reviewFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.host, "host", "", "the host that is meant; another one than this: revisions are compared, and no host is asked")
	cmd.Flags().StringSliceVar(&o.labels, "labels", nil, "the labels of --host, where it is not this one: role=app,env=prod")
}

// reviews tells whether two revisions are to be compared, rather than one with
// this host.
func (a *app) reviews(o reviewOptions) bool {
	if o.git.base != "" {
		return true
	}
	_, here := a.hereIs(o.host)
	return o.host != "" && !here
}

// hereIs finds the policy of a host, if it is this one.
func (a *app) hereIs(host string) (p desired.Policy, here bool) {
	p, problems := read.Policy(a.policy)
	if problems.Err() != nil {
		p = desired.BuiltInPolicy()
	}
	if p.Host.Name == "" {
		name, _ := os.Hostname() // empty: nobody's
		p.Host.Name, _, _ = strings.Cut(name, ".")
	}
	return p, host != "" && host == p.Host.Name
}

// review compares two revisions and says what the newer one does.
func (a *app) review(ctx context.Context, o reviewOptions) error {
	if err := o.whereFrom(a.paths); err != nil {
		return trouble(err)
	}
	base, head, err := a.revisions(ctx, o)
	if err != nil {
		return trouble(err)
	}
	r, err := a.compare(o, base, head)
	if err != nil {
		return trouble(err)
	}
	if err := a.printReview(o.form, r); err != nil {
		return err
	}
	switch {
	case len(r.Problems) > 0:
		return trouble(fmt.Errorf("%s cannot be used: %s", head.name, r.Problems[0]))
	case r.Changes && !(o.ignoreHeld && len(r.Steps) == 0 && len(r.Holds()) > 0):
		return &exit{code: exitDiffers}
	}
	return nil
}

func (a *app) printReview(form string, r report.Reviews) (err error) {
	text := ""
	switch form {
	case "json", "yaml":
		return a.print(form, r)
	case "markdown":
		text = r.Markdown()
	case "html":
		text, err = r.HTML()
	default:
		text = r.Text(a.style())
	}
	if err == nil {
		_, err = fmt.Fprint(a.stdout, text)
	}
	return err
}

// compare reviews each environment that either revision has.
func (a *app) compare(o reviewOptions, base *revision, head revision) (report.Reviews, error) {
	policy, here := a.hereIs(o.host)
	labels, err := labelsOf(o.labels)
	if err != nil {
		return report.Reviews{}, err
	}
	how := read.Options{Host: desired.Host{Name: o.host, Labels: labels}, Policy: desired.BuiltInPolicy(), Everywhere: o.host == "", Origins: true}
	environment := a.environment
	if here {
		how.Policy = policy
		if environment == "" {
			environment = policy.Host.Environment
		}
	}
	c := comparison{options: how, host: o.host, known: here && exists(a.policy), unlabelled: o.host != "" && !here && len(o.labels) == 0, now: time.Now(), head: side{revision: head}}
	if base != nil {
		c.base = &side{revision: *base}
	}
	return c.all(environment)
}

// labelsOf reads a host's labels; nil: nobody named any.
func labelsOf(list []string) (map[string]string, error) {
	var labels map[string]string
	for _, l := range list {
		name, value, ok := strings.Cut(l, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--labels %s: write NAME=VALUE, with commas between them", l)
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[name] = value
	}
	return labels, nil
}

// comparison is two revisions under review.
type comparison struct {
	options read.Options
	host    string
	known   bool // options hold the very host's policy
	now     time.Time

	unlabelled bool // nobody said which labels the host has

	base *side // nil: there is nothing to compare with
	head side
}

// side is one of the two, and the environments that it has.
type side struct {
	revision
	environments []string
}

// has tells whether hosts of an environment find anything in the revision: where
// none is declared, all do.
func (s *side) has(environment string) bool {
	return environment == "" || len(s.environments) == 0 || slices.Contains(s.environments, environment)
}

// all reviews every environment that either side has, or only one.
func (c *comparison) all(only string) (report.Reviews, error) {
	names, err := c.names(only)
	if err != nil {
		return report.Reviews{}, err
	}
	var list []report.Review
	wrong := map[string]bool{}
	for _, name := range names {
		r, problems := c.environment(name)
		for _, p := range problems {
			wrong[p.String()] = true
		}
		list = append(list, r)
	}
	if len(wrong) == 0 {
		return report.NewReviews(list[0].Base, list[0].Revision, nil, list...), nil
	}
	before := ""
	if c.base != nil {
		before = c.base.label(nil)
	}
	// What hosts refuse does nothing to them.
	return report.NewReviews(before, c.head.label(nil), slices.Sorted(maps.Keys(wrong))), nil
}

// names are the environments to review.
func (c *comparison) names(only string) ([]string, error) {
	var names []string
	for _, s := range []*side{c.base, &c.head} {
		if s == nil {
			continue
		}
		var problems read.Problems
		s.environments, problems = read.Environments(s.paths, s.options(c.options))
		var t *read.Trouble
		switch {
		case s == c.base && errors.Is(problems.Err(), read.ErrNoYAML):
			c.base = nil // there was nothing yet
		case errors.As(problems.Err(), &t):
			return nil, t
		}
		names = append(names, s.environments...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case only == "" && len(names) == 0:
		return []string{""}, nil
	case only == "":
		return names, nil
	case len(names) > 0 && !slices.Contains(names, only):
		return nil, fmt.Errorf("there is no environment %q; there are %s", only, strings.Join(names, ", "))
	}
	return []string{only}, nil
}

// environment reviews one environment. What is wrong with it in the new revision
// ends the review; in the old one, nothing can be compared.
func (c *comparison) environment(name string) (report.Review, read.Problems) {
	change := review.Change{Environment: name, Host: c.host, Known: c.known, Unlabelled: c.unlabelled, Now: c.now}
	var old, warnings read.Problems
	if c.base != nil {
		if c.base.has(name) {
			change.Base, old = c.base.load(name, c.options)
			if err := old.Err(); err != nil {
				change.Unusable = "the old revision is invalid, so that hosts stay with what they had before it: " + err.Error()
			}
		}
		change.Before = c.base.label(change.Base)
	}
	if c.head.has(name) {
		change.Head, warnings = c.head.load(name, c.options)
		if bad := warnings.Errors(); len(bad) > 0 {
			return report.Review{}, bad
		}
	}
	if c.base != nil {
		change.SealedBefore, change.SealedAfter = c.base.sealed(change.Base), c.head.sealed(change.Head)
	}
	change.After = c.head.label(change.Head)
	change.Warnings = fresh(old, warnings)
	return review.Make(change), nil
}

// label names the revision: by its commit, by its content, or as it was asked for.
func (s *side) label(set *desired.Set) string {
	switch {
	case s.id != "":
		return s.id
	case set != nil:
		return set.Revision
	}
	return s.name
}

// fresh are the warnings that the old revision did not give.
func fresh(old, now read.Problems) []string {
	var out []string
	for _, p := range now.Warnings() {
		if slices.ContainsFunc(old, func(o read.Problem) bool {
			return o.Message == p.Message && path.Base(o.Pos.File) == path.Base(p.Pos.File)
		}) {
			continue
		}
		p.Warning = false
		out = append(out, p.String())
	}
	return out
}

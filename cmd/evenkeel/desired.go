package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state/observe/secrets"
)

// hostPolicy reads the host's policy. Where there is none, and desired state is
// local, everything but the protected set is allowed.
func (a *app) hostPolicy() (desired.Policy, read.Problems, error) {
	p, problems := read.Policy(a.policy)
	err := problems.Err()
	switch {
	case errors.Is(err, fs.ErrNotExist) && a.policy == defaultPolicy:
		p, problems = desired.BuiltInPolicy(), nil
	case err != nil:
		for _, one := range problems.Errors() {
			a.say("%s", one)
		}
		return p, nil, trouble(errors.New("the host's policy cannot be used"))
	}
	return p, problems.Warnings(), a.narrow(&p)
}

// narrow applies --mode, which can lift nothing.
func (a *app) narrow(p *desired.Policy) error {
	switch a.mode {
	case "", desired.Enforce:
	case desired.Observe:
		p.Mode = desired.Observe
	default:
		return trouble(fmt.Errorf("--mode %s: there are observe and enforce", a.mode))
	}
	return nil
}

// defaultPaths is -f, or where desired state lies by default.
func (a *app) defaultPaths() []string {
	if len(a.paths) > 0 {
		return a.paths
	}
	return []string{defaultDesired}
}

// load reads desired state for this host.
func (a *app) load(paths []string, origins bool) (*desired.Set, read.Problems, error) {
	return a.loadWith(paths, read.Options{Origins: origins})
}

func (a *app) loadWith(paths []string, o read.Options) (*desired.Set, read.Problems, error) {
	p, warnings, err := a.hostPolicy()
	if err != nil {
		return nil, nil, err
	}
	o.Environment, o.Policy = a.environment, p
	set, problems := read.Load(paths, o)
	set, wrong, err := a.unsealed(set)
	if err != nil {
		return nil, nil, trouble(err)
	}
	return set, slices.Concat(warnings, problems, wrong), nil
}

// loadOrSay is load for the verbs that need a Set: problems are said, errors
// end it. origins says whether it is to be known where each value comes from.
func (a *app) loadOrSay(paths []string, origins bool) (*desired.Set, error) {
	set, problems, err := a.load(paths, origins)
	if err != nil {
		return nil, err
	}
	for _, one := range problems {
		a.say("%s", one)
	}
	if err := problems.Err(); err != nil {
		return nil, trouble(fmt.Errorf("%s cannot be used; nothing was touched", many(len(problems.Errors()), "the desired state", paths)))
	}
	return set, nil
}

func many(errs int, what string, paths []string) string {
	if len(paths) == 1 {
		what += " in " + paths[0]
	}
	if errs == 1 {
		return what + " has an error and"
	}
	return fmt.Sprintf("%s has %d errors and", what, errs)
}

// folder is a Source: YAML on disk.
type folder struct {
	app     *app
	paths   []string
	secrets *secrets.Reader
}

// Load reads everything anew, the policy included.
func (f folder) Load(context.Context) (*desired.Set, []string, error) {
	set, problems, err := f.app.load(f.paths, true)
	if err != nil {
		return nil, nil, err
	}
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	f.secrets.Use(set.Policy.Credentials)
	return set, problems.Warnings().Texts(), nil
}

// Watch calls changed whenever something below the paths, or the policy, may
// have changed.
func (f folder) Watch(ctx context.Context, changed func()) error {
	return watchTrees(ctx, append([]string{f.app.policy}, f.paths...), changed)
}

// exists tells a missing default from a missing argument.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

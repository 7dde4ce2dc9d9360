package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

// Where a clone sees what it is given.
const (
	insideBinary  = "/run/rehearse/evenkeel"
	insideDesired = "/run/rehearse/desired"
	insidePolicy  = "/run/rehearse/policy.yaml"
)

// What a clone may use: what goes wrong in it must not take the machine with it.
const (
	maxMemory = 8 << 30
	maxTasks  = 8192
)

// cloneFlags are those of the verbs that try things on a clone of this host.
type cloneFlags struct {
	layers  []string
	timeout time.Duration
}

func (f *cloneFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.layers, "layer", nil, "a folder to lay over this machine's root, such as installed packages")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 2*time.Minute, "for each thing that must come about")
}

// clone is a disposable clone of this host, with the desired state that is tried.
type clone struct {
	a       *app
	host    *rehearse.Host
	inside  string // where the desired state is
	policy  bool   // it was given one of its own
	timeout time.Duration
}

// clone boots one.
func (a *app) clone(ctx context.Context, path string, f cloneFlags) (clone, error) {
	exe, err := os.Executable()
	if err != nil {
		return clone{}, trouble(err)
	}
	c := clone{a: a, inside: insideDesired, timeout: f.timeout}
	root := path
	if i, err := os.Stat(path); err == nil && !i.IsDir() {
		root, c.inside = filepath.Dir(path), filepath.Join(insideDesired, filepath.Base(path))
	}
	if root, err = filepath.Abs(root); err != nil {
		return clone{}, trouble(err)
	}
	binds := []rehearse.Bind{
		{Source: exe, Target: insideBinary, ReadOnly: true}, {Source: root, Target: insideDesired, ReadOnly: true},
	}
	if a.policy != defaultPolicy {
		policy, err := filepath.Abs(a.policy)
		if err != nil {
			return clone{}, trouble(err)
		}
		c.policy = true
		binds = append(binds, rehearse.Bind{Source: policy, Target: insidePolicy, ReadOnly: true})
	}
	began := time.Now()
	c.host, err = rehearse.Boot(ctx, rehearse.Options{Name: "rehearsal", Layers: f.layers, Memory: maxMemory, Tasks: maxTasks, Binds: binds})
	if err != nil {
		return clone{}, trouble(err)
	}
	for _, missing := range c.host.Limits.Missing {
		a.say("warning: the disposable host has no limit of its own: %s", missing)
	}
	a.say("a disposable host is up after %d ms", time.Since(began).Milliseconds())
	return c, nil
}

func (c clone) Close() { _ = c.host.Close() }

// args are those of evenkeel inside, with the flags of this call that matter there.
func (c clone) args(args ...string) []string {
	args = append([]string{insideBinary}, args...)
	if c.a.environment != "" {
		args = append(args, "--environment", c.a.environment)
	}
	if c.a.mode != "" {
		args = append(args, "--mode", c.a.mode)
	}
	if c.policy {
		args = append(args, "--policy", insidePolicy)
	}
	return args
}

// run runs evenkeel inside.
func (c clone) run(ctx context.Context, out io.Writer, args ...string) error {
	cmd := c.host.Command(ctx, c.args(args...)...)
	cmd.Stdout, cmd.Stderr = out, c.a.stderr
	return cmd.Run()
}

// apply brings the clone to its declared state, once.
func (c clone) apply(ctx context.Context, out io.Writer) error {
	if err := c.run(ctx, out, "apply", "-f", c.inside, "--timeout", c.timeout.String()); err != nil {
		_ = c.run(ctx, out, "status", "-f", c.inside)
		return &exit{exitDiffers, errors.New("the host did not converge")}
	}
	return nil
}

// keep runs the controller inside until end is called, and waits until the clone is as
// declared.
func (c clone) keep(ctx context.Context) (end func(), err error) {
	ctx, stop := context.WithCancel(ctx)
	daemon := c.host.Command(ctx, c.args("run", "-f", c.inside)...)
	daemon.Stdout, daemon.Stderr = io.Discard, io.Discard
	if err := daemon.Start(); err != nil {
		stop()
		return nil, trouble(err)
	}
	end = func() { stop(); _ = daemon.Wait() }
	if !c.inSync(ctx) {
		end()
		return nil, &exit{exitDiffers, fmt.Errorf("the controller inside did not come up within %s", c.timeout)}
	}
	return end, nil
}

// inSync waits until the controller inside has nothing left to do.
func (c clone) inSync(ctx context.Context) bool {
	return c.comes(ctx, func() bool { return c.host.Command(ctx, c.args("diff")...).Run() == nil })
}

// comes waits until something is so.
func (c clone) comes(ctx context.Context, so func() bool) bool {
	until := time.Now().Add(c.timeout)
	for time.Now().Before(until) && ctx.Err() == nil {
		if so() {
			return true
		}
		time.Sleep(200 * time.Millisecond)
	}
	return false
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/drill"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/rules"
)

func (a *app) drillCmd() *cobra.Command {
	var o drillOptions
	cmd := &cobra.Command{
		Use:   "drill RUNBOOK PATH",
		Short: "Try a runbook on a disposable clone of this host",
		Long: `Boot a disposable clone of this host as rehearse does, bring it to the desired state
at PATH, bring about what the runbook is for, and let the controller there act: the
alert must fire, the runbook remedy it, its verification say so, and the alert end.
This machine is not touched.

A runbook's spec.drill says what its cause is, or --cause. Rules, pauses and policy are
the real ones, so it takes as long as they say. What waits for a human ends the drill,
unless --yes approves it. Before anything is done about the alert the verifications are
read: one that says yes before the cause and after it cannot fail, and is no proof. One
whose text shows that it cannot fail is told at once, and nothing is booted.

Exit code 0: as declared. 1: not, or a verification cannot fail. 4: no such runbook or
alert. 2: trouble.`,
		Example: `  sudo evenkeel drill redis-memory deploy/
  sudo evenkeel drill redis-memory deploy/ --yes --json
  sudo evenkeel drill queue-stuck deploy/ --cause 'systemctl kill -s STOP worker' --alert QueueStuck`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.json {
				o.form = "json"
			}
			return a.drill(cmd.Context(), args[0], args[1], o)
		},
		ValidArgsFunction: a.completeRunbooks,
	}
	cmd.Flags().StringVar(&o.cause, "cause", "", "a shell line, run in the clone alone, that brings the alert about (default: spec.drill.cause)")
	cmd.Flags().StringVar(&o.alert, "alert", "", "the alert that is to fire (default: spec.drill.alert, or the first that the runbook is for)")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "approve in the clone what waits for a human")
	cmd.Flags().BoolVar(&o.json, "json", false, "the same as -o json")
	durationFlag(cmd, &o.within, "within", "how long the alert may take to fire (default: spec.drill.within, or what its rule needs, and 2m)")
	o.clone.flags(cmd)
	output(cmd, &o.form, "text", "json")
	return cmd
}

type drillOptions struct {
	cause, alert, form string
	within             time.Duration
	yes, json          bool
	clone              cloneFlags
}

func (a *app) drill(ctx context.Context, name, path string, o drillOptions) error {
	set, err := a.loadOrSay([]string{path}, false)
	if err != nil {
		return err
	}
	plan, err := o.plan(set, strings.TrimPrefix(name, "Runbook/"))
	if err != nil {
		return err
	}
	if set.Policy.Mode == desired.Observe {
		return trouble(errors.New("the host's policy is mode observe, so nothing would be done; try it with another: --policy FILE"))
	}
	out := plan.Blank()
	if out.Outcome == "" {
		if len(plan.Cause) == 0 {
			return trouble(fmt.Errorf("nobody says how to bring %s about; write spec.drill.cause into Runbook/%s, or give --cause", plan.Alert.Name, plan.Book.Name))
		}
		c, err := a.clone(ctx, path, o.clone)
		if err != nil {
			return err
		}
		defer c.Close()
		if out, err = c.drill(ctx, drill.Options{Plan: plan, Yes: o.yes, Takes: o.clone.timeout, Every: 250 * time.Millisecond, Say: a.say}); err != nil {
			return err
		}
	}
	if o.form == "json" {
		err = a.print(o.form, out)
	} else {
		_, err = fmt.Fprint(a.stdout, out.Text(a.style()))
	}
	if err == nil && !out.OK {
		return &exit{code: exitDiffers}
	}
	return err
}

// plan finds the runbook, the alert that it is for, and its cause.
func (o drillOptions) plan(set *desired.Set, name string) (drill.Plan, error) {
	var p drill.Plan
	i := slices.IndexFunc(set.Runbooks, func(r desired.Runbook) bool { return r.Name == name })
	if i < 0 {
		return p, &exit{exitUnknown, fmt.Errorf("no runbook is named %s%s", name, desired.DidYouMean(name, runbookNames(set)))}
	}
	p.Book, p.Within = set.Runbooks[i], o.within
	alert := o.alert
	if d := p.Book.Spec.Drill; d != nil {
		p.Cause = d.Command()
		if alert == "" {
			alert = d.Alert
		}
		if p.Within == 0 {
			p.Within = d.Within.Std()
		}
	}
	if o.cause != "" {
		p.Cause = []string{"/bin/sh", "-c", o.cause}
	}
	matchers, err := desired.ParseAllMatchers(p.Book.Spec.Match)
	if err != nil {
		return p, trouble(err)
	}
	var names []string
	for _, file := range set.Rules {
		declared, _ := rules.Check(file.Text)
		for _, one := range declared.Alerts {
			if one.MayMatch(matchers) {
				if alert == "" || one.Name == alert {
					p.Alert = one
					return p, nil
				}
				names = append(names, one.Name)
			}
		}
	}
	if alert == "" {
		return p, &exit{exitUnknown, fmt.Errorf("no alert that is declared can match runbook %s", name)}
	}
	return p, &exit{exitUnknown, fmt.Errorf("runbook %s is for no declared alert %s%s", name, alert, desired.DidYouMean(alert, names))}
}

func runbookNames(set *desired.Set) []string {
	var names []string
	for _, r := range set.Runbooks {
		names = append(names, r.Name)
	}
	return names
}

// drill brings the clone to its declared state, and drills.
func (c clone) drill(ctx context.Context, o drill.Options) (out report.Drill, err error) {
	// What this host's past holds, suspends or has spent says nothing of a runbook.
	if err := c.host.Command(ctx, "rm", "-rf", defaultState).Run(); err != nil {
		return out, trouble(fmt.Errorf("forget this host's past in the clone: %w", err))
	}
	steps := &strings.Builder{}
	if err := c.apply(ctx, steps); err != nil {
		c.a.say("%s", strings.TrimSpace(steps.String()))
		return out, err
	}
	end, err := c.keep(ctx)
	if err != nil {
		return out, err
	}
	defer end()
	if !c.comes(ctx, func() bool { return c.run(ctx, io.Discard, "status") == nil }) {
		_ = c.run(ctx, c.a.stderr, "status")
		return out, &exit{exitDiffers, errors.New("the host is not healthy, and nothing was broken yet")}
	}
	c.a.say("the host is as declared")
	o.Host = drilled{api.NewClient(filepath.Join(c.host.Root(), defaultSocket)), c}
	if out, err = drill.Run(ctx, o); err != nil {
		return out, trouble(err)
	}
	return out, nil
}

// drilled is the clone as one who drills sees it.
type drilled struct {
	*api.Client
	clone clone
}

// Run runs a command in the clone.
func (d drilled) Run(ctx context.Context, argv []string) (string, error) {
	out, err := d.clone.host.Command(ctx, argv...).CombinedOutput()
	return string(out), err
}

// completeRunbooks completes folders, and the runbooks of the default one.
func (a *app) completeRunbooks(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	if _, err := os.Stat(defaultDesired); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	set, _, err := a.load([]string{defaultDesired}, false)
	if err != nil || set == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return runbookNames(set), cobra.ShellCompDirectiveNoFileComp
}

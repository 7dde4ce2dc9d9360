package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file/displaced"
	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/act"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
)

func (a *app) displacedCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "displaced list|show ID|restore ID",
		Short: "What a human had written where evenkeel wrote",
		Long: `Before evenkeel overwrites or removes a file that it did not write last, it keeps
the human's version for 30 days.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(*cobra.Command, []string) error {
			return trouble(errors.New("there are: displaced list, displaced show ID, displaced restore ID"))
		},
	}
	var form string
	list := &cobra.Command{
		Use: "list", Short: "List what was displaced, the newest last", Example: "  sudo evenkeel displaced list", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.listDisplaced(form) },
	}
	output(list, &form, "table", "json")
	cmd.AddCommand(list, &cobra.Command{
		Use: "show ID", Short: "Print one version", Example: "  sudo evenkeel displaced show 3f2a", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			_, content, err := a.oneDisplaced(args[0])
			if err == nil {
				_, err = a.stdout.Write(content)
			}
			return err
		},
	}, &cobra.Command{
		Use: "restore ID", Short: "Put one version back where it lay, and suspend its service for an hour", Args: cobra.ExactArgs(1),
		Example: "  sudo evenkeel displaced restore 3f2a",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.restoreDisplaced(cmd.Context(), args[0]) },
	})
	return cmd
}

func (a *app) kept() *displaced.Store {
	return displaced.New(filepath.Join(a.stateDir, "displaced"), displaced.Options{})
}

func (a *app) listDisplaced(form string) error {
	all, err := a.kept().List()
	if err != nil {
		return trouble(hint(err))
	}
	slices.SortFunc(all, func(x, y displaced.Copy) int { return x.At.Compare(y.At) })
	if form == "json" {
		return a.print(form, map[string]any{"displaced": slices.Concat([]displaced.Copy{}, all)})
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tTIME\tOBJECT\tBY\tSIZE\tPATH")
	for _, c := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\n", c.ID, c.At.UTC().Format(time.RFC3339), report.Escape(c.Object), c.Reason, c.Size, report.Escape(c.Path))
	}
	return t.Flush()
}

// keptVersion is a displaced version as the controller takes it.
func (a *app) keptVersion(id string) (state.Kept, []byte, error) {
	c, content, err := a.kept().Get(id)
	return state.Kept{ID: c.ID, Object: c.Object, Path: c.Path, Digest: c.Digest, Mode: c.Mode, Owner: c.Owner, Group: c.Group, Link: c.Link}, told(c, content), err
}

// told is what the actuator is told of a version: of a link nothing but the Action.
func told(c displaced.Copy, content []byte) []byte {
	if c.Link != "" {
		return []byte{}
	}
	return content
}

func (a *app) oneDisplaced(id string) (displaced.Copy, []byte, error) {
	c, content, err := a.kept().Get(id)
	switch {
	case errors.Is(err, displaced.ErrUnknown):
		return c, nil, &exit{exitUnknown, err}
	case err != nil:
		return c, nil, trouble(hint(err))
	}
	return c, content, nil
}

// restoreDisplaced puts a version back as a Step like any other: it is checked
// against policy, recorded before and after, and verified.
func (a *app) restoreDisplaced(ctx context.Context, id string) error {
	if _, _, err := a.oneDisplaced(id); err != nil {
		return err
	}
	lock, err := controller.Lock(defaultRuntime, a.stateDir)
	if errors.Is(err, controller.ErrRunning) {
		answer, err := a.ask(ctx, hand.Request{Verb: hand.Restore, Names: []string{id}})
		if err != nil {
			return err
		}
		return a.await(ctx, hand.Restore, answer.Asks, time.Minute)
	}
	if err != nil {
		return trouble(hint(err))
	}
	defer lock.Close()
	policy, _, err := a.hostPolicy()
	if err != nil {
		return err
	}
	d, err := a.daemon(ctx, quietly(logger(a.stderr)), webhookFlags{})
	if err != nil {
		return err
	}
	defer d.Close()
	c, content, err := a.keptVersion(id)
	if err != nil {
		return trouble(hint(err))
	}
	ref := state.Ref{Kind: state.RefFile, Name: c.Path}
	before := d.parts.observer.Observe(ctx, []state.Ref{ref})
	action := c.Action(before.Files[c.Path].Value)
	action.Args["keep"] = "1"
	step := state.Step{
		ID: "restore-" + c.ID, Object: c.Object, Reason: state.ByHand, Detail: "displaced restore " + c.ID, Actor: actor(),
		Effect: actuators.Benign, Rests: []state.Ref{ref}, Action: action,
	}
	out, err := d.byHand(ctx, act.Order{Step: step, Content: content, Before: before, Policy: policy})
	if err != nil {
		return trouble(err)
	}
	if out.Status != state.Done {
		return &exit{exitDiffers, fmt.Errorf("restore %s: %s: %s", c.Path, out.Status, out.Detail)}
	}
	fmt.Fprintf(a.stdout, "restored %s\n", report.Escape(c.Path))
	return nil
}

// byHand does one Step that a human asked for, recorded before and after.
func (d *daemon) byHand(ctx context.Context, o act.Order) (state.Outcome, error) {
	eyes := d.parts.observer
	if why := d.store.Distrust(); why != "" {
		return state.Outcome{}, errors.New(why)
	}
	if _, err := d.store.Append([]state.Entry{{At: eyes.Now(), Intent: &state.Intent{Step: o.Step}}}); err != nil {
		return state.Outcome{}, err
	}
	actor := act.New(act.Options{Actuators: d.parts.actuators, Eyes: eyes, Stopped: stopped, Log: d.options.Log})
	r := actor.Do(ctx, o)
	_, err := d.store.Append([]state.Entry{{At: r.Ended, Outcome: &r.Outcome}})
	return r.Outcome, err
}

// actor is the human behind sudo, or else the user.
func actor() string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if u := os.Getenv(name); u != "" {
			return u
		}
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

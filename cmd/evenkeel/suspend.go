package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/desired"
)

func (a *app) suspendCmd() *cobra.Command {
	return a.atOnce(&cobra.Command{
		Use:     "suspend OBJECT... | host",
		Aliases: []string{"pause"},
		Short:   "Keep evenkeel's hands off services, or off the whole host, for a while",
		Long: `Suspend services, or the host: evenkeel observes and tells, and changes nothing
of them. It always ends by itself: after an hour, or as --for says.

Without a running controller, or where its socket is dead, this stops all acts
of evenkeel at once: touch /run/evenkeel/stop`,
		Example: "  evenkeel suspend pakashop-backend --for 2h --reason debugging\n  evenkeel suspend host --for 30m\n  evenkeel suspend -l tier=core",
	}, hand.Suspend)
}

func (a *app) resumeCmd() *cobra.Command {
	return a.atOnce(&cobra.Command{
		Use:     "resume OBJECT... | host",
		Aliases: []string{"unpause"},
		Short:   "End a suspension, a respected stop by hand, or a release",
		Example: "  evenkeel resume pakashop-backend\n  evenkeel resume host",
	}, hand.Resume)
}

// atOnce completes a verb that is done when it is said.
func (a *app) atOnce(cmd *cobra.Command, verb string) *cobra.Command {
	f := handFlags{request: hand.Request{Verb: verb}}
	a.handFlags(cmd, &f)
	if verb == hand.Suspend {
		durationFlag(cmd, &f.request.For, "for", "how long (default 1h, at most 30d)")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.request.Objects = objectNames(args)
		_, err := a.ask(cmd.Context(), f.request)
		return err
	}
	return cmd
}

// holdFor is how long a hold lasts that nobody ends: longer than any work by
// hand, short enough not to be forgotten.
const holdFor = 24 * time.Hour

func (a *app) holdCmd() *cobra.Command {
	f := handFlags{request: hand.Request{Verb: hand.Suspend, For: holdFor}}
	cmd := &cobra.Command{
		Use:   "hold SERVICE... -- COMMAND...",
		Short: "Suspend services while a command runs, and resume them whatever happened",
		Long: `Suspend services, run a command, and resume them however the command ended. The
exit code is the command's. If this process is killed, the suspension ends by
itself after a day.`,
		Example: "  evenkeel hold pakashop-search -- /usr/local/bin/reindex --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			if dash < 0 || dash >= len(args) {
				return trouble(errors.New("give the command behind --; see evenkeel hold --help"))
			}
			f.request.Objects = objectNames(args[:dash])
			return a.hold(cmd.Context(), f.request, args[dash:])
		},
	}
	a.handFlags(cmd, &f)
	return cmd
}

func (a *app) hold(ctx context.Context, r hand.Request, argv []string) error {
	if r.Why == "" {
		r.Why = "while " + argv[0] + " runs"
	}
	if _, err := a.ask(ctx, r); err != nil {
		return err
	}
	defer func() {
		r.Verb, r.For = hand.Resume, 0
		rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if _, err := a.ask(rctx, r); err != nil {
			a.say("evenkeel: resume: %v", err)
		}
	}()
	c := exec.Command(argv[0], argv[1:]...) // signals reach it as they reach us: it decides when to end
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, a.stdout, a.stderr
	err := c.Run()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		return &exit{code: ended.ExitCode()}
	case errors.As(err, &ended):
		return &exit{exitDiffers, fmt.Errorf("%s: %w", argv[0], err)}
	case err != nil:
		return trouble(err)
	}
	return nil
}

// durationFlag adds a duration that may be given in days and weeks, too.
func durationFlag(cmd *cobra.Command, d *time.Duration, name, usage string) {
	cmd.Flags().Var((*duration)(d), name, usage)
}

type duration time.Duration

func (d *duration) String() string {
	if *d == 0 {
		return ""
	}
	return desired.Duration(*d).String()
}

func (d *duration) Set(s string) error {
	v, err := desired.ParseDuration(s)
	if err != nil {
		return err
	}
	*d = duration(v)
	return nil
}

func (d *duration) Type() string { return "duration" }

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/demo"
)

func (a *app) demoCmd() *cobra.Command {
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a disposable host being brought up, broken by hand and healed",
		Long: `Boot a disposable host with a real systemd, bring the whole example estate up on
it, break it by hand, and show how it heals. It runs in a clone of the project,
after make setup; this machine is not touched. On a terminal it waits for Enter
before each breakage.`,
		Example: "  sudo make demo",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.Examples, "examples", "examples", "the folder of the examples")
	cmd.Flags().StringVar(&o.Layer, "layer", "", "installed packages to lay over this machine's root (default: what make setup made)")
	return cmd
}

func (a *app) demo(ctx context.Context, o demo.Options) error {
	exe, err := os.Executable()
	if err != nil {
		return trouble(err)
	}
	o.Out, o.Color, o.Evenkeel = a.stdout, a.colour(a.stdout), exe
	if in, ok := a.stdin.(*os.File); ok && terminal(in) && terminal(a.stdout) && os.Getenv("CI") == "" {
		lines := bufio.NewScanner(in)
		o.Pause = func(next string) error {
			fmt.Fprintf(a.stdout, "\n[Enter] %s ", next)
			lines.Scan()
			return ctx.Err()
		}
	}
	err = demo.Run(ctx, o)
	if errors.Is(err, rehearse.ErrUnavailable) && os.Getenv("CI") == "" {
		a.say("%v", err)
		return a.simulatedDemo(ctx, o.Examples)
	}
	if err != nil {
		return &exit{exitDiffers, err}
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) logsCmd() *cobra.Command {
	var o logOptions
	cmd := &cobra.Command{
		Use:               "logs [SERVICE...]",
		Aliases:           []string{"journal"},
		Short:             "Show the journal of declared services",
		Example:           "  evenkeel logs pakashop-backend -f\n  evenkeel logs --since -1h -n 100",
		RunE:              func(cmd *cobra.Command, args []string) error { return a.logs(cmd.Context(), o, args) },
		ValidArgsFunction: a.completeServices,
	}
	cmd.Flags().StringSliceVar(&a.paths, "file", nil, "desired state that names the services, where no controller runs")
	selectorFlag(cmd, &o.selector)
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on with new lines")
	cmd.Flags().IntVarP(&o.lines, "lines", "n", 0, "the last so many lines")
	cmd.Flags().StringVar(&o.since, "since", "", "as journalctl takes it: -1h, yesterday, 2026-11-23 02:00")
	return cmd
}

type logOptions struct {
	selector string
	follow   bool
	lines    int
	since    string
}

func (a *app) logs(ctx context.Context, o logOptions, names []string) error {
	names, err := a.selected(ctx, o.selector, names)
	if err != nil {
		return err
	}
	b, err := a.board(ctx, slices.Clone(names))
	if err != nil {
		return err
	}
	args := []string{"--no-pager"}
	units := 0
	for _, r := range b.Status.Services {
		if r.Unit != "" { // an Endpoint has no journal
			args = append(args, "--unit="+r.Unit)
			units++
		}
	}
	if units == 0 {
		return trouble(errors.New("no services are declared for this host"))
	}
	if o.follow {
		args = append(args, "--follow")
	}
	if o.lines > 0 {
		args = append(args, "--lines="+strconv.Itoa(o.lines))
	}
	if o.since != "" {
		args = append(args, "--since="+strings.TrimSpace(o.since))
	}
	cmd := exec.CommandContext(ctx, "journalctl", args...)
	cmd.Stdout, cmd.Stderr = a.stdout, a.stderr
	err = cmd.Run()
	var e *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil // interrupted, as -f always ends
	case errors.As(err, &e):
		return &exit{code: exitDiffers}
	case err != nil:
		return trouble(err)
	}
	return nil
}

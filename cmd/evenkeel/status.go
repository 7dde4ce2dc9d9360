package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
)

func (a *app) statusCmd() *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:     "status [SERVICE...]",
		Aliases: []string{"ps"},
		Short:   "Show how every service is",
		Long: `Show the board: a line a unit, the platform's own first, then what it depends
on, then the Endpoints, then totals.

Without a running controller, with -f, nobody probes: units are as systemd says, and
Endpoints are UNKNOWN.

Exit code 0: nothing fails. 3: something does (see --fail-on). 4: unknown
service. 2: trouble.

-o oneline is for prompts and login banners: one short line of the running
controller, within a second, whatever happens.`,
		Example:           "  evenkeel status\n  evenkeel status pakashop-backend Endpoint/pawapay -o json\n  evenkeel status -w\n  evenkeel status -o oneline",
		RunE:              func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), o, args) },
		ValidArgsFunction: a.completeObjects,
	}
	a.fileFlag(cmd)
	selectorFlag(cmd, &o.selector)
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "draw it again and again, until interrupted")
	cmd.Flags().DurationVar(&o.every, "every", time.Second, "how often -w draws")
	cmd.Flags().StringSliceVar(&o.failOn, "fail-on", []string{"fail"}, "exit with 3 on these: warn, fail, held, unknown")
	output(cmd, &o.form, "table", "wide", "json", "yaml", "oneline", "script")
	return cmd
}

type statusOptions struct {
	form     string
	selector string
	watch    bool
	every    time.Duration
	failOn   []string
}

func (a *app) status(ctx context.Context, o statusOptions, names []string) error {
	for _, s := range o.failOn {
		if !slices.Contains([]string{"warn", "fail", "held", "unknown"}, s) {
			return trouble(fmt.Errorf("--fail-on %s: there are warn, fail, held, unknown", s))
		}
	}
	if o.form == "oneline" && len(a.paths) == 0 && !o.watch {
		return a.oneLine(ctx, o, names)
	}
	names, err := a.selected(ctx, o.selector, names)
	if err != nil {
		return err
	}
	if o.watch {
		return a.watchStatus(ctx, o, names)
	}
	b, err := a.board(ctx, names)
	if err != nil {
		return err
	}
	if err := a.printBoard(b, o.form); err != nil {
		return err
	}
	return failing(b, o.failOn)
}

// failing is the exit code for what a board says.
func failing(b report.Board, failOn []string) error {
	for _, s := range failOn {
		if b.Status.Count(report.State(strings.ToUpper(s))) > 0 {
			return &exit{code: exitFail}
		}
	}
	return nil
}

func (a *app) board(ctx context.Context, names []string) (report.Board, error) {
	b, err := a.wholeBoard(ctx)
	if err != nil {
		return b, trouble(hint(err))
	}
	return only(b, names)
}

// only keeps the lines of a board that names ask for; of no names, all.
func only(b report.Board, names []string) (report.Board, error) {
	for i, n := range names {
		names[i] = strings.TrimPrefix(n, "Service/")
	}
	some, unknown := b.Only(names)
	if len(unknown) > 0 {
		return b, &exit{exitUnknown, fmt.Errorf("unknown service %s%s", strings.Join(unknown, ", "), nearService(b, unknown[0]))}
	}
	return some, nil
}

func (a *app) wholeBoard(ctx context.Context) (report.Board, error) {
	if len(a.paths) == 0 {
		b, err := api.NewClient(a.socket).Status(ctx)
		if !errors.Is(err, api.ErrNone) || !exists(defaultDesired) {
			return b, err
		}
	}
	v, err := a.look(ctx, reach{})
	if err != nil {
		return report.Board{}, err
	}
	return v.Board(), nil
}

func (a *app) printBoard(b report.Board, form string) error {
	switch form {
	case "json", "yaml":
		return a.print(form, b.Status)
	case "oneline":
		_, err := fmt.Fprint(a.stdout, b.Status.OneLine(a.style()))
		return err
	case "script":
		_, err := fmt.Fprint(a.stdout, b.Script(a.style()))
		return err
	}
	_, err := fmt.Fprint(a.stdout, b.Text(a.style(), form == "wide"))
	return err
}

// watchStatus draws in place on a terminal, and one after the other elsewhere.
func (a *app) watchStatus(ctx context.Context, o statusOptions, names []string) error {
	tick := time.NewTicker(max(100*time.Millisecond, o.every))
	defer tick.Stop()
	for {
		var text string
		b, err := a.board(ctx, slices.Clone(names))
		var e *exit
		switch {
		case errors.As(err, &e) && e.code == exitUnknown:
			return err
		case err != nil:
			text = "evenkeel: " + err.Error() + "\n"
		default:
			text = b.Text(a.style(), o.form == "wide")
		}
		var frame bytes.Buffer
		if terminal(a.stdout) {
			// Home, each line cleared to its end, then the rest of the screen.
			frame.WriteString("\x1b[H" + strings.ReplaceAll(text, "\n", "\x1b[K\n") + "\x1b[J")
		} else {
			frame.WriteString(text)
		}
		if _, err := a.stdout.Write(frame.Bytes()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// nearService names a service that was perhaps meant.
func nearService(b report.Board, name string) string {
	var names []string
	for _, r := range b.Status.Services {
		names = append(names, r.Name)
	}
	if near := desired.Nearest(name, names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
